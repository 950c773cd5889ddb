package vdb_test

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// checkWorking checks a working set: a merge in progress may break rules that
// Violations lists.
func (m *metamorphic) checkWorking(b *vdb.Branch) {
	s := asOf(m.t, b, "WORKING")
	m.read(s)
	for _, err := range b.Violations(m.t.Context()) {
		if err == nil {
			return
		}
		if !errors.Is(err, vdb.ErrNotMerging) {
			m.t.Fatal(err)
		}
	}
	m.checkRebuilt(s)
}

// checkNew checks the commits of b that it has not seen.
func (m *metamorphic) checkNew(b *vdb.Branch) {
	for c, err := range b.Log(m.t.Context(), nil) {
		if err != nil {
			m.t.Fatal(err)
		}
		if m.commits[c.Hash] == "" {
			s := asOf(m.t, b, c.Hash.String())
			m.order, m.commits[c.Hash] = append(m.order, c.Hash), m.read(s)
			m.checkRebuilt(s)
		}
	}
}

// exact is a row as text, with all of its values in full.
func exact(row []vdb.Value) string {
	var b strings.Builder
	for _, v := range row {
		if v.Kind() == vdb.KindText || v.Kind() == vdb.KindBlob {
			fmt.Fprintf(&b, "%v %q ", v.Kind(), v.Bytes())
			continue
		}
		fmt.Fprint(&b, v, " ")
	}
	return b.String()
}

// readRows reads what a range selects, and has it counted.
func readRows(t *testing.T, s *vdb.Snapshot, table string, r vdb.Range) []vdb.Row {
	t.Helper()
	var rows []vdb.Row
	for row, err := range s.Rows(table, r) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if n, err := s.Count(table, r); err != nil || n != uint64(len(rows)) {
		t.Fatalf("table %s, %+v: counted %d, %v; there are %d", table, r, n, err, len(rows))
	}
	return rows
}

func exactRows(rows []vdb.Row) []string {
	lines := make([]string, len(rows))
	for i, row := range rows {
		lines[i] = exact(row)
	}
	return lines
}

// read digests all of a version, and checks each index against its table.
func (m *metamorphic) read(s *vdb.Snapshot) string {
	sum := sha256.New()
	fmt.Fprintln(sum, s.Root())
	for _, schema := range m.schemas(s) {
		rows := exactRows(readRows(m.t, s, schema.Name, vdb.Range{}))
		fmt.Fprintln(sum, *schema, rows)
		slices.Sort(rows)
		for _, x := range schema.Indexes {
			byIndex := exactRows(readRows(m.t, s, schema.Name, vdb.Range{Index: x.Name}))
			if slices.Sort(byIndex); !slices.Equal(byIndex, rows) {
				m.t.Fatalf("index %s of %s: %d rows, the table has %d, or others", x.Name, schema.Name, len(byIndex), len(rows))
			}
		}
	}
	return string(sum.Sum(nil))
}

func (m *metamorphic) schemas(s *vdb.Snapshot) []*vdb.Schema {
	names, err := s.Tables()
	if err != nil {
		m.t.Fatal(err)
	}
	schemas := make([]*vdb.Schema, len(names))
	for i, name := range names {
		if schemas[i], err = s.Schema(name); err != nil {
			m.t.Fatal(err)
		}
	}
	return schemas
}

// checkRebuilt makes a database of the same rows in another order: none of them
// breaks a rule, and the root is the same.
func (m *metamorphic) checkRebuilt(s *vdb.Snapshot) {
	b := mainBranch(m.t, openMemory(m.t))
	defer b.DB().Close()
	update(m.t, b, func(tx *vdb.Tx) error {
		for _, schema := range m.schemas(s) {
			if err := m.rebuild(tx, schema, readRows(m.t, s, schema.Name, vdb.Range{})); err != nil {
				return err
			}
		}
		return nil
	})
	if got := asOf(m.t, b, "WORKING").Root(); m.keyed && got != s.Root() {
		m.t.Fatalf("root %s, of a database with the same rows %s", s.Root(), got)
	}
}

func (m *metamorphic) rebuild(tx *vdb.Tx, schema *vdb.Schema, rows []vdb.Row) error {
	err := tx.CreateTable(*schema)
	for _, i := range m.rng.Perm(len(rows)) {
		err = errors.Join(err, tx.Insert(schema.Name, rows[i]))
	}
	return err
}

// checkHistory reads all commits again, and the log of each branch.
func (m *metamorphic) checkHistory() {
	for _, h := range m.order {
		if m.read(m.at(h)) != m.commits[h] {
			m.t.Fatalf("commit %s has changed", h)
		}
	}
	o := &logOracle{t: m.t, db: m.db}
	all := m.branches()
	for _, b := range all {
		checkLog(m.t, o, vdb.LogOptions{From: b.Name})
		checkLog(m.t, o, vdb.LogOptions{From: b.Name + ".." + oneOf(m.rng, all...).Name})
	}
}

