package vdb

import (
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/hash"
)

// schemaBase is the table, with two rows and a child table, that the cases change.
func (b *mergeBench) schemaBase() version {
	return b.edit(version{}, func(tx *Tx) error {
		for _, s := range []Schema{{
			Name:       "t",
			Columns:    []Column{{Name: "id", Type: "INTEGER"}, {Name: "a", Type: "TEXT"}, {Name: "b", Type: "INTEGER"}, {Name: "c"}},
			PrimaryKey: []string{"id"},
			Indexes:    []Index{{Name: "xa", Columns: []IndexColumn{{Name: "a"}}}},
		}, {
			Name:        "child",
			Columns:     []Column{{Name: "id", Type: "INTEGER"}, {Name: "t", Type: "INTEGER"}},
			PrimaryKey:  []string{"id"},
			ForeignKeys: []ForeignKey{{Columns: []string{"t"}, Parent: "t", ParentColumns: []string{"id"}}},
		}} {
			if err := tx.CreateTable(s); err != nil {
				return err
			}
		}
		for i := range int64(2) {
			if err := tx.Insert("t", Row{Int(i), Text("12"), Int(i), Text("c")}); err != nil {
				return err
			}
		}
		return tx.Insert("child", Row{Int(1), Int(1)})
	})
}

// describe prints a version's schemas and rows.
func (b *mergeBench) describe(v version) string {
	b.t.Helper()
	s := b.db.newSnapshot(b.ctx, b.w, v)
	names, err := s.Tables()
	if err != nil {
		b.t.Fatal(err)
	}
	var parts []string
	for _, name := range names {
		schema, err := s.Schema(name)
		if err != nil {
			b.t.Fatal(err)
		}
		parts = append(parts, describeSchema(schema))
	}
	return strings.Join(parts, "; ")
}

func describeSchema(s *Schema) string {
	var parts []string
	for _, c := range s.Columns {
		parts = append(parts, strings.TrimSpace(c.Name+" "+strings.TrimPrefix((&identityColumn{Column: c}).describe(), "any type")))
	}
	for _, x := range s.Indexes {
		parts = append(parts, x.Name+"("+strings.Join(x.columnNames(), " ")+")")
	}
	for _, fk := range s.ForeignKeys {
		parts = append(parts, "→"+fk.Parent+"("+strings.Join(fk.ParentColumns, " ")+")")
	}
	return s.Name + "[" + strings.Join(s.PrimaryKey, " ") + "]: " + strings.Join(parts, ", ")
}

