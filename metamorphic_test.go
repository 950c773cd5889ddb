package vdb_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

// metamorphic does random things of all kinds to a database and checks, without
// knowing what the rows should be, what must hold after any of them.
type metamorphic struct {
	t   *testing.T
	rng *rand.Rand
	db  *vdb.DB
	dir string // empty: in memory
	// keyed: every table has a primary key, so that equal rows have equal roots.
	keyed   bool
	order   []vdb.Hash          // of all commits, as they were seen
	commits map[vdb.Hash]string // what each of them read as when it was new
	steps   []string
}

var metamorphicSchemas = []vdb.Schema{
	{
		Name:       "parents",
		Columns:    []vdb.Column{{Name: "k", Type: "TEXT", Collation: "NOCASE"}, {Name: "n", Type: "INTEGER", Merge: vdb.PolicySum}, {Name: "u", Type: "TEXT"}},
		PrimaryKey: []string{"k"},
		Indexes:    []vdb.Index{{Name: "u", Unique: true, Columns: []vdb.IndexColumn{{Name: "u", Collation: "NOCASE"}}}},
	},
	{
		Name:        "children",
		Columns:     []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "p", Type: "TEXT"}, {Name: "v"}, {Name: "d", Type: "REAL", Default: "1.5"}},
		PrimaryKey:  []string{"id"},
		Indexes:     []vdb.Index{{Name: "pv", Columns: []vdb.IndexColumn{{Name: "p"}, {Name: "v", Desc: true}}}},
		ForeignKeys: []vdb.ForeignKey{{Columns: []string{"p"}, Parent: "parents"}},
	},
	{
		Name:       "pairs",
		Columns:    []vdb.Column{{Name: "v", Type: "BLOB"}, {Name: "n"}, {Name: "k", Type: "TEXT"}},
		PrimaryKey: []string{"k", "n"},
	},
	{
		Name:    "notes",
		Columns: []vdb.Column{{Name: "a", Type: "TEXT"}, {Name: "b", Type: "BLOB"}},
		Indexes: []vdb.Index{{Name: "a", Columns: []vdb.IndexColumn{{Name: "a"}}}},
	},
}

