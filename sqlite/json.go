package sqlite

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb"
)

// jsonRow writes a row as a JSON object, NULL if it is absent. A BLOB is its
// hexadecimal digits.
func jsonRow(names []string, row vdb.Row) any {
	if row == nil {
		return nil
	}
	values := make([]any, len(row))
	for i, v := range row {
		values[i] = v.Any()
	}
	for i := len(names); i < len(values); i++ {
		names = append(names, fmt.Sprintf("column%d", i+1))
	}
	return jsonObject(names, values)
}

// jsonObject writes named values.
func jsonObject(names []string, values []any) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(jsonText(names[i]) + ":" + jsonValue(v))
	}
	b.WriteByte('}')
	return b.String()
}

func jsonText(s string) string {
	text, _ := encodeJSON(s) // a string cannot fail
	return text
}

func jsonValue(v any) string {
	if b, ok := v.([]byte); ok {
		v = hex.EncodeToString(b)
	}
	text, err := encodeJSON(v)
	if err != nil { // an infinity
		return jsonText(fmt.Sprint(v))
	}
	return text
}

// encodeJSON writes a value as SQLite's JSON functions do, which leave <, > and & as
// they are.
func encodeJSON(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}
