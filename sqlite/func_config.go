package sqlite

import (
	"fmt"
	"strings"
)

var configCommand = &command{
	name: "dolt_config", usage: "'user.name', 'user.email' or '" + allowConflictsKey + "' and, to set it, a value", least: 1, most: 2, blank: true,
}

// allowConflictsKey is Dolt's name for leaving conflicts to be settled later.
const allowConflictsKey = "dolt_allow_commit_conflicts"

// doltConfig reads and sets the author of the connection's commits, and whether merges
// with conflicts stay in progress. Both belong to the connection and are not stored.
func doltConfig(s *session, args []any) (any, error) {
	in, err := configCommand.parse(args)
	if err != nil {
		return nil, err
	}
	key := in.arg(0, "")
	if key == allowConflictsKey {
		return s.configConflicts(in)
	}
	name, mail := looseAuthor(s.author)
	part := map[string]*string{"user.name": &name, "user.email": &mail}[key]
	switch {
	case part == nil:
		return nil, fmt.Errorf("dolt_config: unknown key %s; known are user.name, user.email, %s", key, allowConflictsKey)
	case len(in.args) == 1 && *part == "":
		return nil, nil
	case len(in.args) == 1:
		return *part, nil
	}
	if *part = strings.TrimSpace(in.arg(1, "")); strings.ContainsAny(*part, "<>\n") {
		return nil, fmt.Errorf("dolt_config: %s cannot be %q: it has a line break or one of < and >", key, *part)
	}
	s.author = strings.TrimSpace(name + " <" + mail + ">")
	if mail == "" {
		s.author = name
	}
	return int64(0), nil
}

// looseAuthor takes "Name <mail>" apart, of which either may be missing.
func looseAuthor(author string) (name, mail string) {
	name, mail, _ = strings.Cut(author, "<")
	return strings.TrimSpace(name), strings.TrimSuffix(mail, ">")
}

// configConflicts reads or sets whether merges with conflicts stay in progress.
func (s *session) configConflicts(in *invocation) (any, error) {
	if len(in.args) == 2 {
		switch in.arg(1, "") {
		case "0":
			s.allowConflicts = false
		case "1":
			s.allowConflicts = true
		default:
			return nil, fmt.Errorf("dolt_config: %s is 0 or 1, not %q", allowConflictsKey, in.arg(1, ""))
		}
		return int64(0), nil
	}
	if s.allowConflicts {
		return "1", nil
	}
	return "0", nil
}
