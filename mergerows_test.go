package vdb

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// mergeBench holds versions of one database in one writer, beside its refs.
type mergeBench struct {
	t   testing.TB
	ctx context.Context
	db  *DB
	w   *nbs.Writer
}

func newMergeBench(t testing.TB) *mergeBench {
	t.Helper()
	db, err := Open(t.Context(), Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &mergeBench{t: t, ctx: t.Context(), db: db, w: db.blocks.NewWriter()}
}

// edit returns v as fn changes it.
func (b *mergeBench) edit(v version, fn func(*Tx) error) version {
	b.t.Helper()
	tx := b.db.beginWith(b.ctx, b.w, MainBranch, v)
	if err := fn(tx); err != nil {
		b.t.Fatal(err)
	}
	saved, err := tx.save()
	if err != nil {
		b.t.Fatal(err)
	}
	return saved
}

func (b *mergeBench) merge(base, ours, theirs version, options ...func(*merger)) (version, []Conflict) {
	b.t.Helper()
	m := merger{db: b.db, ctx: b.ctx, store: b.w, base: base, ours: ours, theirs: theirs}
	for _, o := range options {
		o(&m)
	}
	merged, err := m.run()
	if err != nil {
		b.t.Fatal(err)
	}
	return merged, m.conflictList()
}

// check compares every record with its canonical form, every index with a
// rebuild and every tree with its shape.
func (b *mergeBench) check(v version) {
	b.t.Helper()
	s := b.db.newSnapshot(b.ctx, b.w, v)
	names, err := s.Tables()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, name := range names {
		view, err := s.table(name)
		if err != nil {
			b.t.Fatal(err)
		}
		b.checkRows(view)
		for i := range view.index {
			want, err := b.db.buildIndex(b.ctx, b.w, view, &view.index[i])
			if err != nil {
				b.t.Fatal(err)
			}
			if want != view.entry.indexes[i] {
				b.t.Errorf("table %s: index %s differs from a rebuild", name, view.index[i].name)
			}
		}
	}
}

func (b *mergeBench) checkRows(view *tableView) {
	b.t.Helper()
	if err := prolly.Check(b.ctx, view.rows.tree); err != nil {
		b.t.Error(err)
	}
	for item, err := range view.rows.tree.Items(b.ctx, allKeys) {
		if err != nil {
			b.t.Fatal(err)
		}
		row, err := view.decode(nil, item.Key, item.Value)
		if err != nil {
			b.t.Fatal(err)
		}
		if !bytes.Equal(view.appendRecord(nil, row), item.Value) {
			b.t.Errorf("table %s: a record is not canonical", view.schema.Name)
		}
	}
}

// modelTable is a table as maps: the oracle's form. Rows are by their key, their
// cells by their column's identity, which the model counts for itself.
type modelTable struct {
	columns []modelColumn
	rows    map[string]map[int]Value
	added   int   // rows added so far, which name those without a key
	last    int64 // the highest rowid
}

type modelColumn struct {
	id int
	Column
}

func (m *modelTable) clone() *modelTable {
	c := &modelTable{columns: slices.Clone(m.columns), rows: map[string]map[int]Value{}, added: m.added, last: m.last}
	for k, row := range m.rows {
		c.rows[k] = maps.Clone(row)
	}
	return c
}

// mergeTrial is one random table, edited on both sides.
type mergeTrial struct {
	*mergeBench
	rng    *rand.Rand
	keys   []string // primary key columns; none is a table with rowids
	nextID int
	side   int // 0 while the base is made
}

var trialTypes = []string{"INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", ""}

func (r *mergeTrial) schema() (*Schema, *modelTable) {
	s := &Schema{Name: "t"}
	m := &modelTable{rows: map[string]map[int]Value{}}
	add := func(c Column) {
		s.Columns = append(s.Columns, c)
		m.columns = append(m.columns, modelColumn{r.id(), c})
	}
	switch r.rng.IntN(4) {
	case 0:
		add(Column{Name: "k", Type: "INTEGER"})
		r.keys = []string{"k"}
	case 1:
		add(Column{Name: "k", Type: "TEXT"})
		r.keys = []string{"k"}
	case 2:
		add(Column{Name: "k1", Type: "TEXT", Collation: "NOCASE"})
		add(Column{Name: "k2", Type: "INT"})
		r.keys = []string{"k2", "k1"}
	}
	for i := range 1 + r.rng.IntN(5) {
		add(r.column("c" + strconv.Itoa(i)))
	}
	s.PrimaryKey = r.keys
	for i := range r.rng.IntN(3) {
		s.Indexes = append(s.Indexes, r.index("x"+strconv.Itoa(i), m))
	}
	return s, m
}

func (r *mergeTrial) id() int {
	r.nextID++
	return r.nextID
}

func (r *mergeTrial) column(name string) Column {
	c := Column{Name: name, Type: trialTypes[r.rng.IntN(len(trialTypes))]}
	if r.rng.IntN(3) == 0 {
		c.Default = strconv.Itoa(r.rng.IntN(3))
	}
	if r.rng.IntN(4) == 0 {
		c.Merge = []Policy{PolicyMax, PolicyMin, PolicyOurs, PolicyTheirs, PolicyLatest, PolicySum}[r.rng.IntN(6)]
	}
	if c.Merge == PolicySum {
		c.Type = "INTEGER"
	}
	return c
}

func (r *mergeTrial) index(name string, m *modelTable) Index {
	x := Index{Name: name}
	for _, i := range r.rng.Perm(len(m.columns))[:1+r.rng.IntN(min(2, len(m.columns)))] {
		x.Columns = append(x.Columns, IndexColumn{Name: m.columns[i].Name, Desc: r.rng.IntN(2) == 0,
			Collation: []string{"", "NOCASE", "RTRIM"}[r.rng.IntN(3)]})
	}
	return x
}

// value returns one of few values, so that the sides often agree or collide.
func (r *mergeTrial) value(c Column) Value {
	n := r.rng.IntN(6)
	if c.Merge == PolicySum {
		return Int(int64(n))
	}
	switch r.rng.IntN(12) {
	case 0:
		return Null()
	case 1:
		return Float(float64(n) + 0.5)
	case 2, 3, 4:
		return Text([]string{"a", "A", "b ", "b", "c", strings.Repeat("long", 300)}[n])
	case 5:
		return Bytes([]byte{0, byte(n)})
	}
	return Int(int64(n))
}

// row returns a row and its key in the model.
func (r *mergeTrial) row(m *modelTable, keys int) (Row, string) {
	row := make(Row, len(m.columns))
	key := ""
	for i, c := range m.columns {
		v := r.value(c.Column)
		if slices.Contains(r.keys, c.Name) {
			v = Int(int64(r.rng.IntN(keys)))
			if c.Type == "TEXT" {
				v = Text("k" + v.String())
			}
			key += "/" + v.String()
		}
		row[i] = record.AffinityOf(c.Type).Apply(v)
	}
	if len(r.keys) == 0 {
		m.added++
		key = fmt.Sprintf("%d-%d", r.side, m.added)
	}
	return row, key
}

func (m *modelTable) set(key string, row Row) {
	cells := map[int]Value{}
	for i, c := range m.columns {
		cells[c.id] = row[i]
	}
	m.rows[key] = cells
}

// editRows changes some rows, in the table and in the model alike.
func (r *mergeTrial) editRows(tx *Tx, table string, m *modelTable, n, keys int, rowids map[string]int64) error {
	for range n {
		if r.rng.IntN(4) == 0 && len(m.rows) > 0 {
			if err := r.deleteRow(tx, table, m, rowids); err != nil {
				return err
			}
			continue
		}
		if err := r.putRow(tx, table, m, keys, rowids); err != nil {
			return err
		}
	}
	return nil
}

func (r *mergeTrial) someKey(m *modelTable) string {
	return slices.Sorted(maps.Keys(m.rows))[r.rng.IntN(len(m.rows))]
}

func (r *mergeTrial) deleteRow(tx *Tx, table string, m *modelTable, rowids map[string]int64) error {
	key := r.someKey(m)
	if len(r.keys) == 0 && rowids[key] == m.last {
		return nil // the rowid of the last row would be given out again, and name another row
	}
	var vals []any
	for _, name := range r.keys {
		for _, c := range m.columns {
			if c.Name == name {
				vals = append(vals, m.rows[key][c.id])
			}
		}
	}
	if len(r.keys) == 0 {
		vals = []any{rowids[key]}
	}
	delete(m.rows, key)
	return tx.Delete(table, vals...)
}

func (r *mergeTrial) putRow(tx *Tx, table string, m *modelTable, keys int, rowids map[string]int64) error {
	row, key := r.row(m, keys)
	if len(r.keys) == 0 && len(m.rows) > 0 && r.rng.IntN(2) == 0 {
		return r.updateRowid(tx, table, m, r.someKey(m), row, rowids)
	}
	if old, ok := m.rows[key]; ok && r.rng.IntN(3) > 0 {
		// Change one cell only.
		i := r.rng.IntN(len(m.columns))
		for j, c := range m.columns {
			if j != i && !slices.Contains(r.keys, c.Name) {
				row[j] = old[c.id]
			}
		}
	}
	m.set(key, row)
	if err := tx.Put(table, row); err != nil {
		return err
	}
	if len(r.keys) == 0 {
		view, err := tx.table(table)
		if err != nil {
			return err
		}
		rowids[key] = view.rowid
		m.last = max(m.last, view.rowid)
	}
	return nil
}

// updateRowid changes a row in place, as SQL can.
func (r *mergeTrial) updateRowid(tx *Tx, table string, m *modelTable, key string, row Row, rowids map[string]int64) error {
	i := r.rng.IntN(len(row))
	for j, c := range m.columns {
		if j != i {
			row[j] = m.rows[key][c.id]
		}
	}
	m.set(key, row)
	view, err := tx.writable(table)
	if err != nil {
		return err
	}
	stored := slices.Clone(row)
	for i := range stored {
		if stored[i], err = outline(tx.ctx, tx.store, stored[i]); err != nil {
			return err
		}
	}
	_, err = view.put(tx.ctx, writePut, record.AppendIntKey(nil, rowids[key]), stored)
	return err
}

// editSchema changes columns, of which those whose turn it is belong to the side.
func (r *mergeTrial) editSchema(tx *Tx, m *modelTable) error {
	for i := 0; i < len(m.columns); i++ {
		c := &m.columns[i]
		if c.id%2 != r.side%2 || slices.Contains(r.keys, c.Name) || r.rng.IntN(3) > 0 {
			continue
		}
		s, err := tx.Schema("t")
		if err != nil {
			return err
		}
		if s.usedBy(c.Name) == "" && len(m.columns) > len(r.keys)+1 && r.rng.IntN(2) == 0 {
			if err := tx.DropColumn("t", c.Name); err != nil {
				return err
			}
			for _, row := range m.rows {
				delete(row, c.id)
			}
			m.columns = slices.Delete(m.columns, i, i+1)
			i--
			continue
		}
		to := c.Name + "_renamed"
		if err := tx.RenameColumn("t", c.Name, to); err != nil {
			return err
		}
		c.Name = to
	}
	if r.rng.IntN(2) == 0 {
		return r.addColumn(tx, m)
	}
	return nil
}

func (r *mergeTrial) addColumn(tx *Tx, m *modelTable) error {
	c := r.column(fmt.Sprintf("added_by_%d", r.side))
	if err := tx.AddColumn("t", c); err != nil {
		return err
	}
	id := 1000 + r.side
	fallback, err := parseLiteral(c.Default)
	if err != nil {
		return err
	}
	for _, row := range m.rows {
		row[id] = record.AffinityOf(c.Type).Apply(fallback)
	}
	m.columns = append(m.columns, modelColumn{id, c})
	return nil
}

func (r *mergeTrial) editIndexes(tx *Tx, m *modelTable) error {
	s, err := tx.Schema("t")
	if err != nil {
		return err
	}
	if len(s.Indexes) > 0 && r.rng.IntN(4) == 0 {
		if err := tx.DropIndex("t", s.Indexes[r.rng.IntN(len(s.Indexes))].Name); err != nil {
			return err
		}
	}
	if r.rng.IntN(3) == 0 {
		return tx.CreateIndex("t", r.index(fmt.Sprintf("made_by_%d", r.side), m))
	}
	return nil
}

// oracle merges the models row by row. It returns nil rows where the rowids, by
// which such rows go, do not matter.
type oracleMerge struct {
	base, ours, theirs *modelTable
	merged             *modelTable
	conflicts          []string
	later              bool
	strict             bool     // what both sides did equally collides too
	keys               []string // columns of the primary key
}

func (o *oracleMerge) run() {
	o.merged = &modelTable{rows: map[string]map[int]Value{}}
	has := func(m *modelTable, id int) bool {
		return slices.ContainsFunc(m.columns, func(c modelColumn) bool { return c.id == id })
	}
	for _, c := range o.ours.columns {
		if has(o.theirs, c.id) || !has(o.base, c.id) {
			o.merged.columns = append(o.merged.columns, c)
		}
	}
	for _, c := range o.theirs.columns {
		if !has(o.ours, c.id) && !has(o.base, c.id) {
			o.merged.columns = append(o.merged.columns, c)
		}
	}
	keys := map[string]bool{}
	for _, m := range []*modelTable{o.base, o.ours, o.theirs} {
		for key := range m.rows {
			keys[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		o.row(key)
	}
}

// project returns a row in the merged columns; absent ones have their defaults.
func (o *oracleMerge) project(row map[int]Value) []Value {
	if row == nil {
		return nil
	}
	var vals []Value
	for _, c := range o.merged.columns {
		v, ok := row[c.id]
		if !ok {
			literal, _ := parseLiteral(c.Default)
			v = record.AffinityOf(c.Type).Apply(literal)
		}
		vals = append(vals, v)
	}
	return vals
}

func equalRows(a, b []Value) bool {
	return (a == nil) == (b == nil) && slices.EqualFunc(a, b, Value.Equal)
}

func (o *oracleMerge) row(key string) {
	b, u, t := o.project(o.base.rows[key]), o.project(o.ours.rows[key]), o.project(o.theirs.rows[key])
	switch {
	case equalRows(b, t):
		o.put(key, u)
		return
	case equalRows(b, u):
		o.put(key, t)
		return
	case u == nil && t == nil && !o.strict:
		return
	case u == nil || t == nil:
		o.conflicts = append(o.conflicts, key)
		o.put(key, u)
		return
	}
	row := make([]Value, len(u))
	for i, c := range o.merged.columns {
		base := Null()
		if b != nil {
			base = b[i]
		}
		v, ok := o.cell(c, base, u[i], t[i], b == nil)
		if !ok {
			o.conflicts = append(o.conflicts, key)
			o.put(key, u)
			return
		}
		row[i] = v
	}
	o.put(key, row)
}

func (o *oracleMerge) cell(c modelColumn, b, u, t Value, isNew bool) (Value, bool) {
	p, twinsPass := c.Merge, !o.strict || slices.Contains(o.keys, c.Name)
	switch {
	case !isNew && t.Equal(b):
		return u, true
	case !isNew && u.Equal(b):
		return t, true
	case p == PolicySum:
		return Int(u.Int() + t.Int() - b.Int()), true
	case u.Equal(t) && (twinsPass || p != ""):
		return u, true
	case p == PolicyOurs, p == PolicyLatest && !o.later:
		return u, true
	case p == PolicyTheirs, p == PolicyLatest:
		return t, true
	case p == PolicyMax || p == PolicyMin:
		if u.IsNull() || !t.IsNull() && (record.Compare(t, u, 0) > 0) == (p == PolicyMax) {
			return t, true
		}
		return u, true
	}
	return Value{}, false
}

func (o *oracleMerge) put(key string, row []Value) {
	if row == nil {
		return
	}
	cells := map[int]Value{}
	for i, c := range o.merged.columns {
		cells[c.id] = row[i]
	}
	o.merged.rows[key] = cells
}

// lines prints the rows of a model, sorted.
func (m *modelTable) lines() []string {
	var lines []string
	for _, row := range m.rows {
		var parts []string
		for _, c := range m.columns {
			parts = append(parts, c.Name+"="+row[c.id].String())
		}
		lines = append(lines, strings.Join(parts, " "))
	}
	slices.Sort(lines)
	return lines
}

// lines prints the rows of a stored table, sorted.
func (b *mergeBench) lines(v version, table string) []string {
	b.t.Helper()
	s := b.db.newSnapshot(b.ctx, b.w, v)
	schema, err := s.Schema(table)
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []string
	for row, err := range s.Rows(table, Range{}) {
		if err != nil {
			b.t.Fatal(err)
		}
		var parts []string
		for i, c := range schema.Columns {
			parts = append(parts, c.Name+"="+row[i].String())
		}
		lines = append(lines, strings.Join(parts, " "))
	}
	slices.Sort(lines)
	return lines
}

func TestMergeAgainstOracle(t *testing.T) {
	for seed := range uint64(400) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { mergeOnce(t, seed, seed%3 > 0) })
		if t.Failed() {
			return
		}
	}
}

// mergeOnce makes a table, edits it on both sides and compares the merge with
// the oracle's, both ways round.
func mergeOnce(t *testing.T, seed uint64, schemas bool) {
	r := &mergeTrial{mergeBench: newMergeBench(t), rng: rand.New(rand.NewPCG(seed, 1))}
	size := []int{5, 40, 400}[r.rng.IntN(3)]
	s, model := r.schema()
	rowids := map[string]int64{}
	base := r.edit(version{}, func(tx *Tx) error {
		if err := tx.CreateTable(*s); err != nil {
			return err
		}
		return r.editRows(tx, "t", model, size, size, rowids)
	})
	var versions [2]version
	var models [2]*modelTable
	for i := range versions {
		r.side = i + 1
		models[i] = model.clone()
		own := maps.Clone(rowids)
		versions[i] = r.edit(base, func(tx *Tx) error {
			if schemas {
				if err := r.editSchema(tx, models[i]); err != nil {
					return err
				}
				if err := r.editIndexes(tx, models[i]); err != nil {
					return err
				}
			}
			return r.editRows(tx, "t", models[i], r.rng.IntN(size), size*5/4, own)
		})
	}
	one := r.compare(base, versions[0], versions[1], &oracleMerge{base: model, ours: models[0], theirs: models[1], later: true})
	two := r.compare(base, versions[1], versions[0], &oracleMerge{base: model, ours: models[1], theirs: models[0], later: false})
	r.compare(base, versions[0], versions[1], &oracleMerge{base: model, ours: models[0], theirs: models[1], strict: true, keys: r.keys})
	if !schemas && len(r.keys) > 0 && one.ok && two.ok && !model.takesSides() && one.root != two.root {
		t.Error("the sides cannot be exchanged")
	}
}

// takesSides tells whether a policy depends on the side.
func (m *modelTable) takesSides() bool {
	return slices.ContainsFunc(m.columns, func(c modelColumn) bool { return c.Merge == PolicyOurs || c.Merge == PolicyTheirs })
}

// outcome is what came of a merge: its root, and whether all was decided.
type outcome struct {
	root Hash
	ok   bool
}

func (r *mergeTrial) compare(base, ours, theirs version, o *oracleMerge) outcome {
	r.t.Helper()
	merged, conflicts := r.merge(base, ours, theirs, func(m *merger) { m.theirsLater, m.strict = o.later, o.strict })
	r.check(merged)
	if slices.ContainsFunc(conflicts, func(c Conflict) bool { return strings.HasPrefix(c.Reason, "column ") }) {
		return outcome{} // a dropped column that the other side changed: it is there or not
	}
	o.rename()
	o.run()
	if got, want := r.lines(merged, "t"), o.merged.lines(); !slices.Equal(got, want) {
		r.t.Errorf("merged, beyond what is wanted:\n%s\nmissing:\n%s", beyond(got, want), beyond(want, got))
	}
	conflicts = slices.DeleteFunc(conflicts, func(c Conflict) bool {
		return strings.HasPrefix(c.Reason, "index made_by_") && strings.HasSuffix(c.Reason, "was dropped by the other side")
	})
	if len(conflicts) != len(o.conflicts) {
		r.t.Errorf("conflicts %v, want %v", conflicts, o.conflicts)
	}
	if len(r.keys) > 0 {
		r.compareConflicts(conflicts, o)
	}
	return outcome{root: merged.root, ok: len(conflicts) == 0}
}

// compareConflicts compares the listed rows with the oracle's.
func (r *mergeTrial) compareConflicts(conflicts []Conflict, o *oracleMerge) {
	r.t.Helper()
	want := map[string]bool{}
	for _, key := range o.conflicts {
		for _, m := range []*modelTable{o.base, o.ours, o.theirs} {
			want[rowsText(o.project(m.rows[key]))] = true
		}
	}
	for _, c := range conflicts {
		for _, row := range []Row{c.Base, c.Ours, c.Theirs} {
			if !want[rowsText(row)] {
				r.t.Errorf("conflict with row %s", rowsText(row))
			}
		}
	}
}

func rowsText(row []Value) string {
	if row == nil {
		return "none"
	}
	return formatValues(row)
}

// beyond returns the lines of a that b lacks.
func beyond(a, b []string) string {
	count := map[string]int{}
	for _, line := range b {
		count[line]++
	}
	var lines []string
	for _, line := range a {
		if count[line]--; count[line] < 0 {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// rename gives columns that theirs renamed their new names in ours.
func (o *oracleMerge) rename() {
	for i := range o.ours.columns {
		c := &o.ours.columns[i]
		for _, other := range o.theirs.columns {
			if other.id == c.id && strings.HasSuffix(other.Name, "_renamed") {
				c.Name = other.Name
			}
		}
	}
}

// countingStore counts the chunks that are read.
type countingStore struct {
	prolly.Store
	reads int
}

func (s *countingStore) Get(ctx context.Context, h Hash) ([]byte, error) {
	s.reads++
	return s.Store.Get(ctx, h)
}

// The cost of a merge follows the number of changes, in rows and indexes, also
// where one side added a column or an index.
func TestMergeReadsLittle(t *testing.T) {
	b := newMergeBench(t)
	const rows, changes = 50_000, 10
	row := func(i, n int64) Row { return Row{Int(i), Int(n), Text(strings.Repeat("x", 100))} }
	base := b.edit(version{}, func(tx *Tx) error {
		if err := tx.CreateTable(Schema{
			Name:       "t",
			Columns:    []Column{{Name: "id", Type: "INTEGER"}, {Name: "n", Type: "INTEGER"}, {Name: "text"}},
			PrimaryKey: []string{"id"},
			Indexes:    []Index{{Name: "n", Columns: []IndexColumn{{Name: "n"}}}},
		}); err != nil {
			return err
		}
		for i := range int64(rows) {
			if err := tx.Put("t", row(i, i*7919%rows)); err != nil {
				return err
			}
		}
		return nil
	})
	edit := func(v version, seed uint64, first func(*Tx) error, columns int) version {
		rng := rand.New(rand.NewPCG(seed, 0))
		return b.edit(v, func(tx *Tx) error {
			if err := first(tx); err != nil {
				return err
			}
			for range changes {
				if err := tx.Put("t", append(row(rng.Int64N(rows), rng.Int64N(rows)), make(Row, columns)...)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	nothing := func(*Tx) error { return nil }
	theirs := edit(base, 2, nothing, 0)
	for name, ours := range map[string]version{
		"rows":   edit(base, 1, nothing, 0),
		"column": edit(base, 1, func(tx *Tx) error { return tx.AddColumn("t", Column{Name: "more"}) }, 1),
		"index":  edit(base, 1, func(tx *Tx) error { return tx.CreateIndex("t", Index{Name: "m", Columns: []IndexColumn{{Name: "n"}}}) }, 0),
	} {
		for _, sides := range [][2]version{{ours, theirs}, {theirs, ours}} {
			s := &countingStore{Store: b.w}
			merged, conflicts := b.merge(base, sides[0], sides[1], func(m *merger) { m.store = s })
			if len(conflicts) > 0 {
				t.Errorf("%s: %v", name, conflicts)
			}
			if s.reads > 60*changes {
				t.Errorf("%s: %d chunks read for %d changes", name, s.reads, 2*changes)
			}
			b.check(merged)
		}
	}
}
