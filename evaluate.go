package vdb

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// Evaluator works out what only SQL can say of rows: generated columns, the entries
// of indexes on expressions or with a WHERE, and whether CHECKs hold. Package
// sqlite has one, and registers it when it is imported. It may be used by many
// goroutines at once.
type Evaluator interface {
	// Generated tells which columns of a table SQL computes and stores.
	Generated(s *Schema) ([]bool, error)
	// Evaluate computes the stored forms of e's rows and the entries of its indexes.
	Evaluate(ctx context.Context, e *Evaluation) error
	// Check returns the rule that each of the rows breaks.
	Check(ctx context.Context, e *Evaluation) ([]Broken, error)
	// MergeSQL merges the SQL of a table and its indexes.
	MergeSQL(ctx context.Context, m *SchemaTexts) error
	// Refer has the SQL of a table refer to what its ForeignKeys do, by the names there.
	Refer(s *Schema) error
	// Virtual tells how to merge a virtual table, by the statement that made it.
	Virtual(sql string) (VirtualTable, error)
	// Open gives the transaction of an Engine, on a branch, SQL on its own state.
	Open(ctx context.Context, e Engine, branch string) (SQL, error)
}

// Evaluation is a batch of rows of one table, for an Evaluator.
type Evaluation struct {
	Table EngineTable
	// Store takes long values.
	Store prolly.Store
	// Rows have their values in line, in the order of the schema's columns.
	Rows []EvaluatedRow
	// Stored asks for Records, Indexes for the entries of indexes by their places.
	Stored  bool
	Indexes []int
	// Records are the rows' keys and records, in the order of their keys; Entries
	// those of each of Indexes, as their trees have them.
	Records []prolly.Item
	Entries [][]prolly.Item
}

// EvaluatedRow is a row for an Evaluator. Rowid is that of a table that shows none.
type EvaluatedRow struct {
	Rowid  int64
	Values Row
}

// Broken is a rule that a row breaks: Kind is empty if there is none. Column is set
// if the rule is NOT NULL, else Rule has the CHECK's name or text.
type Broken struct {
	Kind         ViolationKind
	Column, Rule string
}

// registered is the process's evaluator. It is global as database drivers are: an
// import is all that a program needs to do.
var registered atomic.Pointer[Evaluator]

// RegisterEvaluator gives this package the evaluator for rules that only SQL knows.
// It is made for package sqlite.
func RegisterEvaluator(e Evaluator) { registered.Store(&e) }

// evaluator returns the registered one, or an error that says what lacks it.
func evaluator(table string) (Evaluator, error) {
	if e := registered.Load(); e != nil {
		return *e, nil
	}
	return nil, fmt.Errorf("the rules of table %s: %w", table, ErrNeedsSQL)
}

// evaluationRows and evaluationBytes bound what is evaluated at once.
const (
	evaluationRows  = 2000
	evaluationBytes = 4 << 20
)

// layGenerated finds the columns that SQL computes.
func (l *layout) layGenerated() (err error) {
	e := registered.Load()
	if e == nil || !l.schema.Evaluated {
		return nil
	}
	if l.generated, err = (*e).Generated(l.schema); err == nil && !slices.Contains(l.generated, true) {
		l.generated = nil
	}
	return err
}

// computes tells whether SQL computes column i.
func (l *layout) computes(i int) bool { return l.generated != nil && l.generated[i] }

// evaluatedIndexes are the places of the indexes whose entries SQL makes.
func (l *layout) evaluatedIndexes() []int {
	var at []int
	for i := range l.index {
		if l.index[i].evaluated {
			at = append(at, i)
		}
	}
	return at
}

// needsEvaluator is ErrNeedsSQL if the table has rules that nobody can evaluate.
func (l *layout) needsEvaluator() error {
	if !l.schema.Evaluated && len(l.evaluatedIndexes()) == 0 {
		return nil
	}
	_, err := evaluator(l.schema.Name)
	return err
}

// evaluation begins a batch of rows of the table.
func (t *tableView) evaluation() *Evaluation {
	view := &tableView{layout: t.layout, store: t.store, indexes: make([]overlay, len(t.index))}
	return &Evaluation{Table: EngineTable{view: view}, Store: t.store}
}

// add adds the row at key, with its long values loaded, and returns about how many
// bytes it takes.
func (t *tableView) add(ctx context.Context, e *Evaluation, key []byte, row []Value) (size int, err error) {
	r := EvaluatedRow{Values: make(Row, len(row))}
	for i, v := range row {
		if r.Values[i], err = t.content(ctx, v); err != nil {
			return 0, err
		}
		size += int(v.Size()) + 8
	}
	if t.kind == keyRowid {
		r.Rowid, err = record.DecodeIntKey(key)
	}
	e.Rows = append(e.Rows, r)
	return size, err
}

