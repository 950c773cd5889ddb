package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/btree"
	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/internal/sqltext"
	"github.com/vdbgo/vdb/prolly"
	lib "modernc.org/sqlite/lib"
)

func init() { vdb.RegisterEvaluator(new(evaluator)) }

// evaluator has SQLite work out what only SQL can say of rows: it has them inserted
// in an empty database in memory, and reads what SQLite has stored.
type evaluator struct {
	once    sync.Once
	scratch *introspector
	pages   *pageCache // of transactions
	err     error
}

var _ vdb.Evaluator = (*evaluator)(nil)

// try runs fn in an empty database, which stays empty.
func (e *evaluator) try(ctx context.Context, fn func(tx *sql.Tx) error) error {
	if err := e.start(); err != nil {
		return err
	}
	return e.scratch.try(ctx, fn)
}

// start makes what the evaluator needs once.
func (e *evaluator) start() error {
	e.once.Do(func() {
		e.scratch, e.err = newIntrospector()
		e.pages = newPageCache(defaultCacheBytes)
	})
	return e.err
}

// Generated tells which columns of a table are computed and stored.
func (e *evaluator) Generated(s *vdb.Schema) ([]bool, error) {
	def, err := sqltext.ParseCreateTable(tableSQL(s))
	if err != nil {
		return nil, err
	}
	generated := make([]bool, len(s.Columns))
	for i, c := range s.Columns {
		d := def.Column(c.Name)
		generated[i] = d != nil && d.Stored
	}
	return generated, nil
}

// Evaluate computes stored forms of rows, and entries of indexes.
func (e *evaluator) Evaluate(ctx context.Context, v *vdb.Evaluation) error {
	err := e.start()
	if err == nil {
		err = e.scratch.evaluate(ctx, v)
	}
	if err != nil {
		return fmt.Errorf("evaluate rows of table %s: %w", v.Table.Schema().Name, err)
	}
	return nil
}

// evaluate keeps the table of a single row: more of them are likely to follow.
func (in *introspector) evaluate(ctx context.Context, v *vdb.Evaluation) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	t, err := in.trialOf(ctx, v)
	if err == nil {
		err = t.evaluate()
	}
	if err != nil || len(v.Rows) != 1 {
		in.forget()
	}
	return err
}

// trialOf returns a trial with an empty table for the rows: the one that was kept, if
// it is for such rows.
func (in *introspector) trialOf(ctx context.Context, v *vdb.Evaluation) (*trial, error) {
	t, s := in.kept, v.Table.Schema()
	if t != nil && t.schema == s && t.Stored == v.Stored && slices.Equal(t.Indexes, v.Indexes) {
		t.ctx, t.Evaluation = ctx, v
		return t, nil
	}
	in.forget()
	tx, err := in.scratch.BeginTx(context.WithoutCancel(ctx), nil) // it may outlive the context
	if err != nil {
		return nil, err
	}
	t = &trial{ctx: ctx, tx: tx, Evaluation: v, schema: s, roots: map[string]uint32{}}
	in.kept = t
	if err := t.createLoose(); err != nil {
		return nil, err
	}
	return t, t.prepare()
}

// forget empties the database.
func (in *introspector) forget() {
	if in.kept != nil {
		in.kept.tx.Rollback() // nothing of it is wanted
		in.kept = nil
	}
}

// evaluate has the rows inserted, reads what became of them, and takes them back.
func (t *trial) evaluate() error {
	for i := range t.Rows {
		if err := t.insert(&t.Rows[i]); err != nil {
			return err
		}
	}
	if err := t.read(); err != nil {
		return err
	}
	// What is kept of them is which kind they were.
	t.Evaluation = &vdb.Evaluation{Stored: t.Stored, Indexes: t.Indexes}
	return t.exec("DELETE FROM " + quote(t.schema.Name))
}

// Check has each row inserted into the table as it is declared.
func (e *evaluator) Check(ctx context.Context, v *vdb.Evaluation) ([]vdb.Broken, error) {
	s := v.Table.Schema()
	broken := make([]vdb.Broken, len(v.Rows))
	err := e.try(ctx, func(tx *sql.Tx) error {
		t := &trial{ctx: ctx, tx: tx, Evaluation: v, schema: s}
		if err := t.exec(tableSQL(s)); err != nil {
			return err
		}
		return t.check(broken)
	})
	if err != nil {
		return nil, fmt.Errorf("check rows of table %s: %w", s.Name, err)
	}
	return broken, nil
}

// trial is a batch of rows in the empty database.
type trial struct {
	*vdb.Evaluation
	ctx     context.Context
	tx      *sql.Tx
	schema  *vdb.Schema
	def     *sqltext.CreateTable
	inserts *sql.Stmt
	columns []int // of the schema: those that are given
	rowid   bool
	args    []any
	roots   map[string]uint32 // pages of the table and its indexes, by name
	pages   *sql.Stmt
}

