package vdb

import (
	"strings"
	"unicode/utf8"
)

// maxRefBytes bounds the name of a branch or tag.
const maxRefBytes = 250

// checkRefName applies git's rules for the names of refs
// (https://git-scm.com/docs/git-check-ref-format).
func checkRefName(name string) error {
	if reason := badRefName(name); reason != "" {
		return invalidf("name %q: %s", name, reason)
	}
	return nil
}

func badRefName(name string) string {
	switch {
	case name == "":
		return "it is empty"
	case len(name) > maxRefBytes:
		return "it is longer than 250 bytes"
	case !utf8.ValidString(name):
		return "it is not UTF-8"
	case name == "HEAD" || name == "WORKING" || name == "STAGED" || name == "@":
		return "it has a meaning of its own"
	case strings.HasPrefix(name, "-"):
		return "it begins with a dash"
	case strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.Contains(name, "//"):
		return "it has an empty part between slashes"
	case strings.HasSuffix(name, "."):
		return "it ends in a dot"
	case strings.Contains(name, "..") || strings.Contains(name, "@{"):
		return "it contains .. or @{"
	case strings.ContainsAny(name, " ~^:?*[\\\x7f") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return "it contains a space, a control character or one of ~^:?*[\\"
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return "a part of it begins with a dot or ends in .lock"
		}
	}
	return ""
}