func (m *metamorphic) at(h vdb.Hash) *vdb.Snapshot {
	s, err := m.db.AsOf(m.t.Context(), h.String())
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

// checkDiffs compares random pairs of commits.
func (m *metamorphic) checkDiffs() {
	for range 30 {
		d := m.at(oneOf(m.rng, m.order...)).Diff(m.at(oneOf(m.rng, m.order...)))
		listed := map[string]bool{}
		for c, err := range d.Tables() {
			if err != nil {
				m.t.Fatal(err)
			}
			listed[c.To] = true
			m.checkTable(d, &c)
		}
		for _, schema := range m.schemas(d.To()) {
			if !listed[schema.Name] {
				m.checkSame(d, schema)
			}
		}
	}
}

// checkSame checks that a table that a diff does not list is as it was.
func (m *metamorphic) checkSame(d *vdb.Diff, schema *vdb.Schema) {
	was, err := d.From().Schema(schema.Name)
	if err != nil || !reflect.DeepEqual(was, schema) {
		m.t.Fatalf("table %s is not listed: %+v, %v, became %+v", schema.Name, was, err, schema)
	}
	wantLines(m.t, exactRows(readRows(m.t, d.To(), schema.Name, vdb.Range{})), exactRows(readRows(m.t, d.From(), schema.Name, vdb.Range{})))
}

// checkTable applies the changes of a table to its rows as they were: that gives
// its rows as they are, in the columns that both versions have.
func (m *metamorphic) checkTable(d *vdb.Diff, c *vdb.TableChange) {
	if _, err := d.To().Schema(c.From); c.Kind == vdb.Deleted && err == nil {
		return // the name is another table's
	}
	from, to := sharedColumns(c)
	rows := map[string]int{}
	if c.Kind != vdb.Added {
		for _, row := range readRows(m.t, d.From(), c.From, vdb.Range{}) {
			rows[projected(row, from)]++
		}
	}
	m.apply(d, c, func(change vdb.RowChange) {
		if change.From != nil {
			rows[projected(change.From, from)]--
		}
		if change.To != nil {
			rows[projected(change.To, to)]++
		}
	})
	if c.Kind != vdb.Deleted {
		for _, row := range readRows(m.t, d.To(), c.To, vdb.Range{}) {
			rows[projected(row, to)]--
		}
	}
	for row, n := range rows {
		if n != 0 {
			m.t.Fatalf("%s %s→%s, from %+v to %+v: the diff has row %.200s %d times too often", c.Kind, c.From, c.To, c.FromSchema, c.ToSchema, row, n)
		}
	}
}

// apply gives the changes of a table to fn, and counts them.
func (m *metamorphic) apply(d *vdb.Diff, c *vdb.TableChange, fn func(vdb.RowChange)) {
	var n vdb.Counts
	for change, err := range d.Rows(c.Name()) {
		if err != nil {
			m.t.Fatal(err)
		}
		switch change.Kind {
		case vdb.Added:
			n.Added++
		case vdb.Deleted:
			n.Deleted++
		case vdb.Modified:
			n.Modified++
		}
		if change.Kind == vdb.Modified && len(change.Columns) == 0 {
			m.t.Fatalf("row %v of %s is modified in no column", change.Key, c.Name())
		}
		fn(change)
	}
	if got, err := d.Count(c.Name()); err != nil || got != n || c.FromRows+n.Added-n.Deleted != c.ToRows {
		m.t.Fatalf("table %s counted %v, %v; there are %v, from %d rows to %d", c.Name(), got, err, n, c.FromRows, c.ToRows)
	}
}

// sharedColumns are the places, in both schemas, of the columns that both have
// with one type; all those of a table that only one has.
func sharedColumns(c *vdb.TableChange) (from, to []int) {
	if c.Kind != vdb.Modified {
		schema := cmp.Or(c.FromSchema, c.ToSchema)
		for i := range schema.Columns {
			from = append(from, i)
		}
		return from, from
	}
	was := map[string]string{} // the names of columns → their names before
	for _, column := range c.ToSchema.Columns {
		was[column.Name] = column.Name
	}
	for _, p := range c.Schema.Columns {
		switch {
		case p.To == nil:
		case p.From == nil || p.From.Type != p.To.Type:
			delete(was, p.To.Name)
		default:
			was[p.To.Name] = p.From.Name
		}
	}
	for i, column := range c.ToSchema.Columns {
		if name, ok := was[column.Name]; ok {
			from, to = append(from, c.FromSchema.Column(name)), append(to, i)
		}
	}
	return from, to
}

// projected is a row's values in some columns; 1 and 1.0 are one number there.
func projected(row vdb.Row, columns []int) string {
	var values []vdb.Value
	for _, i := range columns {
		v := row[i]
		if f := v.Float(); v.Kind() == vdb.KindReal && f == math.Trunc(f) {
			v = vdb.Int(int64(f))
		}
		values = append(values, v)
	}
	return exact(values)
}
