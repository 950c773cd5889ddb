package sqlite

import (
	"fmt"
	"strings"
)

var configCommand = &command{
	name: "dolt_config", usage: "'user.name' or 'user.email' and, to set it, a value", least: 1, most: 2, blank: true,
}

// doltConfig reads and sets the author of the connection's commits. It belongs to
// the connection and is not stored.
func doltConfig(s *session, args []any) (any, error) {
	in, err := configCommand.parse(args)
	if err != nil {
		return nil, err
	}
	name, mail := looseAuthor(s.author)
	key := in.arg(0, "")
	part := map[string]*string{"user.name": &name, "user.email": &mail}[key]
	switch {
	case part == nil:
		return nil, fmt.Errorf("dolt_config: unknown key %s; known are user.name, user.email", key)
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