// change changes a table's schema as SQL's ALTER TABLE can, rows included.
func change(tx *Tx, table string, fn func(*Schema)) error {
	t, err := tx.settled(table)
	if err != nil {
		return err
	}
	s := t.schema.Clone()
	fn(s)
	to, err := newLayout(s)
	if err != nil {
		return err
	}
	view := *t
	var rows [][]Value
	for item, err := range t.rows.scan(tx.ctx, allKeys, false) {
		if err != nil {
			return err
		}
		row, err := t.decode(nil, item.Key, item.Value)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	if err := tx.putTable(s, tableEntry{indexes: make([]hash.Hash, len(to.index))}); err != nil {
		return err
	}
	view.layout = to
	for _, row := range rows {
		if err := tx.Put(table, row); err != nil {
			return err
		}
	}
	return nil
}

func retype(column, to string) func(*Tx) error {
	return func(tx *Tx) error {
		return change(tx, "t", func(s *Schema) { s.Columns[s.Column(column)].Type = to })
	}
}

func all(fns ...func(*Tx) error) func(*Tx) error {
	return func(tx *Tx) error {
		for _, fn := range fns {
			if err := fn(tx); err != nil {
				return err
			}
		}
		return nil
	}
}

const (
	plainT     = "t[id]: id INTEGER, a TEXT, b INTEGER, c, xa(a)"
	plainChild = "child[id]: id INTEGER, t INTEGER, →t(id)"
)

func TestMergeSchemas(t *testing.T) {
	add := func(c Column) func(*Tx) error { return func(tx *Tx) error { return tx.AddColumn("t", c) } }
	drop := func(name string) func(*Tx) error { return func(tx *Tx) error { return tx.DropColumn("t", name) } }
	rename := func(from, to string) func(*Tx) error {
		return func(tx *Tx) error { return tx.RenameColumn("t", from, to) }
	}
	renameTable := func(from, to string) func(*Tx) error { return func(tx *Tx) error { return tx.RenameTable(from, to) } }
	dropTable := func(name string) func(*Tx) error { return func(tx *Tx) error { return tx.DropTable(name) } }
	create := func(s Schema) func(*Tx) error { return func(tx *Tx) error { return tx.CreateTable(s) } }
	index := func(name, column string) func(*Tx) error {
		return func(tx *Tx) error {
			return tx.CreateIndex("t", Index{Name: name, Columns: []IndexColumn{{Name: column}}})
		}
	}
	dropIndex := func(name string) func(*Tx) error { return func(tx *Tx) error { return tx.DropIndex("t", name) } }
	insert := func(table string, row Row) func(*Tx) error {
		return func(tx *Tx) error { return tx.Insert(table, row) }
	}
	alter := func(fn func(*Schema)) func(*Tx) error { return func(tx *Tx) error { return change(tx, "t", fn) } }
	small := Schema{Name: "new", Columns: []Column{{Name: "k", Type: "TEXT"}, {Name: "v"}}, PrimaryKey: []string{"k"}}
	other := Schema{Name: "new", Columns: []Column{{Name: "k", Type: "TEXT"}, {Name: "w"}}, PrimaryKey: []string{"k"}}
	keyed := Schema{Name: "new", Columns: []Column{{Name: "k", Type: "TEXT"}, {Name: "v"}}, PrimaryKey: []string{"v"}}
	for _, c := range []struct {
		name         string
		ours, theirs func(*Tx) error
		want         string // of all tables, or of t alone
		conflicts    []string
	}{
		{"columns added by both", add(Column{Name: "x"}), add(Column{Name: "y", Type: "TEXT", Default: "'d'"}),
			"t[id]: id INTEGER, a TEXT, b INTEGER, c, x, y TEXT DEFAULT 'd', xa(a)", nil},
		{"same column added by both", add(Column{Name: "x"}), add(Column{Name: "x"}), "t[id]: id INTEGER, a TEXT, b INTEGER, c, x, xa(a)", nil},
		{"column added differently", add(Column{Name: "x", Type: "TEXT"}), add(Column{Name: "x", Type: "REAL"}),
			"t[id]: id INTEGER, a TEXT, b INTEGER, c, x TEXT, xa(a)", []string{"t: column x: added by both sides, as TEXT and as REAL"}},
		{"dropped and added", drop("b"), add(Column{Name: "x"}), "t[id]: id INTEGER, a TEXT, c, x, xa(a)", nil},
		{"dropped by both", drop("b"), drop("b"), "t[id]: id INTEGER, a TEXT, c, xa(a)", nil},
		{"dropped and renamed", drop("b"), rename("b", "bb"), "t[id]: id INTEGER, a TEXT, c, xa(a)", []string{"t: column bb: dropped by ours, changed by theirs"}},
		{"dropped and changed", drop("c"), func(tx *Tx) error { return tx.Put("t", Row{Int(1), Text("12"), Int(1), Text("new")}) },
			"t[id]: id INTEGER, a TEXT, b INTEGER, xa(a)", []string{"t: column c: dropped by ours, changed by theirs in 1 row(s)"}},
		{"changed and dropped", func(tx *Tx) error { return tx.Put("t", Row{Int(1), Text("12"), Int(1), Text("new")}) }, all(drop("c"), drop("b")),
			"t[id]: id INTEGER, a TEXT, c, xa(a)", []string{"t: column c: changed by ours in 1 row(s), dropped by theirs"}},
		{"renamed and retyped", rename("a", "aa"), retype("a", "INTEGER"), "t[id]: id INTEGER, aa INTEGER, b INTEGER, c, xa(aa)", nil},
		{"renamed twice", rename("a", "x"), rename("a", "y"), "t[id]: id INTEGER, x TEXT, b INTEGER, c, xa(x)", []string{"t: column x: renamed by both sides, to x and to y"}},
		{"renamed onto an added one", rename("a", "x"), add(Column{Name: "x"}), "t[id]: id INTEGER, x TEXT, b INTEGER, c, xa(x)",
			[]string{"t: column x: both sides have one of that name, and they are not the same"}},
		{"name taken over", all(rename("a", "x"), add(Column{Name: "a"})), insert("t", Row{Int(9), Text("9"), Null(), Null()}),
			"t[id]: id INTEGER, x TEXT, b INTEGER, c, a, xa(x)", nil},
		{"retyped differently", retype("c", "TEXT"), retype("c", "BLOB"), "t[id]: id INTEGER, a TEXT, b INTEGER, c TEXT, xa(a)",
			[]string{"t: column c: type changed by both sides, to TEXT and to BLOB"}},
		{"type and default", retype("b", "REAL"), alter(func(s *Schema) { s.Columns[2].Default = "7" }), "t[id]: id INTEGER, a TEXT, b REAL DEFAULT 7, c, xa(a)", nil},
		{"not null and policy", alter(func(s *Schema) { s.Columns[1].NotNull = true }), alter(func(s *Schema) { s.Columns[1].Merge = PolicyMax }),
			`t[id]: id INTEGER, a TEXT NOT NULL MERGE "max", b INTEGER, c, xa(a)`, nil},
		{"indexes", index("xb", "b"), all(dropIndex("xa"), index("xc", "c")), "t[id]: id INTEGER, a TEXT, b INTEGER, c, xb(b), xc(c)", nil},
		{"index added differently", index("x", "b"), index("x", "c"), "t[id]: id INTEGER, a TEXT, b INTEGER, c, xa(a), x(b)", []string{"t: index x: changed by both sides"}},
		{"index on a dropped column", drop("b"), index("xb", "b"), "t[id]: id INTEGER, a TEXT, c, xa(a)", []string{"t: index xb: its column b was dropped by the other side"}},
		{"index on a renamed column", rename("b", "bb"), index("xb", "b"), "t[id]: id INTEGER, a TEXT, bb INTEGER, c, xa(a), xb(bb)", nil},
		{"primary key changed", alter(func(s *Schema) { s.PrimaryKey = []string{"b"} }), add(Column{Name: "x"}), "t[b]: id INTEGER, a TEXT, b INTEGER, c, x, xa(a)", nil},
		{"primary key changed by theirs", add(Column{Name: "x"}), alter(func(s *Schema) { s.PrimaryKey = []string{"a", "id"} }), "t[a id]: id INTEGER, a TEXT, b INTEGER, c, x, xa(a)", nil},
		{"primary key changed under rows", alter(func(s *Schema) { s.PrimaryKey = []string{"b"} }), insert("t", Row{Int(9), Null(), Null(), Null()}),
			"t[b]: id INTEGER, a TEXT, b INTEGER, c, xa(a)", []string{"t: primary key changed by one side, rows by the other"}},
		{"primary key changed by both", alter(func(s *Schema) { s.PrimaryKey = []string{"b"} }), alter(func(s *Schema) { s.PrimaryKey = []string{"a", "id"} }),
			"t[b]: id INTEGER, a TEXT, b INTEGER, c, xa(a)", []string{"t: primary key: changed by both sides", "t: primary key changed by one side, rows by the other"}},
		{"table renamed and edited", renameTable("t", "u"), insert("t", Row{Int(9), Null(), Null(), Null()}),
			"child[id]: id INTEGER, t INTEGER, →u(id); u[id]: id INTEGER, a TEXT, b INTEGER, c, xa(a)", nil},
		{"table renamed by theirs, child added", create(Schema{Name: "kid", Columns: []Column{{Name: "t"}}, ForeignKeys: []ForeignKey{{Columns: []string{"t"}, Parent: "T"}}}),
			all(renameTable("t", "u"), rename2("u", "id", "key")),
			"child[id]: id INTEGER, t INTEGER, →u(key); kid[]: t, →u(); u[key]: key INTEGER, a TEXT, b INTEGER, c, xa(a)", nil},
		{"table renamed twice", renameTable("t", "u"), renameTable("t", "v"), "child[id]: id INTEGER, t INTEGER, →u(id); u[id]: id INTEGER, a TEXT, b INTEGER, c, xa(a)",
			[]string{"u: renamed by both sides, to u and to v"}},
		{"table renamed onto a new one", renameTable("t", "new"), create(small), "child[id]: id INTEGER, t INTEGER, →new(id); new[id]: id INTEGER, a TEXT, b INTEGER, c, xa(a)",
			[]string{"new: both sides have a table of that name, and they are not the same"}},
		{"new one, table renamed onto it", create(small), renameTable("t", "new"), plainChild + "; new[k]: k TEXT, v; " + plainT,
			[]string{"new: both sides have a table of that name, and they are not the same"}},
		{"table dropped", all(dropTable("child"), dropTable("t")), add2("child", Column{Name: "x"}), "", []string{"child: dropped by ours, changed by theirs"}},
		{"table dropped and untouched", dropTable("child"), add(Column{Name: "x"}), "t[id]: id INTEGER, a TEXT, b INTEGER, c, x, xa(a)", nil},
		{"table changed, dropped by theirs", insert("child", Row{Int(2), Int(1)}), dropTable("child"), plainChild + "; " + plainT, []string{"child: changed by ours, dropped by theirs"}},
		{"dropped and parent renamed", dropTable("child"), renameTable("t", "u"), "u[id]: id INTEGER, a TEXT, b INTEGER, c, xa(a)", nil},
		{"created by both", all(create(small), insert("new", Row{Text("a"), Int(1)})), all(create(small), insert("new", Row{Text("b"), Int(1)})),
			plainChild + "; new[k]: k TEXT, v; " + plainT, nil},
		{"created differently", create(small), create(other), plainChild + "; new[k]: k TEXT, v, w; " + plainT, nil},
		{"created with other keys", create(small), create(keyed), plainChild + "; new[k]: k TEXT, v; " + plainT,
			[]string{"new: primary key: changed by both sides", "new: made by both sides with different primary keys"}},
		{"foreign keys", addForeignKey("b"), all(addForeignKey("c"), dropForeignKey("child", "t")),
			"child[id]: id INTEGER, t INTEGER; t[id]: id INTEGER, a TEXT, b INTEGER, c, xa(a), →child(), →child()", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newMergeBench(t)
			base := b.schemaBase()
			merged, conflicts := b.merge(base, b.edit(base, c.ours), b.edit(base, c.theirs))
			b.check(merged)
			got := b.describe(merged)
			if got != c.want && got != plainChild+"; "+c.want {
				t.Errorf("merged: %s\n  want: %s", got, c.want)
			}
			var reasons []string
			for _, conflict := range conflicts {
				reasons = append(reasons, conflict.Table+": "+conflict.Reason)
			}
			if !slices.Equal(reasons, c.conflicts) {
				t.Errorf("conflicts %q, want %q", reasons, c.conflicts)
			}
			for _, side := range []Side{Ours, Theirs} {
				decided, conflicts := b.merge(base, b.edit(base, c.ours), b.edit(base, c.theirs), func(m *merger) { m.take = side })
				b.check(decided)
				if len(conflicts) > 0 || side == Ours && decided.root != merged.root {
					t.Errorf("%s: %v, conflicts %v", side, b.describe(decided), conflicts)
				}
			}
		})
	}
}

