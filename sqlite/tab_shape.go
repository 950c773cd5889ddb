package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// tabBase is what the system tables of one table have in common.
type tabBase struct {
	s     *session
	table string
	shape *tabShape // as of Columns
}

// follow takes over the schema that the table has now.
func (b *tabBase) follow() (err error) {
	b.shape, err = b.s.shape(b.table)
	return err
}

// outdated tells whether the table has another schema than Columns has described:
// SQLite has to be told of it, by registering the system table again.
func (b *tabBase) outdated() bool {
	if b.shape == nil {
		return false // nobody has asked yet
	}
	now, err := b.s.shape(b.table)
	return err != nil || now.Schema != b.shape.Schema
}

// tabShape is the schema that a system table's columns follow: the newest that
// the user's table has.
type tabShape struct {
	*vdb.Schema               // shared: alike ones are one in memory
	at          *vdb.Snapshot // which has it; it outlives the statement that found it
}

// shape finds the newest schema of a table: in the working set, in the history of
// the connection's head, on any other branch or tag.
func (s *session) shape(table string) (*tabShape, error) {
	v, err := s.vantage()
	if err != nil {
		return nil, err
	}
	v.ctx = context.WithoutCancel(v.ctx)
	for snap, err := range v.newest() {
		if err != nil {
			return nil, err
		}
		m, err := snap.Match(table, snap)
		if err == nil {
			return &tabShape{Schema: m.Schema, at: snap}, nil
		}
		if !errors.Is(err, vdb.ErrNotFound) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no such table: %s", table)
}

// nameThen returns the name that a table had at a revision, "" if it was not there.
func (s *session) nameThen(table, revision string) (string, error) {
	shape, err := s.shape(table)
	if err != nil {
		return "", err
	}
	then, err := snapshotOf(s, revision)
	if err != nil {
		return "", err
	}
	m, err := shape.match(then)
	if m == nil {
		return "", err
	}
	return m.Name, nil
}

// newest yields the versions of the database, those that the connection sees
// first, and of them the newest.
func (v *vantage) newest() iter.Seq2[*vdb.Snapshot, error] {
	return func(yield func(*vdb.Snapshot, error) bool) {
		if v.branch != nil {
			snap, err := v.branch.Snapshot(v.ctx)
			if !yield(snap, err) || err != nil {
				return
			}
		}
		head, err := v.head()
		if err != nil {
			yield(nil, err)
			return
		}
		own := []string{head.Hash.String()}
		for _, walk := range []iter.Seq2[*vdb.Commit, error]{v.db.Commits(v.ctx, own, nil), v.db.Commits(v.ctx, nil, own)} {
			for c, err := range walk {
				if err != nil {
					yield(nil, err)
					return
				}
				if !yield(v.db.At(v.ctx, c), nil) {
					return
				}
			}
		}
	}
}

// match finds the table in a version; nil where it is absent.
func (s *tabShape) match(snap *vdb.Snapshot) (*vdb.TableMatch, error) {
	m, err := s.at.Match(s.Name, snap)
	if errors.Is(err, vdb.ErrNotFound) {
		return nil, nil
	}
	return m, err
}

// column describes column i of the table under another name. Conditions on the
// columns of the primary key are of use.
func (s *tabShape) column(i int, name string) module.Column {
	c := s.Columns[i]
	described := module.Column{Name: name, Type: c.Type, Collation: c.Collation}
	if s.keyPosition(i) >= 0 {
		described.Push = module.PushRange
	}
	return described
}

// keyPosition returns where column i stands in the primary key, or -1.
func (s *tabShape) keyPosition(i int) int {
	for position, name := range s.PrimaryKey {
		if s.Column(name) == i {
			return position
		}
	}
	return -1
}

// fillRow puts a row of another version of the table into dst, column by column.
func fillRow(dst []any, row vdb.Row, columns []int) {
	for i, from := range columns {
		if dst[i] = nil; from >= 0 {
			dst[i] = row[from].Any()
		}
	}
}

// tabNames gives out names of columns, each once. A column of the user's table
// yields to one of the system table's own: it gets a number.
type tabNames struct {
	own   map[string]bool
	taken map[string]bool
}

//go:noinline // a program is smaller by its copies
func newTabNames(own ...string) *tabNames {
	n := &tabNames{own: map[string]bool{}, taken: map[string]bool{}}
	for _, name := range own {
		n.own[name], n.taken[name] = true, true
	}
	return n
}

// users names the columns of the user's table behind each of some prefixes.
func (n *tabNames) users(columns []string, prefixes ...string) [][]string {
	named := make([][]string, len(prefixes))
	for i, prefix := range prefixes {
		for _, column := range columns {
			named[i] = append(named[i], prefix+column)
			n.taken[strings.ToLower(prefix+column)] = true
		}
	}
	for _, names := range named {
		for i, name := range names {
			if n.own[strings.ToLower(name)] {
				names[i] = n.free(name)
			}
		}
	}
	return named
}

// free returns name, or name with a number if it is taken.
func (n *tabNames) free(name string) string {
	try := name
	for i := 1; n.taken[strings.ToLower(try)]; i++ {
		try = name + "_" + strconv.Itoa(i)
	}
	n.taken[strings.ToLower(try)] = true
	return try
}

// argument describes a hidden column that takes an argument.
func (n *tabNames) argument(name string) module.Column {
	return module.Column{Name: n.free(name), Type: "TEXT", Hidden: true}
}

// textColumns describes columns of text.
func textColumns(names ...string) []module.Column {
	columns := make([]module.Column, len(names))
	for i, name := range names {
		columns[i] = module.Column{Name: name, Type: "TEXT"}
	}
	return columns
}

func columnNames(s *vdb.Schema) []string {
	names := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		names[i] = c.Name
	}
	return names
}

// failedRows is a scan that ends with err.
func failedRows(err error) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) { yield(nil, err) }
}
