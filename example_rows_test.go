package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/vdbgo/vdb"
)

// A function that takes a Reader works in a transaction and on any snapshot, and
// needs to know nothing about the tables.
func ExampleReader() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	list := func(r vdb.Reader) error {
		tables, err := r.Tables()
		if err != nil {
			return err
		}
		for _, table := range tables {
			n, err := r.Count(table, vdb.Range{})
			if err != nil {
				return err
			}
			fmt.Println(table, n)
		}
		return nil
	}
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return errors.Join(tx.Delete("cities", "Lima"), list(tx))
	}))
	before, err := main.AsOf(ctx, "HEAD")
	must(err)
	must(list(before))
	// Output:
	// cities 1
	// cities 2
}

func ExampleBranch_Snapshot() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	s, err := main.Snapshot(ctx)
	must(err)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Lima") }))
	n, err := s.Count("cities", vdb.Range{}) // as it was
	fmt.Println(n, err)
	// Output: 2 <nil>
}

func ExampleSnapshot_Get() {
	ctx := context.Background()
	s, err := exampleBranch(ctx).Snapshot(ctx)
	must(err)
	row, err := s.Get("cities", "Bern")
	must(err)
	fmt.Println(row[0].Text(), row[1].Int())
	_, err = s.Get("cities", "Oslo")
	fmt.Println(errors.Is(err, vdb.ErrNotFound), err)
	// Output:
	// Bern 134000
	// true vdb: get: table cities, row ('Oslo'): not found
}

func ExampleSnapshot_Rows() {
	ctx := context.Background()
	s, err := exampleBranch(ctx).Snapshot(ctx)
	must(err)
	schema, err := s.Schema("cities")
	must(err)
	people := schema.Column("people")
	for row, err := range s.Rows("cities", vdb.Range{From: []any{"C"}}) {
		must(err)
		fmt.Println(row, row[people].Kind())
	}
	// Output: ['Lima' 10000000] integer
}

func ExampleSnapshot_Count() {
	ctx := context.Background()
	s, err := exampleBranch(ctx).Snapshot(ctx)
	must(err)
	n, err := s.Count("cities", vdb.Range{From: []any{"C"}})
	fmt.Println(n, err)
	// Output: 1 <nil>
}

func ExampleSnapshot_Tables() {
	ctx := context.Background()
	s, err := exampleBranch(ctx).Snapshot(ctx)
	must(err)
	tables, err := s.Tables()
	fmt.Println(tables, err)
	// Output: [cities] <nil>
}

func ExampleSnapshot_Schema() {
	ctx := context.Background()
	s, err := exampleBranch(ctx).Snapshot(ctx)
	must(err)
	schema, err := s.Schema("cities")
	must(err)
	fmt.Println(schema.PrimaryKey, schema.Columns[1].Name, schema.Columns[1].Type)
	// Output: [name] people INTEGER
}

func ExampleSnapshot_OpenBlob() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.AddColumn("cities", vdb.Column{Name: "history", Type: "TEXT"}),
			tx.Put("cities", vdb.Row{vdb.Text("Bern"), vdb.Int(134_000), vdb.Text(strings.Repeat("bears ", 100_000))}),
		)
	}))
	s, err := main.Snapshot(ctx)
	must(err)
	b, err := s.OpenBlob("cities", "history", "Bern")
	must(err)
	part := make([]byte, 5)
	_, err = b.ReadAt(part, 300_000)
	must(err)
	n, err := io.Copy(io.Discard, b.Reader())
	fmt.Println(string(part), n, b.Size(), err)
	// Output: bears 600000 600000 <nil>
}

func ExampleTx_Put() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.Put("cities", vdb.Row{vdb.Text("Bern"), vdb.Int(135_000)})
	}))
	exampleSchema(ctx, main)
	// Output:
	// cities: name TEXT, people INTEGER
	//   ['Bern' 135000]
	//   ['Lima' 10000000]
}

func ExampleTx_Insert() {
	ctx := context.Background()
	err := exampleBranch(ctx).Update(ctx, func(tx *vdb.Tx) error {
		return tx.Insert("cities", vdb.Row{vdb.Text("Bern"), vdb.Int(1)})
	})
	fmt.Println(errors.Is(err, vdb.ErrExists), err)
	// Output: true vdb: insert: table cities, row ('Bern'): already exists
}

func ExampleTx_Update() {
	ctx := context.Background()
	err := exampleBranch(ctx).Update(ctx, func(tx *vdb.Tx) error {
		return tx.Update("cities", vdb.Row{vdb.Text("Oslo"), vdb.Int(700_000)})
	})
	fmt.Println(errors.Is(err, vdb.ErrNotFound), err)
	// Output: true vdb: update: table cities, row ('Oslo'): not found
}