// A merge of a renamed table finds its rows, whichever side renamed it.
func TestMergeRenamedTable(t *testing.T) {
	b := newMergeBench(t)
	base := b.schemaBase()
	renamed := b.edit(base, func(tx *Tx) error {
		if err := tx.RenameTable("t", "u"); err != nil {
			return err
		}
		return tx.Put("u", Row{Int(5), Text("5"), Int(5), Null()})
	})
	edited := b.edit(base, func(tx *Tx) error {
		if err := tx.Put("t", Row{Int(1), Text("edited"), Int(1), Text("c")}); err != nil {
			return err
		}
		return tx.Insert("child", Row{Int(2), Int(0)})
	})
	one, conflicts := b.merge(base, renamed, edited)
	two, more := b.merge(base, edited, renamed)
	b.check(one)
	if len(conflicts)+len(more) > 0 || one != two {
		t.Errorf("%v, %v: %s, %s", conflicts, more, b.describe(one), b.describe(two))
	}
	want := []string{"id=0 a='12' b=0 c='c'", "id=1 a='edited' b=1 c='c'", "id=5 a='5' b=5 c=NULL"}
	if got := b.lines(one, "u"); !slices.Equal(got, want) {
		t.Errorf("rows %q", got)
	}
	if err := b.db.verify(b.ctx, b.w, version{}, one); err != nil {
		t.Error(err)
	}
}

