package vdb_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// rowsOf returns a table's rows as text, by their keys.
func rowsOf(t testing.TB, s *vdb.Snapshot, table string) map[string]string {
	t.Helper()
	rows := map[string]string{}
	schema, err := s.Schema(table)
	if errors.Is(err, vdb.ErrNotFound) {
		return rows
	}
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range s.Rows(table, vdb.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		rows[keyText(schema, row)] = fmt.Sprint(row)
	}
	return rows
}

func keyText(schema *vdb.Schema, row vdb.Row) string {
	var key []vdb.Value
	for _, name := range schema.PrimaryKey {
		key = append(key, row[schema.Column(name)])
	}
	return fmt.Sprint(key)
}

// randomEdits changes about n rows of a table with the columns id, a, b, c.
func randomEdits(tx *vdb.Tx, r *rand.Rand, table string, n int) error {
	schema, err := tx.Schema(table)
	if err != nil {
		return err
	}
	for range n {
		row := make(vdb.Row, len(schema.Columns))
		for i := range row {
			row[i] = vdb.Int(r.Int64N(4))
			if strings.Contains(schema.Columns[i].Type, "TEXT") {
				row[i] = vdb.Text(strings.Repeat("x", r.IntN(40)))
			}
			if r.IntN(50) == 0 && strings.Contains(schema.Columns[i].Type, "TEXT") {
				row[i] = vdb.Text(strings.Repeat("long", 500+r.IntN(2)))
			}
		}
		id := r.Int64N(3000)
		row[0] = vdb.Int(id)
		if r.IntN(3) == 0 {
			if err := tx.Delete(table, id); err != nil && !errors.Is(err, vdb.ErrNotFound) {
				return err
			}
			continue
		}
		if err := tx.Put(table, row); err != nil {
			return err
		}
	}
	return nil
}

func TestDiffAgainstMaps(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	db := openMemory(t)
	main := mainBranch(t, db)
	schemas := []vdb.Schema{
		{Name: "ints", Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "a", Type: "TEXT"}, {Name: "b", Type: "INT"}}, PrimaryKey: []string{"id"}},
		{Name: "keys", Columns: []vdb.Column{{Name: "id", Type: "INT"}, {Name: "a", Type: "TEXT"}, {Name: "b", Type: "REAL"}}, PrimaryKey: []string{"id"},
			Indexes: []vdb.Index{{Name: "by_b", Columns: []vdb.IndexColumn{{Name: "b"}}}}},
	}
	update(t, main, func(tx *vdb.Tx) error {
		for _, s := range schemas {
			if err := tx.CreateTable(s); err != nil {
				return err
			}
		}
		return nil
	})
	commit(t, main, "tables")
	var snaps []*vdb.Snapshot
	for round := range 12 {
		update(t, main, func(tx *vdb.Tx) error {
			for _, s := range schemas {
				if err := randomEdits(tx, r, s.Name, []int{2, 200, 2000}[round%3]); err != nil {
					return err
				}
			}
			return nil
		})
		// Two edits may undo each other, so that nothing is changed.
		if _, err := main.Commit(t.Context(), vdb.Message{Text: fmt.Sprint("round ", round), AllowEmpty: true}); err != nil {
			t.Fatal(err)
		}
		snap, err := db.AsOf(t.Context(), "HEAD")
		if err != nil {
			t.Fatal(err)
		}
		snaps = append(snaps, snap)
	}
	for range 20 {
		from, to := snaps[r.IntN(len(snaps))], snaps[r.IntN(len(snaps))]
		for _, s := range schemas {
			checkDiff(t, from, to, s.Name)
		}
	}
}

