package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the scripts in testdata print into them")

// TestScripts runs the scripts in testdata, each in an empty directory. A script's
// lines begin with what they are:
//
//	#  a comment
//	$  a command line; words may be in single quotes
//	<  a line of its standard input
//	=  a file: its name; the lines of it follow, with <
//	>  a line that it prints
//	!  a line that it prints on standard error
//	?  its exit code, if it is not 0
//
// Hashes and dates are replaced by words. The results of plain SQL are those that
// sqlite3 3.40 prints, but for what package format says of REALs.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			path, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			got := replay(t, string(want))
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			compare(t, strings.Split(got, "\n"), strings.Split(string(want), "\n"))
		})
	}
}

// compare reports the first line that differs, and the command that printed it.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	command := ""
	for i := range max(len(got), len(want)) {
		line, wanted := "(the end)", "(the end)"
		if i < len(got) {
			line = got[i]
		}
		if i < len(want) {
			wanted = want[i]
		}
		if line != wanted {
			t.Fatalf("line %d, after %q:\n got %s\nwant %s", i+1, command, line, wanted)
		}
		if strings.HasPrefix(line, "$") {
			command = line
		}
	}
}

// replay runs a script, and returns it with what its commands print now.
func replay(t *testing.T, script string) string {
	t.Helper()
	var out, input strings.Builder
	command, file := "", ""
	finish := func() {
		switch {
		case file != "":
			if err := os.WriteFile(file, []byte(input.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		case command != "":
			out.WriteString(results(command, input.String()))
		}
		command, file = "", ""
		input.Reset()
	}
	for line := range strings.Lines(script) {
		kind, rest := line[:1], strings.TrimSuffix(strings.TrimPrefix(line[1:], " "), "\n")
		switch kind {
		case ">", "!", "?":
			continue
		case "<":
			input.WriteString(rest + "\n")
		default:
			finish()
			if kind == "$" {
				command = rest
			}
			if kind == "=" {
				file = rest
			}
		}
		out.WriteString(line)
	}
	finish()
	return out.String()
}

// results runs a command line, and returns what it prints as lines of a script.
func results(command, input string) string {
	var stdout, stderr, result bytes.Buffer
	status := run(words(command)[1:], strings.NewReader(input), &stdout, &stderr)
	prefixed := func(prefix, text string) {
		for line := range strings.Lines(volatile(text)) {
			line = strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\r", `\r`)
			fmt.Fprintln(&result, strings.TrimSuffix(prefix+" "+line, " ")+strings.Repeat("·", trailing(line)))
		}
	}
	prefixed(">", stdout.String())
	prefixed("!", stderr.String())
	if status != 0 {
		fmt.Fprintln(&result, "?", status)
	}
	return result.String()
}

// trailing counts the blanks at a line's end, of which a script shows the last as a dot.
func trailing(line string) int {
	if strings.HasSuffix(line, " ") {
		return 1
	}
	return 0
}

// volatile replaces what differs from run to run.
func volatile(text string) string {
	text = regexp.MustCompile(`\b[0-9a-f]{40}\b`).ReplaceAllString(text, "HASH")
	text = regexp.MustCompile(`\b[0-9a-f]{10}\b`).ReplaceAllString(text, "SHORT")
	text = regexp.MustCompile(`(?m)^(Squashed: .* commits, ).*$`).ReplaceAllString(text, "${1}DATE to DATE")
	text = regexp.MustCompile(`(?m)^(.* chunks .*) \d+ bytes$`).ReplaceAllString(text, "$1 N bytes")
	return regexp.MustCompile(`(?m)^Date:   .*$`).ReplaceAllString(text, "Date:   DATE")
}

// words cuts a command line at blanks outside of single quotes.
func words(line string) []string {
	var all []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
		} else {
			all = append(all, strings.Fields(part)...)
		}
	}
	return all
}