func (t *trial) exec(statement string) error {
	_, err := t.tx.ExecContext(t.ctx, statement)
	return err
}

// createLoose makes the table and the indexes without rules that could refuse a
// row, for its place in the indexes is wanted even so.
func (t *trial) createLoose() (err error) {
	if t.def, err = sqltext.ParseCreateTable(tableSQL(t.schema)); err != nil {
		return err
	}
	statements := make([]string, len(t.Indexes))
	for at, i := range t.Indexes {
		if statements[at], err = t.looseIndex(at, i); err != nil {
			return fmt.Errorf("index %s: %w", t.schema.Indexes[i].Name, err)
		}
	}
	for _, statement := range append([]string{t.looseTable()}, statements...) {
		if err := t.exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// looseTable declares names, types, collations and generated columns alone.
func (t *trial) looseTable() string {
	var items []string
	clustered := isWithoutRowID(t.schema)
	for i := range t.def.Columns {
		d := &t.def.Columns[i]
		item := quote(d.Name)
		if !(t.def.Strict && strings.EqualFold(d.Type, "ANY")) { // which is no affinity in a STRICT table
			item += " " + d.Type
		}
		if len(t.schema.PrimaryKey) == 1 && !clustered && strings.EqualFold(d.Name, t.schema.PrimaryKey[0]) {
			item += " PRIMARY KEY"
		}
		if d.Collation != "" {
			item += " COLLATE " + quote(d.Collation)
		}
		if d.Stored {
			item += " AS (" + d.Generated + ") STORED"
		} else if d.Virtual {
			item += " AS (" + d.Generated + ")"
		}
		items = append(items, item)
	}
	options := ""
	if clustered {
		items, options = append(items, "PRIMARY KEY("+keySQL(t.schema)+")"), " WITHOUT ROWID"
	}
	return "CREATE TABLE " + quote(t.schema.Name) + "(" + strings.Join(items, ", ") + ")" + options
}

// looseIndex declares an index, under a name that tells its place, as not unique.
func (t *trial) looseIndex(at, i int) (string, error) {
	x := &t.schema.Indexes[i]
	head := "CREATE INDEX " + entriesOf(at) + " ON " + quote(t.schema.Name) + "("
	if x.Automatic() {
		keys, err := t.keysOfConstraint(x.Name)
		return head + strings.Join(keys, ", ") + ")", err
	}
	text := indexSQL(t.schema, i)
	def, err := sqltext.ParseCreateIndex(text)
	if err != nil {
		return "", err
	}
	var keys []string
	for _, k := range def.Keys {
		keys = append(keys, k.Span.Of(text))
	}
	statement := head + strings.Join(keys, ", ") + ")"
	if def.Where != "" {
		statement += " WHERE " + def.Where
	}
	return statement, nil
}

// entriesOf is the name of the index whose entries are wanted at a place.
func entriesOf(at int) string { return quote(fmt.Sprint("vdb entries ", at)) }

// keysOfConstraint asks the table as declared which columns the index of a
// constraint has.
func (t *trial) keysOfConstraint(index string) (keys []string, err error) {
	if err := t.exec(tableSQL(t.schema)); err != nil {
		return nil, err
	}
	r := &reading{ctx: t.ctx, tx: t.tx}
	err = r.each(func(rows *sql.Rows) error {
		var name, collation string
		err := rows.Scan(&name, &collation)
		keys = append(keys, quote(name)+" COLLATE "+quote(collation))
		return err
	}, `SELECT name, coll FROM pragma_index_xinfo(?) WHERE key AND cid >= 0 AND seqno < (SELECT count(*) FROM pragma_index_info(?1))`, index)
	if err != nil {
		return nil, err
	}
	return keys, t.exec("DROP TABLE " + quote(t.schema.Name))
}

// prepare readies the statement that inserts a row.
func (t *trial) prepare() (err error) {
	generated, err := new(evaluator).Generated(t.schema)
	if err != nil {
		return err
	}
	var names []string
	for i, c := range t.schema.Columns {
		if !generated[i] {
			t.columns, names = append(t.columns, i), append(names, quote(c.Name))
		}
	}
	if t.rowid = len(t.schema.PrimaryKey) == 0; t.rowid {
		alias, err := rowidAlias(t.schema)
		if err != nil {
			return err
		}
		names = append(names, alias)
	}
	t.inserts, err = t.tx.PrepareContext(t.ctx, "INSERT OR ABORT INTO "+quote(t.schema.Name)+"("+strings.Join(names, ", ")+
		") VALUES(?"+strings.Repeat(", ?", len(names)-1)+")")
	return err
}

// rowidAlias returns a name of a table's rowid that no column has taken.
func rowidAlias(s *vdb.Schema) (string, error) {
	def, err := sqltext.ParseCreateTable(tableSQL(s))
	if err != nil {
		return "", err
	}
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if def.Column(name) == nil {
			return name, nil
		}
	}
	return "", fmt.Errorf("columns have taken all names of the rowid")
}

func (t *trial) insert(r *vdb.EvaluatedRow) error {
	t.args = t.args[:0]
	for _, i := range t.columns {
		t.args = append(t.args, bound(r.Values[i]))
	}
	if t.rowid {
		t.args = append(t.args, r.Rowid)
	}
	_, err := t.inserts.ExecContext(t.ctx, t.args...)
	return err
}

// bound returns a value as it is bound to a parameter.
func bound(v vdb.Value) any {
	switch v.Kind() {
	case record.KindInteger:
		return v.Int()
	case record.KindReal:
		return v.Float()
	case record.KindText:
		return v.Text()
	case record.KindBlob:
		return append([]byte{}, v.Bytes()...)
	}
	return nil
}

// read reads what SQLite has stored.
func (t *trial) read() (err error) {
	if t.Stored {
		if t.Records, err = t.items(t.Table.Rows(), t.schema.Name); err != nil {
			return err
		}
	}
	t.Entries = make([][]prolly.Item, len(t.Indexes))
	for at, i := range t.Indexes {
		name := strings.Trim(entriesOf(at), `"`)
		if t.Entries[at], err = t.items(t.Table.Index(i), name); err != nil {
			return fmt.Errorf("index %s: %w", t.schema.Indexes[i].Name, err)
		}
	}
	return nil
}

// items returns what is in the b-tree of a table or an index.
func (t *trial) items(tree vdb.EngineTree, name string) ([]prolly.Item, error) {
	root, err := t.root(name)
	if err != nil {
		return nil, err
	}
	var items []prolly.Item
	for item, err := range btree.Walk(btree.Side{Source: t, Root: root}) {
		if err != nil {
			return nil, err
		}
		payload, err := item.Payload(t, nil, nil)
		if err != nil {
			return nil, err
		}
		key, value, err := tree.Item(t.ctx, t.Store, item.Rowid, payload)
		if err != nil {
			return nil, err
		}
		items = append(items, prolly.Item{Key: key, Value: value})
	}
	return items, nil
}

// root returns the root page of a table or an index.
func (t *trial) root(name string) (uint32, error) {
	if root, ok := t.roots[name]; ok {
		return root, nil
	}
	var root uint32
	err := t.tx.QueryRowContext(t.ctx, "SELECT rootpage FROM sqlite_schema WHERE name = ?", name).Scan(&root)
	if err == nil {
		t.roots[name] = root
	}
	return root, err
}

// Page returns a page of the database in memory.
func (t *trial) Page(number uint32) (data []byte, err error) {
	if t.pages == nil {
		if t.pages, err = t.tx.PrepareContext(t.ctx, "SELECT data FROM sqlite_dbpage WHERE pgno = ?"); err != nil {
			return nil, err
		}
	}
	err = t.pages.QueryRowContext(t.ctx, number).Scan(&data)
	return data, err
}

// check has the rows inserted one by one.
func (t *trial) check(broken []vdb.Broken) error {
	if err := t.prepare(); err != nil {
		return err
	}
	defer t.inserts.Close()
	for i := range t.Rows {
		err := t.insert(&t.Rows[i])
		if isDuplicate(err) {
			// Whether rows are unique vdb sees for itself.
			if err = t.exec("DELETE FROM " + quote(t.schema.Name)); err == nil {
				err = t.insert(&t.Rows[i])
			}
		}
		if err != nil {
			if broken[i], err = t.brokenRule(err); err != nil {
				return err
			}
		}
	}
	return nil
}

func isDuplicate(err error) bool {
	return slices.Contains([]int{lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY, lib.SQLITE_CONSTRAINT_ROWID}, codeOf(err))
}

// codeOf returns SQLite's extended result code, 0 if err has none.
func codeOf(err error) int {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code()
	}
	return 0
}

// brokenRule tells which rule SQLite names in an error; others are errors.
func (t *trial) brokenRule(err error) (vdb.Broken, error) {
	code := codeOf(err)
	if code&0xff != lib.SQLITE_CONSTRAINT {
		return vdb.Broken{}, err
	}
	rule := ruleIn(err.Error())
	if code == lib.SQLITE_CONSTRAINT_NOTNULL {
		column := rule[strings.LastIndexByte(rule, '.')+1:]
		if i := t.schema.Column(column); i >= 0 {
			return vdb.Broken{Kind: vdb.ViolatesNotNull, Column: t.schema.Columns[i].Name}, nil
		}
	}
	return vdb.Broken{Kind: vdb.ViolatesCheck, Rule: rule}, nil
}

// ruleIn takes a rule's name out of an error's text.
func ruleIn(text string) string {
	text = text[:max(0, strings.LastIndex(text, " ("))]
	for _, head := range []string{"constraint failed: ", "CHECK constraint failed: ", "NOT NULL constraint failed: "} {
		text = strings.TrimPrefix(text, head)
	}
	return text
}
