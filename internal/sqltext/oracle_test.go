package sqltext_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"modernc.org/libc"
	_ "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/vdbgo/vdb/internal/sqltext"
)

// sqlite opens an empty database of plain SQLite.
func sqlite(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// random returns a source whose seed a failing test prints.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// firstToken returns the first token of text as SQLite sees it. No token that the
// tests make may follow CREATE, so that SQLite's error names it.
func firstToken(t *testing.T, db *sql.DB, text string) string {
	t.Helper()
	_, err := db.Exec("CREATE/**/" + text)
	if err == nil {
		t.Fatalf("SQLite takes CREATE %q", text)
	}
	message := err.Error()
	if strings.Contains(message, "incomplete input") {
		return ""
	}
	for prefix, suffix := range map[string]string{`near "`: `": syntax error (1)`, `unrecognized token: "`: `" (1)`} {
		if _, rest, ok := strings.Cut(message, prefix); ok && strings.HasSuffix(rest, suffix) {
			return strings.TrimSuffix(rest, suffix)
		}
	}
	t.Fatalf("CREATE %q: %v", text, err)
	return ""
}

// pieces are what the random texts are made of.
var pieces = []string{
	" ", "\n", "\t", "\v", "\f", "\r", "--", "-- c\n", "/*", "*/", "/* c */", "/", "*", "'", "''", "'a'", `"`, `"b"`, "`", "[", "]", "[c]",
	"x", "X", "x'", "x'0f'", "x'0'", "0", "1", "12", "0x", "0xF", "0xg", ".", "..", "e", "e5", "E+", "E-1", "_", "1_0", "__", "$", "$a", "@", "@b",
	":", "::", ":c", "#", "#d", "?", "?1", "(", ")", "a(", "é", "ÿ", "\xff", "\ufeff", "\xef", "<", ">", "=", "!", "|", "||", "->", "->>", "-", "+", "%",
	"&", "~", ",", "{", "}", "\\", "^", "foo", "\x01",
}

func randomText(r *rand.Rand) string {
	var text strings.Builder
	for range 1 + r.IntN(8) {
		text.WriteString(pieces[r.IntN(len(pieces))])
	}
	return text.String()
}

func TestTokensAreSQLites(t *testing.T) {
	db := sqlite(t)
	r := random(t)
	for range 4000 {
		text := randomText(r)
		for token := range sqltext.Tokens(text) {
			if token.Kind == sqltext.Space || token.Kind == sqltext.Comment {
				continue
			}
			want := firstToken(t, db, text[token.Start:])
			if token.Kind == sqltext.Semicolon {
				continue
			}
			if got := token.Of(text); got != want {
				t.Fatalf("text %q at %d: token %q, SQLite has %q", text, token.Start, got, want)
			}
		}
	}
}

func TestCompleteIsSQLites(t *testing.T) {
	tls := libc.NewTLS()
	defer tls.Close()
	words := []string{";", ";", ";", " ", "\n", "CREATE", "TEMP", "temporary", "TRIGGER", "END", "end", "EXPLAIN", "QUERY", "SELECT", "a", "'x;'", `"y;"`, "[z;]", "`;`", "-- ;\n", "/* ; */", "/*", "'", "(", "1"}
	r := random(t)
	for range 50000 {
		var text string
		for range r.IntN(9) {
			text += words[r.IntN(len(words))] + []string{"", " "}[r.IntN(2)]
		}
		c, err := libc.CString(text)
		if err != nil {
			t.Fatal(err)
		}
		want := lib.Xsqlite3_complete(tls, c) == 1
		libc.Xfree(tls, c)
		if got := sqltext.Complete(text); got != want {
			t.Fatalf("Complete(%q) is %v, SQLite says %v", text, got, want)
		}
	}
}

// TestNumbersAreSQLites looks at what SQLite makes of numbers on their own.
func TestNumbersAreSQLites(t *testing.T) {
	db := sqlite(t)
	r := random(t)
	parts := []string{"0", "1", "23", "_", ".", "e", "E", "+", "-", "0x", "a", "F", "x"}
	for range 5000 {
		var text strings.Builder
		text.WriteString(parts[r.IntN(3)])
		for range r.IntN(5) {
			text.WriteString(parts[r.IntN(len(parts))])
		}
		scan := sqltext.NewScanner(text.String())
		token := scan.Next()
		if token.End != text.Len() {
			continue
		}
		var kind string
		err := db.QueryRow("SELECT typeof(" + text.String() + ")").Scan(&kind)
		got := map[sqltext.TokenKind]string{sqltext.Integer: "integer", sqltext.Float: "real"}[token.Kind]
		if err != nil {
			kind = ""
			if strings.Contains(err.Error(), "hex literal too big") {
				continue
			}
		}
		if got == "integer" && kind == "real" && token.End > 18 {
			continue // too big for an integer
		}
		if got != kind {
			t.Fatalf("%s is %q here and %q in SQLite: %v", text.String(), got, kind, err)
		}
	}
}

func TestParamsAreSQLites(t *testing.T) {
	db := sqlite(t)
	r := random(t)
	forms := []string{"?", "?", "?1", "?2", "?3", "?7", ":a", ":b", "@c", "$d"}
	for range 300 {
		var terms []string
		for range 1 + r.IntN(6) {
			terms = append(terms, forms[r.IntN(len(forms))])
		}
		text := "SELECT " + strings.Join(terms, ", ")
		params := sqltext.Params(text)
		row := make([]any, len(params))
		for i := range row {
			row[i] = new(any)
		}
		highest := 0
		for _, p := range params {
			highest = max(highest, p.Index)
		}
		if err := db.QueryRow(text, numbers(params, highest)...).Scan(row...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for i, p := range params {
			if got := *row[i].(*any); got != int64(p.Index) {
				t.Fatalf("%s: parameter %d is number %d here and %v in SQLite", text, i, p.Index, got)
			}
		}
	}
}

// numbers returns for each parameter an argument that is its number.
func numbers(params []sqltext.Param, highest int) []any {
	args := make([]any, highest)
	for i := range args {
		args[i] = i + 1
	}
	for _, p := range params {
		if p.Name != "" && p.Name[0] != '?' {
			args[p.Index-1] = sql.Named(p.Name[1:], p.Index)
		}
	}
	return args
}

func TestLiteralIsSQLites(t *testing.T) {
	db := sqlite(t)
	values := []any{nil, int64(0), int64(-1), int64(-1 << 63), 0.0, 1.5, -2.25, 1e100, 1e-300, 0.1, 3.0, "", "it's", "é", "a\x00b", []byte{}, []byte("\x00\xff"), `"q"`}
	for _, value := range values {
		var equal, sameType bool
		literal := sqltext.Literal(value)
		query := fmt.Sprintf("SELECT %[1]s IS ?1, typeof(%[1]s) = typeof(?1)", literal)
		if err := db.QueryRow(query, value).Scan(&equal, &sameType); err != nil {
			t.Fatalf("%s: %v", literal, err)
		}
		if !equal || !sameType {
			t.Errorf("%s is not the value %#v", literal, value)
		}
	}
}