func ExampleTx_Delete() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Lima") }))
	exampleSchema(ctx, main)
	// Output:
	// cities: name TEXT, people INTEGER
	//   ['Bern' 134000]
}

func ExampleTx_Rollback() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	tx, err := main.Begin(ctx)
	must(err)
	must(tx.Delete("cities", "Lima"))
	tx.Rollback()
	exampleSchema(ctx, main)
	fmt.Println(tx.Commit())
	// Output:
	// cities: name TEXT, people INTEGER
	//   ['Bern' 134000]
	//   ['Lima' 10000000]
	// vdb: commit transaction: the transaction has ended
}

func ExampleValueOf() {
	for _, x := range []any{nil, true, 42, 1.5, "text", []byte("blob")} {
		v, err := vdb.ValueOf(x)
		must(err)
		fmt.Println(v, v.Kind())
	}
	_, err := vdb.ValueOf("\xff")
	fmt.Println(errors.Is(err, vdb.ErrInvalid))
	// Output:
	// NULL null
	// 1 integer
	// 42 integer
	// 1.5 real
	// 'text' text
	// x'626c6f62' blob
	// true
}

func ExampleDiff_Rows() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	exampleCommit(ctx, main, "Growth", map[string]int64{"Bern": 135_000, "Oslo": 700_000}, "Lima")
	changed := &vdb.RowsOptions{
		Range: vdb.Range{From: []any{"C"}},
		Where: func(c vdb.RowChange) bool { return c.Kind == vdb.Deleted },
	}
	for c, err := range main.Diff(ctx, "HEAD~", "HEAD").Rows("cities", changed) {
		must(err)
		fmt.Println(c.Kind, c.Key)
	}
	// Output: deleted ['Lima']
}

func ExampleDiff_Tables() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return errors.Join(tx.AddColumn("cities", vdb.Column{Name: "river", Type: "TEXT"}), exampleStreets(tx))
	}))
	for table, err := range main.Diff(ctx, "HEAD", "WORKING").Tables() {
		must(err)
		fmt.Println(table.Kind, table.Name(), table.FromRows, table.ToRows)
		for _, c := range table.Schema.Columns {
			fmt.Println(" ", c.Kind(), c.To.Name)
		}
	}
	// Output:
	// modified cities 2 2
	//   added river
	// added streets 0 0
}

func ExampleDiff_Count() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	exampleCommit(ctx, main, "Growth", map[string]int64{"Bern": 135_000}, "Lima")
	n, err := main.Show(ctx, "HEAD").Count("cities")
	fmt.Println(n, err)
	fmt.Println(n.Total())
	// Output:
	// 0 added, 1 deleted, 1 modified <nil>
	// 2
}

func ExampleTx_Commit() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	mine, err := main.Begin(ctx)
	must(err)
	defer mine.Rollback()
	theirs, err := main.Begin(ctx)
	must(err)
	defer theirs.Rollback()
	must(mine.Put("cities", vdb.Row{vdb.Text("Bern"), vdb.Int(135_000)}))
	must(theirs.Put("cities", vdb.Row{vdb.Text("Bern"), vdb.Int(136_000)}))
	must(mine.Commit())
	err = theirs.Commit()
	fmt.Println(errors.Is(err, vdb.ErrConflict), err)
	// Output: true vdb: commit transaction on branch main: 1 conflict: table cities, row ('Bern'): people
}

// Equal contents have equal roots, whatever was done meanwhile.
func ExampleSnapshot_Root() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	exampleCommit(ctx, main, "Mistake", nil, "Lima")
	_, err := main.Revert(ctx, "HEAD", nil)
	must(err)
	before, err := main.AsOf(ctx, "HEAD~2")
	must(err)
	now, err := main.AsOf(ctx, "HEAD")
	must(err)
	fmt.Println(now.Root() == before.Root())
	// Output: true
}

func ExampleTx_PutBlob() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		history := strings.NewReader(strings.Repeat("bears ", 100_000)) // or a file
		return errors.Join(
			tx.AddColumn("cities", vdb.Column{Name: "history", Type: "TEXT"}),
			tx.PutBlob("cities", "history", history, "Bern"),
		)
	}))
	s, err := main.Snapshot(ctx)
	must(err)
	b, err := s.OpenBlob("cities", "history", "Bern")
	fmt.Println(b.Size(), err)
	// Output: 600000 <nil>
}