// checkDiff compares a diff with the maps of both sides, and applies it.
func checkDiff(t testing.TB, from, to *vdb.Snapshot, table string) {
	t.Helper()
	was, is := rowsOf(t, from, table), rowsOf(t, to, table)
	d := from.Diff(to)
	var n vdb.Counts
	previous := ""
	for change, err := range d.Rows(table) {
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprint(change.Key)
		if key == previous {
			t.Fatalf("row %s twice", key)
		}
		previous = key
		switch change.Kind {
		case vdb.Added:
			n.Added++
		case vdb.Deleted:
			n.Deleted++
		case vdb.Modified:
			n.Modified++
			if len(change.Columns) == 0 {
				t.Fatalf("row %s modified in no column", key)
			}
		}
		checkSide(t, was, key, change.From)
		checkSide(t, is, key, change.To)
		delete(was, key)
		if change.To != nil {
			was[key] = fmt.Sprint(change.To)
		}
	}
	if !maps.Equal(is, was) {
		t.Fatalf("the diff applied to the one side is not the other:\n%v\n%v", was, is)
	}
	if counts, err := d.Count(table); err != nil || counts != n {
		t.Fatalf("counted %v, %v; there are %v", counts, err, n)
	}
}

func checkSide(t testing.TB, rows map[string]string, key string, row vdb.Row) {
	t.Helper()
	want, ok := rows[key]
	if ok != (row != nil) || ok && want != fmt.Sprint(row) {
		t.Fatalf("row %s is %v, not %s", key, row, want)
	}
}

func changesOf(t testing.TB, d *vdb.Diff, table string, o *vdb.RowsOptions) []string {
	t.Helper()
	var got []string
	for change, err := range d.Rows(table, o) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %v %v → %v %v", change.Kind, change.Key, change.From, change.To, change.Columns))
	}
	return got
}

func wantChanges(t testing.TB, d *vdb.Diff, table string, o *vdb.RowsOptions, want ...string) {
	t.Helper()
	wantLines(t, changesOf(t, d, table, o), want)
}

func wantLines(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var things = vdb.Schema{
	Name:       "things",
	Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "a", Type: "TEXT"}, {Name: "b", Type: "INT"}, {Name: "c", Type: "INT"}},
	PrimaryKey: []string{"id"},
}

func thing(id int64, a string, rest ...int64) vdb.Row {
	row := vdb.Row{vdb.Int(id), vdb.Text(a)}
	for _, x := range rest {
		row = append(row, vdb.Int(x))
	}
	return row
}

// thingsDB has a table of three things in its first commit.
func thingsDB(t testing.TB) (*vdb.DB, *vdb.Branch) {
	t.Helper()
	db := openMemory(t)
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error {
		if err := tx.CreateTable(things); err != nil {
			return err
		}
		for i := range int64(3) {
			if err := tx.Insert("things", thing(i, "t", 10*i, 100*i)); err != nil {
				return err
			}
		}
		return nil
	})
	commit(t, main, "things")
	return db, main
}

func TestDiffThroughSchemaChanges(t *testing.T) {
	db, main := thingsDB(t)
	edit := func(fn func(tx *vdb.Tx) error) *vdb.Diff {
		update(t, main, fn)
		return db.Diff(t.Context(), "HEAD", "WORKING")
	}
	d := edit(func(tx *vdb.Tx) error {
		return tx.AddColumn("things", vdb.Column{Name: "d", Type: "INT", Default: "7"})
	})
	wantChanges(t, d, "things", nil)
	d = edit(func(tx *vdb.Tx) error { return tx.Put("things", thing(1, "t", 10, 100, 8)) })
	wantChanges(t, d, "things", nil, "modified [1] [1 't' 10 100] → [1 't' 10 100 8] [d]")
	d = edit(func(tx *vdb.Tx) error { return tx.RenameColumn("things", "a", "name") })
	wantChanges(t, d, "things", nil, "modified [1] [1 't' 10 100] → [1 't' 10 100 8] [d]")
	d = edit(func(tx *vdb.Tx) error { return tx.DropColumn("things", "b") })
	wantChanges(t, d, "things", nil, "modified [1] [1 't' 10 100] → [1 't' 100 8] [d]")
	d = edit(func(tx *vdb.Tx) error { return tx.RenameTable("things", "goods") })
	wantChanges(t, d, "goods", nil, "modified [1] [1 't' 10 100] → [1 't' 100 8] [d]")
	d = edit(func(tx *vdb.Tx) error { return tx.Put("goods", thing(2, "u", 200, 7)) })
	wantChanges(t, d, "things", &vdb.RowsOptions{Range: vdb.Range{From: []any{2}}}, "modified [2] [2 't' 20 200] → [2 'u' 200 7] [name]")

	var tables []vdb.TableChange
	for change, err := range d.Tables() {
		if err != nil {
			t.Fatal(err)
		}
		tables = append(tables, change)
	}
	if len(tables) != 1 || !tables[0].Renamed() || tables[0].From != "things" || tables[0].To != "goods" || tables[0].FromRows != 3 || tables[0].ToRows != 3 {
		t.Fatalf("tables %+v", tables)
	}
	var columns []string
	for _, c := range tables[0].Schema.Columns {
		columns = append(columns, string(c.Kind()))
	}
	if want := []string{"modified", "added", "deleted"}; !slices.Equal(columns, want) {
		t.Fatalf("columns %v, want %v", columns, want)
	}
}

