package vdb_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/vdbgo/vdb"
)

// The tables of a company whose rows belong to customers.
var companySchemas = []vdb.Schema{
	{
		Name:       "customers",
		Columns:    []vdb.Column{{Name: "cust_id", Type: "TEXT"}, {Name: "name", Type: "TEXT"}, {Name: "plan", Type: "TEXT"}},
		PrimaryKey: []string{"cust_id"},
	},
	{
		Name:        "projects",
		Columns:     []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "cust_id", Type: "TEXT"}, {Name: "title", Type: "TEXT"}},
		PrimaryKey:  []string{"id"},
		Indexes:     []vdb.Index{{Name: "projects_by_customer", Columns: []vdb.IndexColumn{{Name: "cust_id"}}}},
		ForeignKeys: []vdb.ForeignKey{{Columns: []string{"cust_id"}, Parent: "customers"}},
	},
	{
		Name:        "issues",
		Columns:     []vdb.Column{{Name: "project", Type: "INT"}, {Name: "n", Type: "INT"}, {Name: "state", Type: "TEXT"}},
		PrimaryKey:  []string{"project", "n"},
		ForeignKeys: []vdb.ForeignKey{{Columns: []string{"project"}, Parent: "projects"}},
	},
	{
		Name:        "billing",
		Columns:     []vdb.Column{{Name: "cust_id", Type: "TEXT"}, {Name: "cents", Type: "INT"}},
		PrimaryKey:  []string{"cust_id"},
		ForeignKeys: []vdb.ForeignKey{{Columns: []string{"cust_id"}, Parent: "customers"}},
	},
	{
		Name:    "events",
		Columns: []vdb.Column{{Name: "cust_id", Type: "TEXT"}, {Name: "what", Type: "TEXT"}},
	},
}

// companyTables are their names, parents first.
var companyTables = []string{"customers", "projects", "issues", "billing", "events"}

const projectsEach, issuesEach = 2, 3

func customerName(i int) string { return fmt.Sprintf("c%03d", i) }

// putCustomer adds customer i with two projects of three issues, a bill and two events.
func putCustomer(tx *vdb.Tx, i int) error {
	id := vdb.Text(customerName(i))
	puts := []error{
		tx.Put("customers", vdb.Row{id, vdb.Text(fmt.Sprint("Customer ", i)), vdb.Text("basic")}),
		tx.Put("billing", vdb.Row{id, vdb.Int(int64(100 * i))}),
		tx.Put("events", vdb.Row{id, vdb.Text("signed up")}),
		tx.Put("events", vdb.Row{id, vdb.Text("logged in")}),
	}
	for p := range projectsEach {
		project := int64(i*projectsEach + p)
		puts = append(puts, tx.Put("projects", vdb.Row{vdb.Int(project), id, vdb.Text(fmt.Sprint("Project ", project))}))
		for n := range issuesEach {
			puts = append(puts, tx.Put("issues", vdb.Row{vdb.Int(project), vdb.Int(int64(n)), vdb.Text("open")}))
		}
	}
	return errors.Join(puts...)
}

// dropCustomer deletes customer i and all that belongs to it.
func dropCustomer(tx *vdb.Tx, i int) error {
	deletes := []error{tx.Delete("customers", customerName(i)), tx.Delete("billing", customerName(i)),
		tx.Delete("events", 2*i+1), tx.Delete("events", 2*i+2)}
	for p := range projectsEach {
		deletes = append(deletes, tx.Delete("projects", i*projectsEach+p))
		for n := range issuesEach {
			deletes = append(deletes, tx.Delete("issues", i*projectsEach+p, n))
		}
	}
	return errors.Join(deletes...)
}

// companyDB has n customers in its second commit.
func companyDB(t testing.TB, n int) (*vdb.DB, *vdb.Branch) {
	t.Helper()
	db := openMemory(t)
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error {
		for _, s := range companySchemas {
			if err := tx.CreateTable(s); err != nil {
				return err
			}
		}
		for i := range n {
			if err := putCustomer(tx, i); err != nil {
				return err
			}
		}
		return nil
	})
	commit(t, main, "customers")
	return db, main
}

// badDay deletes some customers in one commit.
func badDay(t testing.TB, main *vdb.Branch, customers ...int) *vdb.Commit {
	t.Helper()
	update(t, main, func(tx *vdb.Tx) error {
		for _, i := range customers {
			if err := dropCustomer(tx, i); err != nil {
				return err
			}
		}
		return nil
	})
	return commit(t, main, "Routine maintenance")
}

func asOf(t testing.TB, b *vdb.Branch, rev string) *vdb.Snapshot {
	t.Helper()
	s, err := b.AsOf(t.Context(), rev)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}
