package sqlite

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb"
)

// equality is a condition column = value.
type equality struct {
	column string
	value  any
	open   bool // the value is a ? and stands elsewhere
}

// conditionForm is a column's name, quoted in any of SQL's ways or not at all, an
// equals sign, and the rest.
var conditionForm = regexp.MustCompile("^\\s*(?:([A-Za-z_\\x80-\\x{10FFFF}][\\w$\\x80-\\x{10FFFF}]*)|\"((?:[^\"]|\"\")+)\"|`((?:[^`]|``)+)`|\\[([^\\]]+)\\])\\s*==?\\s*((?s).*?)\\s*$")

// parseCondition reads column = value, where the value is a SQL literal, a word
// that stands for itself, or ?.
func parseCondition(text string) (equality, bool) {
	m := conditionForm.FindStringSubmatch(text)
	if m == nil {
		return equality{}, false
	}
	c := equality{column: m[1] + strings.ReplaceAll(m[2], `""`, `"`) + strings.ReplaceAll(m[3], "``", "`") + m[4]}
	if c.open = m[5] == "?"; !c.open {
		c.value = literalOrWord(m[5])
	}
	return c, true
}

func literalOrWord(text string) any {
	quoted := len(text) > 1 && strings.HasSuffix(text, "'")
	switch {
	case strings.EqualFold(text, "NULL"):
		return nil
	case quoted && text[0] == '\'':
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'")
	case quoted && len(text) > 2 && strings.EqualFold(text[:2], "x'"):
		if data, err := hex.DecodeString(text[2 : len(text)-1]); err == nil {
			return data
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, "0123456789") {
		return f
	}
	return text
}

// add gives the condition to a restore.
func (c equality) add(r *vdb.Restore) error {
	if _, twice := r.Where[c.column]; twice {
		return fmt.Errorf("dolt_restore: two conditions for column %s", c.column)
	}
	r.Where[c.column] = c.value
	return nil
}