func TestDiffOfTables(t *testing.T) {
	db, main := thingsDB(t)
	update(t, main, func(tx *vdb.Tx) error {
		if err := tx.RenameTable("things", "old"); err != nil {
			return err
		}
		if err := tx.CreateTable(things); err != nil {
			return err
		}
		return tx.Insert("things", thing(9, "new", 1, 1))
	})
	var got []string
	d := db.Diff(t.Context(), "HEAD", "WORKING")
	for c, err := range d.Tables() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s→%s %d→%d %v", c.Kind, c.From, c.To, c.FromRows, c.ToRows, c.Data))
	}
	wantLines(t, got, []string{"modified things→old 3→3 false", "added →things 0→1 true"})
	wantChanges(t, d, "old", nil)
	wantChanges(t, d, "things", nil, "added [9] [] → [9 'new' 1 1] []")
	update(t, main, func(tx *vdb.Tx) error { return tx.DropTable("old") })
	d = db.Diff(t.Context(), "HEAD", "WORKING")
	if n, err := d.Count("things"); err != nil || n != (vdb.Counts{Added: 1}) {
		t.Fatalf("counted %v, %v", n, err)
	}
}

func TestDiffOptionsAndErrors(t *testing.T) {
	db, main := thingsDB(t)
	ctx := t.Context()
	if _, err := db.CreateBranch(ctx, "side", "HEAD"); err != nil {
		t.Fatal(err)
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Delete("things", 0) })
	commit(t, main, "delete")
	side, _ := db.Branch(ctx, "side")
	update(t, side, func(tx *vdb.Tx) error { return tx.Put("things", thing(5, "side", 1, 1)) })
	commit(t, side, "put")
	wantChanges(t, db.Diff(ctx, "main..side", ""), "things", nil, "added [0] [] → [0 't' 0 0] []", "added [5] [] → [5 'side' 1 1] []")
	wantChanges(t, db.Diff(ctx, "main...side", ""), "things", nil, "added [5] [] → [5 'side' 1 1] []")
	wantChanges(t, side.Show(ctx, "HEAD"), "things", nil, "added [5] [] → [5 'side' 1 1] []")
	wantChanges(t, db.Diff(ctx, "main", "side"), "things", &vdb.RowsOptions{Limit: 1}, "added [0] [] → [0 't' 0 0] []")
	wantChanges(t, db.Diff(ctx, "main", "side"), "things",
		&vdb.RowsOptions{Where: func(c vdb.RowChange) bool { return c.After("A").Text() == "side" && c.Before("a").IsNull() }},
		"added [5] [] → [5 'side' 1 1] []")
	for _, test := range []struct {
		d    *vdb.Diff
		want error
		text string
	}{
		{db.Diff(ctx, "nope", "HEAD"), vdb.ErrNotFound, `"nope"`},
		{db.Diff(ctx, "HEAD", "HEAD~9"), vdb.ErrNotFound, `"HEAD~9"`},
		{db.Diff(ctx, "main..side", "HEAD"), vdb.ErrInvalid, "range"},
		{db.Diff(ctx, "HEAD", "side"), vdb.ErrNotFound, "table nothing"},
		{db.Show(ctx, "nope"), vdb.ErrNotFound, `"nope"`},
	} {
		_, err := test.d.Count("nothing")
		if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.text) {
			t.Errorf("error %v, want %v with %q", err, test.want, test.text)
		}
		for _, rowErr := range test.d.Rows("nothing") {
			if !errors.Is(rowErr, test.want) {
				t.Errorf("error %v, want %v", rowErr, test.want)
			}
		}
	}
	for _, err := range db.Diff(ctx, "HEAD~", "HEAD").Rows("things", &vdb.RowsOptions{Range: vdb.Range{Backward: true}}) {
		if !errors.Is(err, vdb.ErrInvalid) {
			t.Errorf("error %v of a backward diff", err)
		}
	}
}