// A column that one side dropped and the other changed keeps all its cells until
// somebody decides.
func TestMergeDroppedColumn(t *testing.T) {
	b := newMergeBench(t)
	base := b.schemaBase()
	edited := b.edit(base, func(tx *Tx) error { return tx.Put("t", Row{Int(1), Text("12"), Int(1), Text("new")}) })
	dropped := b.edit(base, func(tx *Tx) error {
		if err := tx.DropColumn("t", "c"); err != nil {
			return err
		}
		return tx.Put("t", Row{Int(0), Text("13"), Int(0)})
	})
	with := []string{"id=0 a='13' b=0 c='c'", "id=1 a='12' b=1 c='new'"}
	without := []string{"id=0 a='13' b=0", "id=1 a='12' b=1"}
	for _, c := range []struct {
		ours, theirs version
		take         Side
		want         []string
	}{
		{edited, dropped, "", with}, {edited, dropped, Ours, with}, {edited, dropped, Theirs, without},
		{dropped, edited, "", without}, {dropped, edited, Ours, without}, {dropped, edited, Theirs, with},
	} {
		merged, conflicts := b.merge(base, c.ours, c.theirs, func(m *merger) { m.take = c.take })
		b.check(merged)
		if got := b.lines(merged, "t"); !slices.Equal(got, c.want) || (len(conflicts) == 1) != (c.take == "") {
			t.Errorf("take %q: %q, conflicts %v", c.take, got, conflicts)
		}
	}
}

func rename2(table, from, to string) func(*Tx) error {
	return func(tx *Tx) error { return tx.RenameColumn(table, from, to) }
}

func add2(table string, c Column) func(*Tx) error {
	return func(tx *Tx) error { return tx.AddColumn(table, c) }
}

func addForeignKey(column string) func(*Tx) error {
	return func(tx *Tx) error {
		return tx.AddForeignKey("t", ForeignKey{Columns: []string{column}, Parent: "child"})
	}
}

func dropForeignKey(table, column string) func(*Tx) error {
	return func(tx *Tx) error { return tx.DropForeignKey(table, column) }
}
