package vdb_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// shop has a parent, a child with an index on its foreign key, and one without.
func shop(t *testing.T) *vdb.Branch {
	t.Helper()
	b := mainBranch(t, openMemory(t))
	update(t, b, func(tx *vdb.Tx) error {
		for _, s := range []vdb.Schema{
			{
				Name:       "customers",
				Columns:    []vdb.Column{{Name: "id", Type: "TEXT"}, {Name: "mail", Type: "TEXT"}, {Name: "name", Type: "TEXT", NotNull: true}},
				PrimaryKey: []string{"id"},
				Indexes:    []vdb.Index{{Name: "mail", Unique: true, Columns: []vdb.IndexColumn{{Name: "mail", Collation: "NOCASE"}}}},
			},
			{
				Name:        "orders",
				Columns:     []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "customer", Type: "TEXT"}},
				PrimaryKey:  []string{"id"},
				Indexes:     []vdb.Index{{Name: "customer", Columns: []vdb.IndexColumn{{Name: "customer"}}}},
				ForeignKeys: []vdb.ForeignKey{{Columns: []string{"customer"}, Parent: "customers"}},
			},
			{
				Name:        "letters",
				Columns:     []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "mail", Type: "TEXT"}},
				PrimaryKey:  []string{"id"},
				ForeignKeys: []vdb.ForeignKey{{Columns: []string{"mail"}, Parent: "customers", ParentColumns: []string{"mail"}}},
			},
		} {
			if err := tx.CreateTable(s); err != nil {
				return err
			}
		}
		if err := tx.Put("customers", texts("c1", "a@x", "Audit")); err != nil {
			return err
		}
		if err := tx.Put("orders", vdb.Row{vdb.Int(1), vdb.Text("c1")}); err != nil {
			return err
		}
		return tx.Put("letters", vdb.Row{vdb.Int(1), vdb.Text("a@x")})
	})
	return b
}

func texts(vals ...string) vdb.Row {
	row := make(vdb.Row, len(vals))
	for i, v := range vals {
		row[i] = vdb.Text(v)
	}
	return row
}

func TestConstraints(t *testing.T) {
	null := vdb.Null()
	for _, test := range []struct {
		name string
		do   func(tx *vdb.Tx) error
		want string // the violations; empty is none
	}{
		{"NULL", func(tx *vdb.Tx) error { return tx.Put("customers", vdb.Row{vdb.Text("c2"), null, null}) }, "NOT NULL of table customers (name), row ('c2')"},
		{"unique, letters' case", func(tx *vdb.Tx) error { return tx.Put("customers", texts("c2", "A@X", "Billing")) }, "UNIQUE of table customers (mail), row ('c2')"},
		{"unique NULLs", func(tx *vdb.Tx) error {
			return errors.Join(tx.Put("customers", vdb.Row{vdb.Text("c2"), null, vdb.Text("x")}), tx.Put("customers", vdb.Row{vdb.Text("c3"), null, vdb.Text("x")}))
		}, ""},
		{"swap of unique values", func(tx *vdb.Tx) error {
			return errors.Join(tx.Put("customers", texts("c2", "b@x", "Billing")), tx.Put("customers", texts("c1", "b@x", "Audit")), tx.Put("customers", texts("c2", "a@x", "Billing")))
		}, ""},
		{"child without parent", func(tx *vdb.Tx) error { return tx.Put("orders", vdb.Row{vdb.Int(2), vdb.Text("nope")}) }, "FOREIGN KEY of table orders (customer), row (2): no row ('nope') in customers"},
		{"child before parent", func(tx *vdb.Tx) error {
			return errors.Join(tx.Put("orders", vdb.Row{vdb.Int(2), vdb.Text("c9")}), tx.Put("customers", texts("c9", "9@x", "Nine")))
		}, ""},
		{"NULL child", func(tx *vdb.Tx) error { return tx.Put("orders", vdb.Row{vdb.Int(2), null}) }, ""},
		{"parent gone", func(tx *vdb.Tx) error { return tx.Delete("customers", "c1") }, "FOREIGN KEY of table orders (customer), row (1): no row ('c1') in customers; FOREIGN KEY of table letters (mail), row (1): no row ('a@x') in customers"},
		{"parent's unique key changed", func(tx *vdb.Tx) error { return tx.Put("customers", texts("c1", "z@x", "Audit")) }, "FOREIGN KEY of table letters (mail), row (1): no row ('a@x') in customers"},
		{"parent and children gone", func(tx *vdb.Tx) error {
			return errors.Join(tx.Delete("customers", "c1"), tx.Delete("orders", 1), tx.Delete("letters", 1))
		}, ""},
		{"parent table dropped", func(tx *vdb.Tx) error { return errors.Join(tx.Delete("letters", 1), tx.DropTable("customers")) }, "FOREIGN KEY of table orders (customer), row (1): no row ('c1') in customers"},
		{"unique index over equal rows", func(tx *vdb.Tx) error {
			return errors.Join(tx.Put("customers", texts("c2", "b@x", "Audit")),
				tx.CreateIndex("customers", vdb.Index{Name: "name", Unique: true, Columns: []vdb.IndexColumn{{Name: "name"}}}))
		}, "UNIQUE of table customers (name), row ('c1'); UNIQUE of table customers (name), row ('c2')"},
		{"foreign key over orphans", func(tx *vdb.Tx) error {
			return tx.AddForeignKey("customers", vdb.ForeignKey{Columns: []string{"name"}, Parent: "customers"})
		}, "FOREIGN KEY of table customers (name), row ('c1'): no row ('Audit') in customers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := shop(t)
			before, err := b.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			err = b.Update(t.Context(), test.do)
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var violated *vdb.ConstraintError
			if !errors.As(err, &violated) || !errors.Is(err, vdb.ErrConstraint) {
				t.Fatalf("got %v", err)
			}
			var got []string
			for _, v := range violated.Violations {
				got = append(got, v.String())
			}
			for _, v := range strings.Split(test.want, "; ") {
				if !strings.Contains(strings.Join(got, "; "), v) {
					t.Errorf("got %v, want %s", got, v)
				}
			}
			if after, err := b.Snapshot(t.Context()); err != nil || after.Root() != before.Root() {
				t.Errorf("a refused transaction changed the branch (%v)", err)
			}
		})
	}
}

