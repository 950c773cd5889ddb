package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// tabModel is a database whose versions are kept as maps beside it.
type tabModel struct {
	*tabBench
	r        *rand.Rand
	schema   vdb.Schema
	commits  []*modelCommit // parents first
	byHash   map[vdb.Hash]*modelCommit
	branches []string
}

// modelCommit is a commit, and the rows that it has, as text by their keys.
type modelCommit struct {
	hash    string
	parents []*modelCommit
	rows    map[string]string
}

// TestTablesAgainstModel compares the system tables with maps of rows, for random
// histories with branches and merges and random conditions.
func TestTablesAgainstModel(t *testing.T) {
	desc := tableOf("t", 2, "a TEXT", "id INTEGER", "v TEXT")
	desc.KeyColumns = []vdb.IndexColumn{{Desc: true}, {Desc: true}}
	folded := tableOf("t", 2, "a TEXT", "id INTEGER", "v TEXT")
	folded.Columns[0].Collation = "NOCASE"
	other := tableOf("t", 2, "a TEXT", "id INTEGER", "v TEXT")
	other.KeyColumns = []vdb.IndexColumn{{Collation: "NOCASE"}, {}}
	for name, schema := range map[string]vdb.Schema{
		"integer": tableOf("t", 1, "id INTEGER", "a TEXT", "v TEXT"),
		"columns": tableOf("t", 2, "a TEXT", "id INTEGER", "v TEXT"),
		"desc":    desc,
		"nocase":  folded,
		"other":   other,
	} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			m := &tabModel{tabBench: newTabBench(t), r: rand.New(rand.NewPCG(seed, 0)), schema: schema, byHash: map[vdb.Hash]*modelCommit{}}
			m.grow(25)
			for range 5 {
				m.compare()
				m.grow(2)
			}
		})
	}
}

// grow makes n steps of history.
func (m *tabModel) grow(n int) {
	m.Helper()
	if m.branches == nil {
		m.branches = []string{"main"}
		m.update("main", func(tx *vdb.Tx) error { return tx.CreateTable(m.schema) })
		m.take(m.commit("main", "table"))
	}
	for range n {
		branch := m.branches[m.r.IntN(len(m.branches))]
		switch {
		case m.r.IntN(6) == 0 && len(m.branches) < 4:
			name := fmt.Sprintf("b%d", len(m.branches))
			_, err := m.db.CreateBranch(m.Context(), name, branch)
			m.check(err)
			m.branches = append(m.branches, name)
		case m.r.IntN(4) == 0:
			m.merge(branch, m.branches[m.r.IntN(len(m.branches))])
		default:
			m.update(branch, m.edit)
			if m.r.IntN(8) > 0 {
				m.take(m.commit(branch, "edits"))
			}
		}
	}
	m.s.branch = m.branches[m.r.IntN(len(m.branches))]
	m.s.revision = m.s.branch
	m.register("t")
}

// merge merges a branch, committing what the other has in progress before.
func (m *tabModel) merge(into, from string) {
	b, err := m.db.Branch(m.Context(), into)
	m.check(err)
	m.take(m.commit(into, "before a merge"))
	c, err := b.Merge(m.Context(), from, &vdb.MergeOptions{Take: vdb.Theirs, Message: vdb.Message{Author: "Audit"}})
	m.check(err)
	m.take(c)
}

// edit changes some rows.
func (m *tabModel) edit(tx *vdb.Tx) error {
	for range 1 + m.r.IntN(6) {
		row := make(vdb.Row, 3)
		row[m.schema.Column("id")] = vdb.Int(m.r.Int64N(12))
		row[m.schema.Column("a")] = vdb.Text(m.name())
		row[2] = vdb.Text(fmt.Sprint(m.r.IntN(9)))
		if m.r.IntN(3) > 0 {
			if err := tx.Put("t", row); err != nil {
				return err
			}
			continue
		}
		key, _ := keyIn(&m.schema, anyKey(row))
		if err := tx.Delete("t", key...); err != nil && !errors.Is(err, vdb.ErrNotFound) {
			return err
		}
	}
	return nil
}

func (m *tabModel) name() string { return []string{"a", "B", "b", "C_", "c"}[m.r.IntN(5)] }

// take keeps a commit in the model.
func (m *tabModel) take(c *vdb.Commit) {
	if m.byHash[c.Hash] != nil {
		return
	}
	taken := &modelCommit{hash: c.Hash.String(), rows: m.rows(m.db.At(m.Context(), c))}
	for _, h := range c.Parents {
		parent := m.byHash[h]
		if parent == nil { // the first commit, which is empty
			parent = &modelCommit{hash: h.String(), rows: map[string]string{}}
			m.byHash[h] = parent
		}
		taken.parents = append(taken.parents, parent)
	}
	m.byHash[c.Hash] = taken
	m.commits = append(m.commits, taken)
}

