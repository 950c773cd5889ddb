package shell

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// errUsage says how a dot-command is to be written.
func errUsage(c Command) error { return fmt.Errorf("usage: %s", c.Usage) }

// errUnknown is a dot-command that does not exist.
func errUnknown(name string) error {
	return fmt.Errorf("unknown command %q; .help lists the commands", name)
}

// coded is an error of SQLite.
type coded interface {
	error
	Code() int
}

// Message returns what an error says to a person: of an error of SQLite the message,
// without the name and the number of its code, between which the drivers put it.
func Message(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	var c coded
	if !errors.As(err, &c) {
		return err.Error()
	}
	text := strings.TrimSuffix(err.Error(), fmt.Sprintf(" (%d)", c.Code()))
	for _, class := range []string{"SQL logic error: ", "constraint failed: "} {
		text = strings.TrimPrefix(text, class)
	}
	return text
}
