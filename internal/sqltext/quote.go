package sqltext

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Quote writes a name as an identifier in double quotes.
//
//go:noinline // a program is smaller by its copies
func Quote(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// Unquote returns the name or text that a token stands for: a Quoted or String
// token without its quotes, any other one as it is.
func Unquote(text string) string {
	scan := NewScanner(text)
	t := scan.Next()
	if t.End != len(text) {
		return text
	}
	return unquote(t, text)
}

func unquote(t Token, sql string) string {
	text := t.Of(sql)
	if t.Kind != Quoted && t.Kind != String {
		return text
	}
	quote := text[:1]
	text = text[1 : len(text)-1]
	if quote == "[" || !strings.Contains(text, quote) {
		return text
	}
	return strings.ReplaceAll(text, quote+quote, quote)
}

// Literal writes a value as SQLite's quote() does: nil, an integer, a bool, a
// float64, a string or a []byte, of which a nil one is NULL. It panics on other types,
// which SQLite has no literals for. A text with NUL bytes, which no SQL text can
// have in it, is written as a cast of a blob.
func Literal(value any) string {
	switch v := value.(type) {
	case nil:
		return "NULL"
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	case bool:
		if v {
			return "1"
		}
		return "0"
	case float64:
		return floatLiteral(v)
	case string:
		return textLiteral(v)
	case []byte:
		if v == nil {
			return "NULL"
		}
		return blobLiteral(v)
	}
	panic(fmt.Sprintf("sqltext: no literal for a value of type %T", value))
}

// floatLiteral writes a number such that it stays a real and reads back equal.
func floatLiteral(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NULL"
	case math.IsInf(f, 1):
		return "9.0e+999"
	case math.IsInf(f, -1):
		return "-9.0e+999"
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if strings.ContainsRune(text, '.') {
		return text
	}
	if mantissa, exponent, ok := strings.Cut(text, "e"); ok {
		return mantissa + ".0e" + exponent
	}
	return text + ".0"
}

func textLiteral(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		return "CAST(" + blobLiteral([]byte(s)) + " AS TEXT)"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func blobLiteral(b []byte) string {
	return "X'" + strings.ToUpper(hex.EncodeToString(b)) + "'"
}