// column is a column as the oracle of TestDiffSchemasAgainstMaps knows it: by an
// identity that renames leave alone.
type column struct{ id, name string }

// evolving is a table that the test changes at random, and what it should hold.
type evolving struct {
	r       *rand.Rand
	name    string
	columns []column // without the key
	next    int
	rows    map[int64]map[string]string // key → column id → value
}

// change makes one random change of the schema.
func (e *evolving) change(tx *vdb.Tx) error {
	e.next++
	name := fmt.Sprint("x", e.next)
	i := e.r.IntN(len(e.columns))
	switch e.r.IntN(4) {
	case 0:
		e.columns = append(e.columns, column{name, name})
		for _, row := range e.rows {
			row[name] = "'d'"
		}
		return tx.AddColumn(e.name, vdb.Column{Name: name, Type: "TEXT", Default: "'d'"})
	case 1:
		if len(e.columns) == 1 {
			return nil
		}
		was := e.columns[i]
		e.columns = slices.Delete(slices.Clone(e.columns), i, i+1)
		for _, row := range e.rows {
			delete(row, was.id)
		}
		return tx.DropColumn(e.name, was.name)
	case 2:
		was := e.columns[i].name
		e.columns = slices.Clone(e.columns)
		e.columns[i].name = name
		return tx.RenameColumn(e.name, was, name)
	}
	was := e.name
	e.name = name
	return tx.RenameTable(was, name)
}

// write changes some rows.
func (e *evolving) write(tx *vdb.Tx) error {
	for range e.r.IntN(30) {
		id := e.r.Int64N(200)
		if e.r.IntN(4) == 0 {
			if err := tx.Delete(e.name, id); err != nil && !errors.Is(err, vdb.ErrNotFound) {
				return err
			}
			delete(e.rows, id)
			continue
		}
		row, held := vdb.Row{vdb.Int(id)}, map[string]string{}
		for _, c := range e.columns {
			v := vdb.Text([]string{"d", "e", strings.Repeat("long", 400)}[e.r.IntN(3)])
			row = append(row, v)
			held[c.id] = v.String()
		}
		if err := tx.Put(e.name, row); err != nil {
			return err
		}
		e.rows[id] = held
	}
	return nil
}

// evolved is what the table held at a commit.
type evolved struct {
	snap *vdb.Snapshot
	name string
	cols []column
	rows map[int64]map[string]string
}

func TestDiffSchemasAgainstMaps(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	e := &evolving{r: rand.New(rand.NewPCG(seed, 0)), name: "t", columns: []column{{"a", "a"}, {"b", "b"}}, rows: map[int64]map[string]string{}}
	main := mainBranch(t, openMemory(t))
	update(t, main, func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{Name: "t", PrimaryKey: []string{"id"},
			Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "a", Type: "TEXT"}, {Name: "b", Type: "TEXT"}}})
	})
	var all []evolved
	for range 25 {
		update(t, main, func(tx *vdb.Tx) error { return errors.Join(e.write(tx), e.change(tx), e.write(tx)) })
		rows := map[int64]map[string]string{}
		for id, row := range e.rows {
			rows[id] = maps.Clone(row)
		}
		all = append(all, evolved{asOf(t, main, "WORKING"), e.name, e.columns, rows})
	}
	for range 60 {
		from, to := all[e.r.IntN(len(all))], all[e.r.IntN(len(all))]
		want := expectedChanges(from, to)
		got := map[int64]string{}
		for change, err := range from.snap.Diff(to.snap).Rows(to.name) {
			if err != nil {
				t.Fatal(err)
			}
			got[change.Key[0].Int()] = fmt.Sprint(change.Kind, change.Columns)
		}
		if !maps.Equal(got, want) {
			t.Fatalf("from %v to %v:\n%v, want\n%v", from.cols, to.cols, got, want)
		}
	}
}

