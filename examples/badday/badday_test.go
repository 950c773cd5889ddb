package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

var small = company{rows: 20_000, customers: 200}

func TestPlay(t *testing.T) {
	var out bytes.Buffer
	if err := play(t.Context(), small, t.TempDir(), &report{out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Log(out.String())
	for _, want := range []string{
		`of \d+ commits, it is [0-9a-f]{10}, "Routine maintenance" by Intern`,
		`customers +0 rows added +16 deleted`,
		`jira_issues +0 rows added +1,276 deleted`,
		`jira_projects +0 rows added +48 deleted`,
		`ops_genie_config +0 rows added +64 deleted`,
		`puts back 89 rows of customer c00005`,
		`written since, and kept: table customers, row \('c00005'\): seats`,
		`by Operations: Revert "Routine maintenance"`,
		`ops_genie_config +60 rows added +0 deleted`,
		`1,404 that the bad commit deleted are back`,
		`16 branches and main have the heads and roots that they had`,
		`Everything is as it should be`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("the output lacks %s:\n%s", want, &out)
		}
	}
}

func TestTooSmall(t *testing.T) {
	for _, c := range []company{{rows: 1000, customers: 10}, {rows: 5000, customers: 200}} {
		err := play(t.Context(), c, t.TempDir(), &report{out: &bytes.Buffer{}})
		if err == nil || !strings.Contains(err.Error(), "at least") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// loaded returns a branch with the data of a tiny company, and its commit.
func loaded(t *testing.T) (company, *vdb.DB, *vdb.Branch) {
	t.Helper()
	c := company{rows: 1000, customers: 30}
	db, err := vdb.Open(t.Context(), vdb.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b, err := db.Branch(t.Context(), vdb.MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	r := &report{out: &bytes.Buffer{}}
	if err := c.load(t.Context(), b, r.bar(1, "rows")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(t.Context(), vdb.Message{Author: "Operations", Text: "Import"}); err != nil {
		t.Fatal(err)
	}
	return c, db, b
}

// The same company has the same rows, and as many as were asked for.
func TestLoad(t *testing.T) {
	c, db, _ := loaded(t)
	_, again, _ := loaded(t)
	s, err := db.AsOf(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	other, err := again.AsOf(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if s.Root() != other.Root() {
		t.Error("two loads made different rows")
	}
	total := 0
	for _, table := range newLedger().tables() {
		n, err := s.Count(table.name(), vdb.Range{})
		if err != nil {
			t.Fatal(err)
		}
		total += int(n)
	}
	if total != c.rows {
		t.Errorf("%d rows, want %d", total, c.rows)
	}
	for _, id := range append(c.victims(), c.others()...) {
		if err := checkCustomer(s, id); err != nil {
			t.Errorf("customer %s: %v", id, err)
		}
	}
}

// What should not be there, or not be as it is, is found.
func TestCompareFindsFaults(t *testing.T) {
	sold := Customer{ID: "c00003", Name: "Customer 3 Ltd", Plan: "free", Seats: 1000}
	for _, c := range []struct {
		name   string
		wrote  func(*ledger)
		really func(*vdb.Tx) error
		want   string
	}{
		{"nothing", nil, nil, ""},
		{"a write", func(l *ledger) { l.customers.set(key{sold.ID}, &sold) }, func(tx *vdb.Tx) error { return customers.Put(tx, sold) }, ""},
		{"a lost write", func(l *ledger) { l.customers.set(key{sold.ID}, &sold) }, nil, "not {ID:c00003"},
		{"a row from nowhere", nil, func(tx *vdb.Tx) error { return customers.Put(tx, Customer{ID: "c99999"}) }, "should not be there"},
		{"another value", nil, func(tx *vdb.Tx) error { return customers.Put(tx, sold) }, "has the row {ID:c00003"},
		{"a missing row", nil, func(tx *vdb.Tx) error { return escalations.Delete(tx, "c00003", "api") }, "119 rows, not 120"},
		{"a lost insert", func(l *ledger) { l.customers.set(key{"c99999"}, &Customer{ID: "c99999"}) }, nil, "30 rows, not 31"},
		{"a delete", func(l *ledger) { l.escalations.set(key{"c00003", "api"}, nil) }, func(tx *vdb.Tx) error { return escalations.Delete(tx, "c00003", "api") }, ""},
		{"a lost delete", func(l *ledger) { l.escalations.set(key{"c00003", "api"}, nil) }, nil, "it was deleted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, db, b := loaded(t)
			l := newLedger()
			if c.wrote != nil {
				c.wrote(l)
			}
			if c.really != nil {
				if err := b.Update(t.Context(), c.really); err != nil {
					t.Fatal(err)
				}
			}
			if err := compareAll(t.Context(), db, b, l); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got the error %v, want %q", err, c.want)
			}
		})
	}
}

func compareAll(ctx context.Context, db *vdb.DB, b *vdb.Branch, l *ledger) error {
	before, err := db.AsOf(ctx, "HEAD")
	if err != nil {
		return err
	}
	after, err := b.Snapshot(ctx)
	if err != nil {
		return err
	}
	for _, table := range l.tables() {
		if _, err := table.compare(before, after, func(int) {}); err != nil {
			return err
		}
	}
	return nil
}

// A customer of whom a part is gone is not in order.
func TestCheckCustomer(t *testing.T) {
	for name, spoil := range map[string]func(*vdb.Tx) error{
		"an escalation": func(tx *vdb.Tx) error { return escalations.Delete(tx, "c00003", "api") },
		"an issue":      func(tx *vdb.Tx) error { return issues.Delete(tx, int64(10), 1) },
		"a bill too many gone": func(tx *vdb.Tx) error {
			for month := range billsEach {
				if err := bills.Delete(tx, "c00003", 202501+month); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, b := loaded(t)
			if err := b.Update(t.Context(), spoil); err != nil {
				t.Fatal(err)
			}
			err := b.View(t.Context(), func(s *vdb.Snapshot) error { return checkCustomer(s, "c00003") })
			if err == nil {
				t.Error("it was found to be in order")
			}
		})
	}
}

func TestFormat(t *testing.T) {
	for want, got := range map[string]string{
		"0": count(0), "999": count(999), "1,000": count(1000), "1,234,567": count(1234567),
		"12 bytes": size(12), "1.5 KB": size(1500), "2.0 MB": size(2_000_000),
	} {
		if want != got {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := fmt.Sprint(nextMonth(202512), nextMonth(202601)); got != "202601 202602" {
		t.Errorf("the months after are %s", got)
	}
}