func oneOf[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func (m *metamorphic) value() vdb.Value {
	n := m.rng.IntN(4)
	return oneOf(m.rng,
		vdb.Null(), vdb.Int(int64(n)), vdb.Int(1<<53+int64(n)), vdb.Float(float64(n)/2),
		vdb.Text(""), vdb.Text("a"), vdb.Text("A"), vdb.Text(fmt.Sprint("a\x00", n)), vdb.Text(strings.Repeat("L", 1200+n)),
		vdb.Bytes([]byte{0, byte(n)}), vdb.Bytes(make([]byte, 9000)))
}

// row makes a row whose keys, references and unique values collide now and then.
func (m *metamorphic) row(s *vdb.Schema) vdb.Row {
	row := make(vdb.Row, len(s.Columns))
	for i, c := range s.Columns {
		letter := string(rune('a' + m.rng.IntN(12)))
		switch {
		case slices.Contains(s.PrimaryKey, c.Name) && c.Type == "TEXT":
			row[i] = vdb.Text(letter)
		case slices.Contains(s.PrimaryKey, c.Name):
			row[i] = vdb.Int(int64(m.rng.IntN(40) - 5))
		case slices.ContainsFunc(s.ForeignKeys, func(fk vdb.ForeignKey) bool { return fk.Columns[0] == c.Name }):
			row[i] = oneOf(m.rng, vdb.Null(), vdb.Null(), vdb.Text(letter), vdb.Text(strings.ToUpper(letter)))
		case slices.ContainsFunc(s.Indexes, func(x vdb.Index) bool { return x.Unique && x.Columns[0].Name == c.Name }):
			row[i] = oneOf(m.rng, vdb.Null(), vdb.Null(), vdb.Text(fmt.Sprint(m.rng.IntN(60))))
		default:
			row[i] = m.value()
		}
	}
	return row
}

// refused is err without what a random step may be refused for.
func refused(err error) error {
	for _, e := range []error{
		vdb.ErrConflict, vdb.ErrConstraint, vdb.ErrNothingToCommit, vdb.ErrUncommitted, vdb.ErrMerging,
		vdb.ErrNotMerging, vdb.ErrExists, vdb.ErrNotFound, vdb.ErrInvalid,
	} {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}

// changeSchema does one thing to the schema of a table.
func (m *metamorphic) changeSchema(tx *vdb.Tx, s *vdb.Schema) error {
	c := oneOf(m.rng, s.Columns...)
	column, table := fmt.Sprint("x", m.rng.IntN(6)), fmt.Sprint("t", m.rng.IntN(5))
	columnType, value := oneOf(m.rng, "", "TEXT", "INTEGER", "REAL", "BLOB"), oneOf(m.rng, "", "0", "'q'", "1.0")
	switch m.rng.IntN(10) {
	case 0:
		return tx.AddColumn(s.Name, vdb.Column{Name: column, Type: columnType, Default: value, NotNull: m.rng.IntN(4) == 0})
	case 1:
		return tx.DropColumn(s.Name, c.Name)
	case 2:
		return tx.RenameColumn(s.Name, c.Name, column)
	case 3:
		if c.Default = value; !slices.Contains(s.PrimaryKey, c.Name) {
			c.Type = columnType
		}
		return tx.AlterColumn(s.Name, c)
	case 4, 5:
		x := vdb.IndexColumn{Name: c.Name, Desc: m.rng.IntN(2) == 0, Collation: oneOf(m.rng, "", "NOCASE", "RTRIM")}
		return tx.CreateIndex(s.Name, vdb.Index{Name: column, Columns: []vdb.IndexColumn{x}})
	case 6:
		if len(s.Indexes) > 0 {
			return tx.DropIndex(s.Name, oneOf(m.rng, s.Indexes...).Name)
		}
	case 7:
		return tx.RenameTable(s.Name, table)
	case 8:
		if m.rng.IntN(3) == 0 {
			return tx.DropTable(s.Name)
		}
	}
	again := oneOf(m.rng, metamorphicSchemas[:3]...)
	again.Name, again.ForeignKeys = table, nil
	return tx.CreateTable(again)
}

func (m *metamorphic) changeRow(tx *vdb.Tx, s *vdb.Schema) error {
	row := m.row(s)
	if m.rng.IntN(4) > 0 {
		return tx.Put(s.Name, row)
	}
	var key []any
	for _, name := range s.PrimaryKey {
		key = append(key, row[s.Column(name)])
	}
	if key == nil {
		key = []any{m.rng.IntN(20)} // a rowid
	}
	return tx.Delete(s.Name, key...)
}

// transaction changes rows, seldom schemas, and is sometimes rolled back.
func (m *metamorphic) transaction(b *vdb.Branch) error {
	rollBack := errors.New("roll back")
	err := b.Update(m.t.Context(), func(tx *vdb.Tx) error {
		for range 1 + m.rng.IntN(12) {
			names, err := tx.Tables()
			if err != nil || len(names) == 0 {
				return errors.Join(err, tx.CreateTable(metamorphicSchemas[0]))
			}
			s, err := tx.Schema(oneOf(m.rng, names...))
			if err != nil {
				return err
			}
			change := m.changeRow
			if m.rng.IntN(40) == 0 {
				change = m.changeSchema
			}
			if err := refused(change(tx, s)); err != nil {
				return err
			}
		}
		return oneOf(m.rng, rollBack, nil, nil, nil, nil, nil, nil, nil)
	})
	if errors.Is(err, rollBack) {
		return nil
	}
	return err
}

// decide settles a conflict in one of the ways there are.
func (m *metamorphic) decide(c vdb.Conflict) (vdb.Row, error) {
	if m.rng.IntN(4) == 0 {
		return nil, vdb.ErrConflict
	}
	return oneOf(m.rng, c.Ours, c.Theirs, c.Merged), nil
}

// tables names the tables of b, or one that is not there where it has none.
func (m *metamorphic) tables(b *vdb.Branch) []string {
	names, err := asOf(m.t, b, "WORKING").Tables()
	if err != nil {
		m.t.Fatal(err)
	}
	if len(names) == 0 {
		return []string{"t0"}
	}
	return names
}

// side is a decision for one side, or none.
func (m *metamorphic) side() vdb.Side { return oneOf(m.rng, vdb.Ours, vdb.Theirs, "") }

func (m *metamorphic) merge(b *vdb.Branch, other string) error {
	o := &vdb.MergeOptions{Take: m.side(), Squash: m.rng.IntN(5) == 0, NoCommit: m.rng.IntN(5) == 0, NoFastForward: m.rng.IntN(3) == 0}
	if m.rng.IntN(2) == 0 {
		o.Resolve = map[string]func(vdb.Conflict) (vdb.Row, error){oneOf(m.rng, m.tables(b)...): m.decide}
	}
	_, err := b.Merge(m.t.Context(), other, o)
	return err
}

func (m *metamorphic) resolve(b *vdb.Branch) error {
	r := vdb.Resolution{Take: oneOf(m.rng, vdb.Ours, vdb.Theirs, vdb.Working, "")}
	if r.Take == "" {
		r.Func = m.decide
	}
	return b.ResolveConflicts(m.t.Context(), r)
}

func (m *metamorphic) commit(b *vdb.Branch) error {
	message := vdb.Message{Text: fmt.Sprint("step ", len(m.steps)), Amend: m.rng.IntN(8) == 0}
	if m.rng.IntN(6) == 0 {
		message.Tables = []string{oneOf(m.rng, m.tables(b)...)}
	}
	_, err := b.Commit(m.t.Context(), message)
	return err
}

func (m *metamorphic) restore(b *vdb.Branch, rev string) error {
	r := vdb.Restore{From: rev, Table: oneOf(m.rng, m.tables(b)...), Follow: m.rng.IntN(2) == 0, Exact: m.rng.IntN(2) == 0, DryRun: m.rng.IntN(6) == 0}
	if m.rng.IntN(2) == 0 {
		r.Message = &vdb.Message{}
	}
	_, err := b.Restore(m.t.Context(), r)
	return err
}

func (m *metamorphic) reopen() error {
	if m.dir == "" {
		return nil
	}
	err := m.db.Close()
	m.db, _ = openDir(m.t, m.dir)
	return err
}

// do does something random to b, where other is the name of some branch; mostly
// something that moves on a merge in progress.
func (m *metamorphic) do(b *vdb.Branch, merging bool, other string) (verb string, err error) {
	ctx := m.t.Context()
	rev := oneOf(m.rng, "HEAD", "HEAD~1", "HEAD~2", "HEAD~3", other, other+"~1")
	replay := &vdb.RevertOptions{Take: m.side(), Mainline: m.rng.IntN(2)}
	n := m.rng.IntN(40)
	if merging && m.rng.IntN(3) > 0 {
		n = m.rng.IntN(27)
	}
	switch {
	case n < 14:
		return "transaction", m.transaction(b)
	case n < 20:
		return "commit", m.commit(b)
	case n == 20:
		return "abort", b.Abort(ctx)
	case n < 26 && merging:
		return "resolve", m.resolve(b)
	case n < 28:
		return "merge", m.merge(b, other)
	case n < 32:
		_, err = b.Revert(ctx, oneOf(m.rng, rev, rev, "HEAD~2..HEAD"), replay)
		return "revert", err
	case n < 34:
		_, err = b.CherryPick(ctx, oneOf(m.rng, rev, rev, other+"~2.."+other), replay)
		return "cherry-pick", err
	case n == 34:
		return "reset hard", b.ResetHard(ctx, rev)
	case n == 35:
		return "reset soft", b.ResetSoft(ctx, rev)
	case n < 38:
		return "restore", m.restore(b, rev)
	case n == 38:
		return "compact", m.db.Compact(ctx)
	}
	return "reopen", m.reopen()
}

// branch makes a branch while there are few, and removes one else.
func (m *metamorphic) branch(all []vdb.BranchInfo) error {
	of := oneOf(m.rng, all...).Name
	if len(all) < 5 {
		_, err := m.db.CreateBranch(m.t.Context(), fmt.Sprint("b", len(m.steps)), of)
		return err
	}
	return m.db.DeleteBranch(m.t.Context(), of)
}

func (m *metamorphic) branches() []vdb.BranchInfo {
	var all []vdb.BranchInfo
	for b, err := range m.db.Branches(m.t.Context()) {
		if err != nil {
			m.t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func (m *metamorphic) step() {
	all := m.branches()
	if len(all) < 3 || m.rng.IntN(40) == 0 {
		err := m.branch(all)
		m.note("branches", err)
		return
	}
	i := m.rng.IntN(len(all))
	verb, err := m.do(m.on(all[i].Name), all[i].Merging, oneOf(m.rng, all...).Name)
	m.note(verb+" on "+all[i].Name, err)
	after := m.branches()
	if after[i] = all[i]; !slices.Equal(after, all) {
		m.t.Fatalf("other branches changed: %+v, were %+v", after, all)
	}
	b := m.on(all[i].Name)
	m.checkWorking(b)
	m.checkNew(b)
}

func (m *metamorphic) note(step string, err error) {
	m.steps = append(m.steps, fmt.Sprintf("%d: %s: %.200v", len(m.steps), step, err))
	if err := refused(err); err != nil {
		m.t.Fatal(err)
	}
}

func (m *metamorphic) on(branch string) *vdb.Branch {
	b, err := m.db.Branch(m.t.Context(), branch)
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

// TestMetamorphic runs random stories, each from a seed of its own.
func TestMetamorphic(t *testing.T) {
	seed, runs := uint64(time.Now().UnixNano()), uint64(4)
	if *soak {
		runs = 500
	}
	t.Logf("seed %d", seed)
	for i := range runs {
		t.Run(fmt.Sprint(seed+i), func(t *testing.T) { newMetamorphic(t, seed+i).run() })
	}
}

// newMetamorphic begins a story: one in four has a table with rowids, another
// one is on disk.
func newMetamorphic(t *testing.T, seed uint64) *metamorphic {
	m := &metamorphic{t: t, rng: rand.New(rand.NewPCG(seed, 0)), keyed: seed%4 != 1, commits: map[vdb.Hash]string{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("last steps:\n%s", strings.Join(m.steps[max(0, len(m.steps)-25):], "\n"))
		}
	})
	if seed%4 == 3 {
		m.dir = t.TempDir()
		m.db, _ = openDir(t, m.dir)
	} else {
		m.db = openMemory(t)
	}
	return m
}

func (m *metamorphic) run() {
	schemas := metamorphicSchemas
	if m.keyed {
		schemas = schemas[:3]
	}
	update(m.t, mainBranch(m.t, m.db), func(tx *vdb.Tx) (err error) {
		for _, s := range schemas {
			err = errors.Join(err, tx.CreateTable(s))
		}
		return err
	})
	for range 200 {
		m.step()
	}
	m.checkHistory()
	m.checkDiffs()
}
