package main

import (
	"bytes"
	"context"
	"database/sql"
	"strings"
	"testing"
)

func TestDay(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), 100, t.TempDir(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"Intern|Routine maintenance|removed|Customer 7 Ltd", "-- Everything is as it should be."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, &out)
		}
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	for _, customers := range []int{0, 25, 99} {
		if err := run(t.Context(), customers, dir, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "multiple of 25") {
			t.Errorf("%d customers: %v", customers, err)
		}
	}
	if err := run(t.Context(), 50, dir, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), 50, dir, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a second run in the same place: %v", err)
	}
}

// A result that is not as it should be ends the day.
func TestTerminalFindsFaults(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*terminal)
		want string
	}{
		"result":      {func(t *terminal) { t.want("2", "SELECT 1") }, "and should be\n2"},
		"error":       {func(t *terminal) { t.run("SELECT * FROM absent") }, "no such table: absent"},
		"no error":    {func(t *terminal) { t.refused("no such", "SELECT 1") }, "it should be refused"},
		"other error": {func(t *terminal) { t.refused("1 conflict", "SELECT absent") }, "no such column"},
		"quiet":       {func(t *terminal) { t.quiet("DELETE FROM absent") }, "no such table: absent"},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open("vdb", ":memory:")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			out := &bytes.Buffer{}
			term := &terminal{ctx: context.Background(), conn: conn, out: out}
			c.do(term)
			if term.err == nil || !strings.Contains(term.err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", term.err, c.want)
			}
			printed := out.Len()
			if term.run("SELECT 3"); out.Len() != printed {
				t.Error("the day goes on")
			}
		})
	}
}
