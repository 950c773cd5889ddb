package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"
)

// terminal runs statements and prints them with their results, as a shell does.
// After the first result that is not as it should be it does nothing more.
type terminal struct {
	ctx  context.Context
	conn *sql.Conn
	out  io.Writer
	err  error
	// noted are results that later statements use, in pairs: {name}, value.
	noted []string
}

// say prints what the operator thinks.
func (t *terminal) say(text string) {
	if t.err == nil {
		fmt.Fprintf(t.out, "\n-- %s\n", text)
	}
}

// run runs a statement and returns its result: a row a line, values separated by |.
func (t *terminal) run(statement string) string {
	return t.check(statement, func(_ string, err error) error { return err })
}

// want runs a statement that must have a result.
func (t *terminal) want(result, statement string) {
	t.check(statement, func(got string, err error) error {
		if want := t.fill(result); err == nil && got != want {
			return fmt.Errorf("the result is\n%s\nand should be\n%s", got, want)
		}
		return err
	})
}

// note runs a statement and gives the hash that it returns a name. Later statements
// have its first letters: they are enough.
func (t *terminal) note(name, statement string) {
	const letters = 10
	hash := t.run(statement)
	if t.err == nil && len(hash) < letters {
		t.err = fmt.Errorf("%s: %q is no hash", statement, hash)
	}
	t.noted = append(t.noted, "{"+name+"}", hash[:min(len(hash), letters)])
}

// refused runs a statement that must fail, with words in the error.
func (t *terminal) refused(words, statement string) {
	t.check(statement, func(got string, err error) error {
		if err == nil {
			return fmt.Errorf("it should be refused, the result is\n%s", got)
		}
		if !strings.Contains(err.Error(), words) {
			return fmt.Errorf("the error should say %q: %w", words, err)
		}
		return nil
	})
}

// check runs and prints a statement, and has its outcome judged.
func (t *terminal) check(statement string, judge func(result string, err error) error) string {
	if t.err != nil {
		return ""
	}
	statement = t.fill(statement)
	fmt.Fprintf(t.out, "vdb> %s;\n", strings.ReplaceAll(statement, "\n", "\n  -> "))
	result, err := t.query(statement)
	switch {
	case err != nil:
		fmt.Fprintf(t.out, "Error: %v\n", err)
	case result != "":
		fmt.Fprintln(t.out, result)
	}
	if err := judge(result, err); err != nil {
		t.err = fmt.Errorf("%s: %w", statement, err)
	}
	return result
}

// fill puts the noted results into a text.
func (t *terminal) fill(text string) string { return strings.NewReplacer(t.noted...).Replace(text) }

// quiet runs a statement that is not worth a line, with arguments.
func (t *terminal) quiet(statement string, args ...any) {
	if t.err != nil {
		return
	}
	if _, err := t.conn.ExecContext(t.ctx, statement, args...); err != nil {
		t.err = fmt.Errorf("%s: %w", statement, err)
	}
}

func (t *terminal) query(statement string) (string, error) {
	rows, err := t.conn.QueryContext(t.ctx, statement)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	values, pointers := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		pointers[i] = &values[i]
	}
	var lines []string
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return "", err
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = v.String
		}
		lines = append(lines, strings.Join(texts, "|"))
	}
	return strings.Join(lines, "\n"), rows.Err()
}