// rows reads a version through the typed API.
func (m *tabModel) rows(s *vdb.Snapshot) map[string]string {
	rows := map[string]string{}
	for row, err := range s.Rows("t", vdb.Range{}) {
		m.check(err)
		texts := make([]string, len(row))
		for i, v := range row {
			texts[i] = fmt.Sprint(v.Any())
		}
		key := strings.Join(texts[:len(m.schema.PrimaryKey)], "|")
		// Two keys may be equal to the table.
		rows[m.fold(key)] = strings.Join(texts, "|")
	}
	return rows
}

func (m *tabModel) fold(key string) string {
	if strings.EqualFold(m.schema.Columns[0].Collation, "NOCASE") || len(m.schema.KeyColumns) > 0 && m.schema.KeyColumns[0].Collation != "" {
		return strings.ToLower(key)
	}
	return key
}

// diff lists how rows lead from one version to another.
func diff(from, to map[string]string) (changes [][3]string) {
	for key, was := range from {
		if is, ok := to[key]; !ok {
			changes = append(changes, [3]string{"", was, "removed"})
		} else if is != was {
			changes = append(changes, [3]string{is, was, "modified"})
		}
	}
	for key, is := range to {
		if _, ok := from[key]; !ok {
			changes = append(changes, [3]string{is, "", "added"})
		}
	}
	return changes
}

func (m *tabModel) compare() {
	m.Helper()
	head, err := m.db.Resolve(m.Context(), m.s.branch)
	m.check(err)
	start := m.byHash[head.Hash]
	for range 12 {
		m.compareDiff(start)
		m.compareHistory(start)
	}
	m.compareBlame(start)
	m.compareAny()
}

// condition is a random one on a column of text or of integers, in SQL and in Go.
// The value of a NULL is the empty text.
func (m *tabModel) condition(column string, text bool) (string, func(string) bool) {
	value, arg := fmt.Sprint(m.r.IntN(13)), ""
	order := func(x string) int {
		var a, b int
		fmt.Sscan(x, &a)
		fmt.Sscan(value, &b)
		return a - b
	}
	arg = value
	if text {
		value = m.name()
		arg = "'" + value + "'"
		order = func(x string) int {
			if strings.EqualFold(m.schema.Columns[0].Collation, "NOCASE") {
				return strings.Compare(strings.ToLower(x), strings.ToLower(value))
			}
			return strings.Compare(x, value)
		}
	}
	op := []string{"=", "<", "<=", ">", ">="}[m.r.IntN(5)]
	return column + " " + op + " " + arg, func(x string) bool {
		if x == "" {
			return false
		}
		switch n := order(x); op {
		case "=":
			return n == 0
		case "<":
			return n < 0
		case "<=":
			return n <= 0
		case ">":
			return n > 0
		default:
			return n >= 0
		}
	}
}

// conditions are random ones on the columns of a row that is given as text.
func (m *tabModel) conditions(prefix string) (string, func(row string) bool) {
	sql, meets := "1", func(string) bool { return true }
	for i, c := range m.schema.Columns[:2] {
		if m.r.IntN(2) == 0 {
			continue
		}
		text, fn := m.condition(prefix+c.Name, c.Name == "a")
		before := meets
		sql += " AND " + text
		meets = func(row string) bool {
			values := strings.Split(row, "|")
			return row != "" && fn(values[i]) && before(row)
		}
	}
	return sql, meets
}

func (m *tabModel) columns(prefix string) string {
	names := columnNames(&m.schema)
	for i := range names {
		names[i] = prefix + names[i]
	}
	return strings.Join(names, ", ")
}

