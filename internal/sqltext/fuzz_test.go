package sqltext_test

import (
	"testing"

	"github.com/vdbgo/vdb/internal/sqltext"
)

// seeds adds the texts that fuzzing starts from.
func seeds(f *testing.F) {
	for _, text := range append(tables, pieces...) {
		f.Add(text)
	}
	f.Add("SELECT ? FROM t AS OF ? WHERE a = :a")
	f.Add("CALL dolt_add('-A')")
	f.Add("CREATE TRIGGER r AFTER UPDATE ON t BEGIN SELECT 1; END; x\x00y")
}

func FuzzTokens(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, sql string) {
		end := 0
		for token := range sqltext.Tokens(sql) {
			if token.Start != end || token.End <= token.Start {
				t.Fatalf("a token from %d to %d follows byte %d", token.Start, token.End, end)
			}
			end = token.End
		}
		if end != len(sql) {
			t.Fatalf("the tokens end at %d of %d", end, len(sql))
		}
		sqltext.Complete(sql)
		end = 0
		for s := range sqltext.Statements(sql) {
			if s.Span.Start < end || s.Span.End <= s.Span.Start || s.Line < 1 {
				t.Fatalf("statement %v follows byte %d", s, end)
			}
			end = s.Span.End
		}
	})
}

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, sql string) {
		info := sqltext.Parse(sql)
		out, err := sqltext.AsOfRewrite(sql, info, func(int) (string, string, error) { return "s", "", nil })
		if err != nil {
			t.Fatal(err)
		}
		if len(info.AsOf) == 0 && out.SQL != sql[:info.End] {
			t.Fatalf("%q became %q", sql, out.SQL)
		}
		if again := sqltext.Parse(out.SQL); len(info.AsOf) > 0 && len(again.AsOf) >= len(info.AsOf) {
			t.Fatalf("%q became %q", sql, out.SQL)
		}
		sqltext.CallRewrite(sql, info)
	})
}

func FuzzParseCreateTable(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, sql string) {
		inside := func(s sqltext.Span) { _ = s.Of(sql) } // panics if it is not
		if c, err := sqltext.ParseCreateTable(sql); err == nil {
			inside(c.Body)
			inside(c.Options)
			inside(c.Query)
			for _, d := range c.Columns {
				inside(d.Span)
			}
			for _, k := range c.Constraints {
				inside(k.Span)
			}
			c.WithoutRowID(sql)
			c.Rename(sql, "u")
		}
		if c, err := sqltext.ParseCreateIndex(sql); err == nil {
			c.Rename(sql, "i", "u")
		}
		if a, err := sqltext.ParseAlter(sql); err == nil {
			inside(a.Definition)
		}
	})
}