// compute returns row, which is to stand at key, with the generated columns as SQL
// computes them.
func (t *tableView) compute(ctx context.Context, key []byte, row []Value) ([]Value, error) {
	if t.generated == nil {
		return row, nil
	}
	sql, err := evaluator(t.schema.Name)
	if err != nil {
		return nil, err
	}
	e := t.evaluation()
	e.Stored = true
	if _, err := t.add(ctx, e, key, row); err != nil {
		return nil, err
	}
	if err := sql.Evaluate(ctx, e); err != nil {
		return nil, err
	}
	if len(e.Records) != 1 {
		return nil, fmt.Errorf("table %s: SQL made %d rows of one", t.schema.Name, len(e.Records))
	}
	return t.decode(nil, key, e.Records[0].Value)
}

// entryMove brings evaluated indexes from the rows of one state to those of another.
type entryMove struct {
	*tableView
	ctx          context.Context
	sql          Evaluator
	indexes      []int
	set          func(i int, key, value []byte)
	before, then *Evaluation
	size         int
}

// moveEvaluated calls set with the entries of the indexes that go and come when the
// rows become to, which were from. Both are laid out as the table is.
func (t *tableView) moveEvaluated(ctx context.Context, from, to prolly.Tree, indexes []int, set func(i int, key, value []byte)) error {
	if len(indexes) == 0 || from.Hash() == to.Hash() {
		return nil
	}
	sql, err := evaluator(t.schema.Name)
	if err != nil {
		return err
	}
	m := &entryMove{tableView: t, ctx: ctx, sql: sql, indexes: indexes, set: set}
	m.begin()
	for change, err := range prolly.Diff(ctx, from, to, allKeys) {
		if err != nil {
			return err
		}
		if err := m.change(change); err != nil {
			return err
		}
	}
	return m.flush()
}

func (m *entryMove) begin() {
	m.before, m.then, m.size = m.evaluation(), m.evaluation(), 0
	m.before.Indexes, m.then.Indexes = m.indexes, m.indexes
}

func (m *entryMove) change(c prolly.Change) error {
	if err := m.row(m.before, c.Key, c.From); err != nil {
		return err
	}
	if err := m.row(m.then, c.Key, c.To); err != nil {
		return err
	}
	if m.size < evaluationBytes && len(m.before.Rows)+len(m.then.Rows) < evaluationRows {
		return nil
	}
	return m.flush()
}

// row adds the row of a record, nil if absent.
func (m *entryMove) row(e *Evaluation, key, rec []byte) error {
	if rec == nil {
		return nil
	}
	row, err := m.decode(nil, key, slices.Clone(rec))
	if err != nil {
		return err
	}
	n, err := m.add(m.ctx, e, key, row)
	m.size += n
	return err
}

func (m *entryMove) flush() error {
	for _, e := range []*Evaluation{m.before, m.then} {
		if len(e.Rows) == 0 {
			continue
		}
		if err := m.sql.Evaluate(m.ctx, e); err != nil {
			return err
		}
		for at, i := range m.indexes {
			for _, item := range e.Entries[at] {
				if e == m.before {
					item.Value = nil
				}
				m.set(i, item.Key, item.Value)
			}
		}
	}
	m.begin()
	return nil
}

// flushEvaluated brings the evaluated indexes to the rows, which were from.
func (t *tableView) flushEvaluated(ctx context.Context, from prolly.Tree) error {
	return t.moveEvaluated(ctx, from, t.rows.tree, t.evaluatedIndexes(), func(i int, key, value []byte) {
		t.indexes[i].set(key, value)
	})
}

// checks collects the rows of a table that a verifier has SQL check.
type checks struct {
	*verifier
	table *tableView
	batch *Evaluation
	keys  [][]byte
	size  int
}

// newChecks returns nil if SQL has nothing to check.
func (v *verifier) newChecks(t *tableView) *checks {
	if !t.schema.Evaluated {
		return nil
	}
	return &checks{verifier: v, table: t, batch: t.evaluation()}
}

// row adds a row, as decoded.
func (c *checks) row(key []byte, row []Value) error {
	n, err := c.table.add(c.ctx, c.batch, key, row)
	if err != nil {
		return err
	}
	c.keys = append(c.keys, slices.Clone(key))
	if c.size += n; c.size < evaluationBytes && len(c.keys) < evaluationRows {
		return nil
	}
	return c.flush()
}

// flush has the batch checked, and reports what breaks a rule.
func (c *checks) flush() error {
	if len(c.keys) == 0 {
		return nil
	}
	sql, err := evaluator(c.table.schema.Name)
	if err != nil {
		return err
	}
	broken, err := sql.Check(c.ctx, c.batch)
	if err != nil {
		return err
	}
	for i, b := range broken {
		var columns []string
		if b.Column != "" {
			columns = []string{b.Column}
		}
		if b.Kind == "" {
			continue
		}
		if err := c.report(b.Kind, c.table, c.keys[i], c.batch.Rows[i].Values, columns, b.Rule); err != nil {
			return err
		}
	}
	c.batch, c.keys, c.size = c.table.evaluation(), nil, 0
	return nil
}