// same compares rows in any order.
func (m *tabModel) same(query string, want []string) {
	m.Helper()
	got := m.query(query)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		m.Fatalf("%s:\n%s\nwant\n%s", query, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// orNulls is a row as a query shows it.
func (m *tabModel) orNulls(row string) string {
	if row == "" {
		return "-|-|-"
	}
	return row
}

// history returns the commits that one leads to.
func (start *modelCommit) history() []*modelCommit {
	found, queue := map[*modelCommit]bool{start: true}, []*modelCommit{start}
	for i := 0; i < len(queue); i++ {
		for _, p := range queue[i].parents {
			if !found[p] {
				found[p] = true
				queue = append(queue, p)
			}
		}
	}
	return queue
}

func (m *tabModel) anyCommit() *modelCommit { return m.commits[m.r.IntN(len(m.commits))] }

func (m *tabModel) compareDiff(start *modelCommit) {
	m.Helper()
	toSQL, toMeets := m.conditions("to_")
	fromSQL, fromMeets := m.conditions("from_")
	where, to, from := toSQL, "", ""
	if m.r.IntN(2) == 0 {
		where = fromSQL
		toMeets = func(string) bool { return true }
	} else {
		fromMeets = func(string) bool { return true }
	}
	if m.r.IntN(3) == 0 {
		if to = m.anyCommit().hash; m.r.IntN(4) == 0 {
			to = workingName
		}
		where += " AND to_commit = '" + to + "'"
	}
	if m.r.IntN(3) == 0 {
		from = m.anyCommit().hash
		where += " AND from_commit = '" + from + "'"
	}
	var want []string
	add := func(a, b *modelCommit) {
		if to != "" && b.hash != to || from != "" && a.hash != from {
			return
		}
		for _, c := range diff(a.rows, b.rows) {
			if toMeets(c[0]) && fromMeets(c[1]) {
				want = append(want, strings.Join([]string{m.orNulls(c[0]), m.orNulls(c[1]), c[2], b.hash, a.hash}, "|"))
			}
		}
	}
	branch, err := m.db.Branch(m.Context(), m.s.branch)
	m.check(err)
	working, err := branch.Snapshot(m.Context())
	m.check(err)
	add(start, &modelCommit{hash: workingName, rows: m.rows(working)})
	for _, c := range start.history() {
		for _, p := range c.parents {
			add(p, c)
		}
	}
	m.same("SELECT "+m.columns("to_")+", "+m.columns("from_")+", diff_type, to_commit, from_commit FROM dolt_diff_t WHERE "+where, want)
}

func (m *tabModel) compareHistory(start *modelCommit) {
	m.Helper()
	where, meets := m.conditions("")
	from, only, table := start, "", "dolt_history_t"
	if m.r.IntN(3) == 0 {
		from = m.anyCommit()
		table += "('" + from.hash + "')"
	}
	if m.r.IntN(3) == 0 {
		only = m.anyCommit().hash
		where += " AND commit_hash = '" + only + "'"
	}
	var want []string
	for _, c := range from.history() {
		for _, row := range c.rows {
			if meets(row) && (only == "" || only == c.hash) {
				want = append(want, row+"|"+c.hash)
			}
		}
	}
	m.same("SELECT "+m.columns("")+", commit_hash FROM "+table+" WHERE "+where, want)
}

func (m *tabModel) compareBlame(start *modelCommit) {
	m.Helper()
	n := len(m.schema.PrimaryKey)
	keys := strings.Join(m.schema.PrimaryKey, ", ")
	where, meets := m.conditions("")
	if n == 1 {
		where, meets = "1", func(string) bool { return true }
	}
	var want []string
	for key, row := range start.rows {
		c := start
		for len(c.parents) > 0 && c.parents[0].rows[key] == row {
			c = c.parents[0]
		}
		if meets(row) {
			want = append(want, strings.Join(strings.Split(row, "|")[:n], "|")+"|"+c.hash)
		}
	}
	m.same("SELECT "+keys+", \"commit\" FROM dolt_blame_t WHERE "+where, want)
}

// compareAny compares pairs of versions, and single ones.
func (m *tabModel) compareAny() {
	m.Helper()
	for range 12 {
		a, b := m.anyCommit(), m.anyCommit()
		where, meets := m.conditions("to_")
		var want []string
		for _, c := range diff(a.rows, b.rows) {
			if meets(c[0]) || where == "1" {
				want = append(want, m.orNulls(c[0])+"|"+m.orNulls(c[1])+"|"+c[2])
			}
		}
		columns := "SELECT " + m.columns("to_") + ", " + m.columns("from_") + ", diff_type FROM "
		m.same(columns+"dolt_diff_t('"+a.hash+"', '"+b.hash+"') WHERE "+where, slices.Clone(want))
		m.same(columns+"dolt_commit_diff_t WHERE from_commit = '"+a.hash+"' AND to_commit = '"+b.hash+"' AND "+where, want)

		where, meets = m.conditions("")
		want = nil
		for _, row := range a.rows {
			if meets(row) {
				want = append(want, row)
			}
		}
		m.same("SELECT "+m.columns("")+" FROM dolt_at_t('"+a.hash+"') WHERE "+where, want)
	}
}