func TestConstraintsBetweenTransactions(t *testing.T) {
	b := shop(t)
	parent, err := b.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	child, err := b.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(parent.Delete("orders", 1), parent.Delete("letters", 1), parent.Delete("customers", "c1"),
		child.Put("orders", vdb.Row{vdb.Int(2), vdb.Text("c1")}))
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := child.Commit(); !errors.Is(err, vdb.ErrConstraint) {
		t.Fatalf("an order of a customer that another transaction deleted: %v", err)
	}
	err = b.Update(t.Context(), func(tx *vdb.Tx) error { return tx.Put("orders", vdb.Row{vdb.Int(3), vdb.Text("c1")}) })
	if !errors.Is(err, vdb.ErrConstraint) {
		t.Fatalf("on the newest state: %v", err)
	}
}

func TestBadInput(t *testing.T) {
	b := shop(t)
	var ended *vdb.Tx
	update(t, b, func(tx *vdb.Tx) error {
		ended = tx
		return nil
	})
	do := func(fn func(tx *vdb.Tx) error) error { return b.Update(t.Context(), fn) }
	schema := func(s vdb.Schema) error { return do(func(tx *vdb.Tx) error { return tx.CreateTable(s) }) }
	id := []vdb.Column{{Name: "id", Type: "INTEGER"}}
	for name, test := range map[string]struct {
		err  error
		want error
		says string
	}{
		"unknown table":            {do(func(tx *vdb.Tx) error { return tx.Put("nope", nil) }), vdb.ErrNotFound, "nope"},
		"too few values":           {do(func(tx *vdb.Tx) error { return tx.Put("orders", vdb.Row{vdb.Int(1)}) }), vdb.ErrInvalid, "1 values for 2 columns"},
		"text as integer key":      {do(func(tx *vdb.Tx) error { return tx.Put("orders", texts("x", "c1")) }), vdb.ErrInvalid, "not an integer"},
		"NULL in a key":            {do(func(tx *vdb.Tx) error { return tx.Put("customers", vdb.Row{vdb.Null(), vdb.Null(), vdb.Text("x")}) }), vdb.ErrConstraint, "id"},
		"short key":                {do(func(tx *vdb.Tx) error { return tx.Delete("customers") }), vdb.ErrInvalid, "0 values for a key of 1"},
		"missing row":              {do(func(tx *vdb.Tx) error { return tx.Delete("customers", "zz") }), vdb.ErrNotFound, "zz"},
		"row that is there":        {do(func(tx *vdb.Tx) error { return tx.Insert("customers", texts("c1", "n@x", "N")) }), vdb.ErrExists, "c1"},
		"update of no row":         {do(func(tx *vdb.Tx) error { return tx.Update("customers", texts("c7", "n@x", "N")) }), vdb.ErrNotFound, "c7"},
		"invalid UTF-8":            {do(func(tx *vdb.Tx) error { return tx.Put("customers", texts("c2", "\xff", "N")) }), vdb.ErrInvalid, "mail"},
		"NaN":                      {do(func(tx *vdb.Tx) error { _, err := vdb.ValueOf(math.NaN()); return err }), vdb.ErrInvalid, "NaN"},
		"key that is too long":     {do(func(tx *vdb.Tx) error { return tx.Put("customers", texts(strings.Repeat("k", 40<<10), "l@x", "N")) }), vdb.ErrInvalid, "id"},
		"table that is there":      {schema(vdb.Schema{Name: "Orders", Columns: id}), vdb.ErrExists, "Orders"},
		"no columns":               {schema(vdb.Schema{Name: "n"}), vdb.ErrInvalid, "no columns"},
		"column twice":             {schema(vdb.Schema{Name: "n", Columns: []vdb.Column{{Name: "a"}, {Name: "A"}}}), vdb.ErrExists, "A"},
		"unknown key column":       {schema(vdb.Schema{Name: "n", Columns: id, PrimaryKey: []string{"x"}}), vdb.ErrNotFound, "x"},
		"default that is no value": {schema(vdb.Schema{Name: "n", Columns: []vdb.Column{{Name: "a", Default: "now()"}}}), vdb.ErrInvalid, "now()"},
		"unknown collation":        {schema(vdb.Schema{Name: "n", Columns: []vdb.Column{{Name: "a", Collation: "GERMAN"}}}), vdb.ErrInvalid, "GERMAN"},
		"unknown policy":           {schema(vdb.Schema{Name: "n", Columns: []vdb.Column{{Name: "a", Merge: "best"}}}), vdb.ErrInvalid, "best"},
		"drop of a key column":     {do(func(tx *vdb.Tx) error { return tx.DropColumn("orders", "id") }), vdb.ErrInvalid, "primary key"},
		"drop of an indexed one":   {do(func(tx *vdb.Tx) error { return tx.DropColumn("orders", "customer") }), vdb.ErrInvalid, "index customer"},
		"NOT NULL without default": {do(func(tx *vdb.Tx) error {
			return tx.AddColumn("orders", vdb.Column{Name: "n", NotNull: true})
		}), vdb.ErrInvalid, "default"},
		"unknown index": {do(func(tx *vdb.Tx) error { return tx.DropIndex("orders", "zz") }), vdb.ErrNotFound, "zz"},
		"after the end": {ended.Put("orders", vdb.Row{vdb.Int(5), vdb.Null()}), vdb.ErrTxDone, "ended"},
		"commit twice":  {ended.Commit(), vdb.ErrTxDone, "ended"},
	} {
		if !errors.Is(test.err, test.want) || !strings.Contains(fmt.Sprint(test.err), test.says) {
			t.Errorf("%s: %v; want %v that says %q", name, test.err, test.want, test.says)
		}
	}
}

func TestUseAfterClose(t *testing.T) {
	db := openMemory(t)
	b := mainBranch(t, db)
	update(t, b, func(tx *vdb.Tx) error { return tx.CreateTable(people) })
	s, err := b.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, getErr := s.Get("people", 1)
	_, commitErr := b.Commit(t.Context(), vdb.Message{})
	_, asOfErr := db.AsOf(t.Context(), "HEAD")
	for _, err := range []error{getErr, commitErr, asOfErr, b.Update(t.Context(), func(*vdb.Tx) error { return nil })} {
		if !errors.Is(err, vdb.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}
