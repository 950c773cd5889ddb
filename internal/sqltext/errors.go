package sqltext

import (
	"errors"
	"fmt"
)

// ErrSyntax says that a text is not the statement that it was taken for.
var ErrSyntax = errors.New("syntax error")

// ErrAsWritten is what place returns to [AsOfRewrite] for a function that is to be
// called as it was written.
var ErrAsWritten = errors.New("leave as written")

// syntaxError names the statement, what was wanted and what is there instead.
func syntaxError(statement, wanted, sql string, at Token) error {
	found := "the end"
	if at.Kind != EOF {
		found = fmt.Sprintf("%q", at.Of(sql))
	}
	return fmt.Errorf("sqltext: parse %s: %w at byte %d: %s expected, not %s", statement, ErrSyntax, at.Start, wanted, found)
}
