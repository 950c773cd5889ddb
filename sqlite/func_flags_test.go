package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

var testCommand = &command{
	name: "f", usage: "names", least: 1, most: 2,
	flags: []flag{{long: "all", short: "a"}, {long: "ALL", short: "A"}, {long: "message", short: "m", value: "text"}, {long: "key", value: "value", many: true}},
}

func TestParseFlags(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"x", "[x]"},
		{"-a x", "[x] all"},
		{"-A x", "[x] ALL"},
		{"-am text", "[] all message=text"},
		{"-Am text x y", "[x y] ALL message=text"},
		{"-mtext", "[] message=text"},
		{"x --message=a=b", "[x] message=a=b"},
		{"--message -a x", "[x] message=-a"},
		{"-- -a", "[-a]"},
		{"-", "[-]"},
		{"--key 1 --key 2 x", "[x] key=1,2"},
	} {
		in, err := testCommand.parse(words(c.args))
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		if got := in.describe(); got != c.want {
			t.Errorf("%s: %s, want %s", c.args, got, c.want)
		}
	}
}

func TestParseFlagsRefused(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "f takes names"},
		{"x y z", "f takes names"},
		{"--wrong x", "unknown flag --wrong; known are -a/--all, -A/--ALL, -m/--message text, --key value"},
		{"-ax", "unknown flag -x"},
		{"--al x", "unknown flag --al"},
		{"x -m", "--message needs a value: text"},
		{"x --all=1", "takes no value"},
		{"-a --all x", "--all is given twice"},
		{"x NULL", "argument 2 is NULL"},
		{"x EMPTY", "argument 2 is empty"},
	} {
		in, err := testCommand.parse(words(c.args))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %s", c.args, in, err, c.want)
		}
	}
}

func FuzzParseFlags(f *testing.F) {
	f.Add("-am text --key 1")
	f.Add("-- --")
	f.Add("--=")
	f.Fuzz(func(t *testing.T, text string) {
		in, err := testCommand.parse(words(text))
		if err != nil {
			return
		}
		for long := range in.values {
			if !slices.ContainsFunc(testCommand.flags, func(f flag) bool { return f.long == long }) {
				t.Errorf("%q: flag %q", text, long)
			}
		}
		if len(in.args) > testCommand.most {
			t.Errorf("%q: arguments %q", text, in.args)
		}
	})
}

// words are arguments as a statement would give them.
func words(text string) []any {
	var args []any
	for _, w := range strings.Fields(text) {
		switch w {
		case "NULL":
			args = append(args, nil)
		case "EMPTY":
			args = append(args, "")
		default:
			args = append(args, w)
		}
	}
	return args
}

// describe prints what was given.
func (in *invocation) describe() string {
	s := fmt.Sprint(in.texts())
	for _, f := range in.flags {
		if !in.has(f.long) {
			continue
		}
		s += " " + f.long
		for i, v := range in.values[f.long] {
			if f.value != "" {
				s += []string{"=", ","}[min(i, 1)] + textOf(v)
			}
		}
	}
	return s
}

func TestParseCondition(t *testing.T) {
	for text, want := range map[string]string{
		"id = 7":            "id: int64 7",
		"id==-7":            "id: int64 -7",
		"  a.b = 1":         "",
		`"a ""b" = 'it''s'`: `a "b: string it's`,
		"[a b]=1.5":         "a b: float64 1.5",
		"`x` = x'00ff'":     "x: []uint8 [0 255]",
		"c = NULL":          "c: <nil> <nil>",
		"c = two words":     "c: string two words",
		"c =":               "c: string ",
		"c = ?":             "c: ?",
		"größe = a\nb":      "größe: string a\nb",
		"c = inf":           "c: string inf",
		"c < 1":             "",
		"7":                 "",
		"":                  "",
	} {
		got := ""
		if c, ok := parseCondition(text); ok {
			got = fmt.Sprintf("%s: %T %v", c.column, c.value, c.value)
			if c.open {
				got = c.column + ": ?"
			}
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