// expectedChanges compares two states in the columns of the later one: one that
// the earlier did not have was at its default.
func expectedChanges(from, to evolved) map[int64]string {
	want := map[int64]string{}
	for id := range from.rows {
		if to.rows[id] == nil {
			want[id] = fmt.Sprint(vdb.Deleted, []string(nil))
		}
	}
	for id, is := range to.rows {
		was := from.rows[id]
		if was == nil {
			want[id] = fmt.Sprint(vdb.Added, []string(nil))
			continue
		}
		var columns []string
		for _, c := range to.cols {
			before, ok := was[c.id]
			if !ok {
				before = "'d'"
				if c.id == "a" || c.id == "b" {
					before = "NULL"
				}
			}
			if before != is[c.id] {
				columns = append(columns, c.name)
			}
		}
		if columns != nil {
			want[id] = fmt.Sprint(vdb.Modified, columns)
		}
	}
	return want
}

func TestDiffOfSchemaParts(t *testing.T) {
	db, main := companyDB(t, 3)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateIndex("customers", vdb.Index{Name: "by_name", Columns: []vdb.IndexColumn{{Name: "name"}}, Unique: true}),
			tx.DropIndex("projects", "projects_by_customer"),
			tx.CreateIndex("projects", vdb.Index{Name: "projects_by_customer", Columns: []vdb.IndexColumn{{Name: "cust_id", Desc: true}}}),
			tx.RenameColumn("projects", "title", "name"),
			tx.DropForeignKey("issues", "project"),
			tx.AlterColumn("billing", vdb.Column{Name: "cents", Type: "REAL"}),
			tx.RenameTable("events", "log"),
		)
	})
	var got []string
	for change, err := range db.Diff(t.Context(), "HEAD", "WORKING").Tables() {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range change.Schema.Columns {
			got = append(got, fmt.Sprintf("%s: column %s→%s %s→%s", change.Name(), c.From.Name, c.To.Name, c.From.Type, c.To.Type))
		}
		for _, x := range change.Schema.Indexes {
			got = append(got, fmt.Sprintf("%s: index %s", change.Name(), x.Kind()))
		}
		for _, fk := range change.Schema.ForeignKeys {
			got = append(got, fmt.Sprintf("%s: foreign key to %s %s", change.Name(), fk.From.Parent, fk.Kind()))
		}
		if change.Schema.IsEmpty() {
			got = append(got, fmt.Sprintf("%s: renamed %v, data %v", change.Name(), change.Renamed(), change.Data))
		}
	}
	wantLines(t, got, []string{
		"billing: column cents→cents INT→REAL",
		"customers: index added",
		"issues: foreign key to projects deleted",
		"log: renamed true, data false",
		"projects: column title→name TEXT→TEXT",
		"projects: index modified",
	})
	// 100 and 100.0 are the same number.
	wantChanges(t, db.Diff(t.Context(), "HEAD", "WORKING"), "billing", nil)
}

func TestDiffOfAnotherKey(t *testing.T) {
	db, main := thingsDB(t)
	other := things
	other.PrimaryKey = []string{"b"}
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.DropTable("things"), tx.CreateTable(other), tx.Put("things", thing(1, "t", 10, 100)))
	})
	d := db.Diff(t.Context(), "HEAD", "WORKING")
	for change, err := range d.Tables() {
		if err != nil || !change.Schema.PrimaryKey {
			t.Fatalf("%+v, %v", change, err)
		}
	}
	if n, err := d.Count("things"); err != nil || n != (vdb.Counts{Added: 1, Deleted: 3}) {
		t.Fatalf("counted %v, %v", n, err)
	}
	wantChanges(t, d, "things", &vdb.RowsOptions{Range: vdb.Range{From: []any{2}, To: []any{11}}},
		"deleted [2] [2 't' 20 200] → [] []", "added [10] [] → [1 't' 10 100] []")
}
