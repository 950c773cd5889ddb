package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb"
)

// exampleSchema prints the table cities, and other tables, as main has them.
func exampleSchema(ctx context.Context, main *vdb.Branch, tables ...string) {
	s, err := main.Snapshot(ctx)
	must(err)
	for _, table := range append([]string{"cities"}, tables...) {
		schema, err := s.Schema(table)
		if err != nil {
			fmt.Println(err)
			continue
		}
		var parts []string
		for _, c := range schema.Columns {
			parts = append(parts, c.Name+" "+c.Type)
		}
		for _, x := range schema.Indexes {
			parts = append(parts, "index "+x.Name)
		}
		for _, fk := range schema.ForeignKeys {
			parts = append(parts, "refers to "+fk.Parent)
		}
		fmt.Printf("%s: %s\n", schema.Name, strings.Join(parts, ", "))
		for row, err := range s.Rows(table, vdb.Range{}) {
			must(err)
			fmt.Println(" ", row)
		}
	}
}

func ExampleTx_RenameColumn() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	// A branch that edits the column under its old name still merges.
	side, err := main.DB().CreateBranch(ctx, "side", "main")
	must(err)
	exampleCommit(ctx, side, "Growth", map[string]int64{"Bern": 135_000})
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.RenameColumn("cities", "people", "inhabitants") }))
	_, err = main.Commit(ctx, vdb.Message{Author: "Audit", Text: "Say what is counted"})
	must(err)
	_, err = main.Merge(ctx, "side", nil)
	must(err)
	exampleSchema(ctx, main)
	// Output:
	// cities: name TEXT, inhabitants INTEGER
	//   ['Bern' 135000]
	//   ['Lima' 10000000]
}

func ExampleTx_RenameTable() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.RenameTable("cities", "places") }))
	exampleSchema(ctx, main, "places")
	// Output:
	// vdb: read schema: table cities: not found
	// places: name TEXT, people INTEGER
	//   ['Bern' 134000]
	//   ['Lima' 10000000]
}

func ExampleTx_AlterColumn() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.AlterColumn("cities", vdb.Column{Name: "people", Type: "TEXT", NotNull: true})
	}))
	exampleSchema(ctx, main)
	// Output:
	// cities: name TEXT, people TEXT
	//   ['Bern' '134000']
	//   ['Lima' '10000000']
}

func ExampleTx_DropColumn() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.DropColumn("cities", "people") }))
	exampleSchema(ctx, main)
	// Output:
	// cities: name TEXT
	//   ['Bern']
	//   ['Lima']
}

func ExampleTx_DropTable() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.DropTable("cities") }))
	exampleSchema(ctx, main)
	// Output: vdb: read schema: table cities: not found
}

func ExampleTx_CreateIndex() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.CreateIndex("cities", vdb.Index{Name: "by_people", Columns: []vdb.IndexColumn{{Name: "people", Desc: true}}})
	}))
	must(main.View(ctx, func(s *vdb.Snapshot) error {
		for row, err := range s.Rows("cities", vdb.Range{Index: "by_people"}) {
			if err != nil {
				return err
			}
			fmt.Println(row)
		}
		return nil
	}))
	// Output:
	// ['Lima' 10000000]
	// ['Bern' 134000]
}

func ExampleTx_DropIndex() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateIndex("cities", vdb.Index{Name: "by_people", Columns: []vdb.IndexColumn{{Name: "people"}}}),
			tx.DropIndex("cities", "by_people"),
		)
	}))
	exampleSchema(ctx, main)
	// Output:
	// cities: name TEXT, people INTEGER
	//   ['Bern' 134000]
	//   ['Lima' 10000000]
}

// exampleStreets adds a table of streets in cities.
func exampleStreets(tx *vdb.Tx) error {
	return tx.CreateTable(vdb.Schema{Name: "streets", Columns: []vdb.Column{{Name: "name", Type: "TEXT"}, {Name: "city", Type: "TEXT"}}})
}

func ExampleTx_AddForeignKey() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return errors.Join(exampleStreets(tx), tx.AddForeignKey("streets", vdb.ForeignKey{Columns: []string{"city"}, Parent: "cities"}))
	}))
	err := main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.Put("streets", vdb.Row{vdb.Text("Via Appia"), vdb.Text("Rome")})
	})
	var violated *vdb.ConstraintError
	fmt.Println(errors.As(err, &violated), violated.Violations[0].Values)
	exampleSchema(ctx, main, "streets")
	// Output:
	// true ['Rome']
	// cities: name TEXT, people INTEGER
	//   ['Bern' 134000]
	//   ['Lima' 10000000]
	// streets: name TEXT, city TEXT, refers to cities
}

func ExampleTx_DropForeignKey() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return errors.Join(
			exampleStreets(tx),
			tx.AddForeignKey("streets", vdb.ForeignKey{Columns: []string{"city"}, Parent: "cities"}),
			tx.DropForeignKey("streets", "city"),
			tx.Put("streets", vdb.Row{vdb.Text("Via Appia"), vdb.Text("Rome")}),
		)
	}))
	exampleSchema(ctx, main, "streets")
	// Output:
	// cities: name TEXT, people INTEGER
	//   ['Bern' 134000]
	//   ['Lima' 10000000]
	// streets: name TEXT, city TEXT
	//   ['Via Appia' 'Rome']
}
