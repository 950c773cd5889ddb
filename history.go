package vdb

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/vdbgo/vdb/prolly"
)

// RowVersion is a row as one commit left it. It is the caller's.
type RowVersion struct {
	// Commit changed the row against its first parent.
	Commit *Commit
	// Kind tells whether the commit added, modified or deleted the row.
	Kind ChangeKind
	// Row is the row then, in the columns of Schema; nil where it was deleted.
	Row Row
	// Schema is the table's schema then; nil where the table was dropped. It is
	// shared and must not be modified.
	Schema *Schema
}

// History yields the commits of main's history, by first parents, that changed
// the row of a primary key (or rowid), newest first, with the row as it was
// then. The table goes by the name that it has at HEAD or, if it was dropped, had
// last; renames of the table and its columns are followed. It reads the row at
// most once per commit, and not where the table did not change. ErrNotFound if
// there never was a table of that name.
func (db *DB) History(ctx context.Context, table string, key ...any) iter.Seq2[RowVersion, error] {
	return db.history(ctx, MainBranch, table, key)
}

// History yields the commits of the branch's history that changed a row, as
// DB.History does.
func (b *Branch) History(ctx context.Context, table string, key ...any) iter.Seq2[RowVersion, error] {
	return b.db.history(ctx, b.name, table, key)
}

func (db *DB) history(ctx context.Context, branch, table string, key []any) iter.Seq2[RowVersion, error] {
	return func(yield func(RowVersion, error) bool) {
		h := &rowHistory{tableTrail: tableTrail{db: db, ctx: ctx, name: fold(table)}, key: key}
		if err := h.run(branch, yield); err != nil {
			yield(RowVersion{}, opError(fmt.Sprintf("history of table %s, row %s", table, formatKey(key)), err))
		}
	}
}

// tableTrail follows one table back through commits and renames.
type tableTrail struct {
	db   *DB
	ctx  context.Context
	s    prolly.Store // holds what the first commit leads to
	name string       // folded, as it is called now, or until it is found was asked for
	id   string       // its identity, once it was found
}

// tableAt is a table at a commit; view is nil where it was absent.
type tableAt struct {
	commit *Commit
	snap   *Snapshot
	view   *tableView
}

// begin returns the commit to begin at.
func (t *tableTrail) begin(branch, rev string) (*Commit, error) {
	r, err := t.db.refs(t.ctx)
	if err != nil {
		return nil, err
	}
	t.s = r.store
	return t.db.resolveCommit(t.ctx, r, branch, rev)
}

// at finds the table in a commit.
func (t *tableTrail) at(c *Commit) (tableAt, error) {
	at := tableAt{commit: c, snap: t.db.newSnapshot(t.ctx, t.s, c.version())}
	ids, err := at.snap.storedIDs()
	if err != nil {
		return at, err
	}
	if t.id != "" {
		t.name = ids.tableOf(t.id)
	}
	if at.view, err = at.snap.tableOr(t.name); err != nil {
		return at, err
	}
	if at.view != nil && t.id == "" {
		t.id = ids.table(t.name)
	}
	return at, nil
}

// before finds the table in the first parent of a commit; nil if the commit has none.
func (t *tableTrail) before(at tableAt) (*tableAt, error) {
	if len(at.commit.Parents) == 0 {
		return nil, nil
	}
	p, err := loadCommit(t.ctx, t.s, at.commit.Parents[0])
	if err != nil {
		return nil, err
	}
	if p.version() == at.commit.version() {
		return &tableAt{commit: p, snap: at.snap, view: at.view}, nil
	}
	before, err := t.at(p)
	return &before, err
}

// sameRows tells that the table has the same rows, in the same form, in both.
func (at tableAt) sameRows(other tableAt) bool {
	if at.view == nil || other.view == nil {
		return at.view == other.view
	}
	return at.view.entry.rows == other.view.entry.rows && at.view.layout == other.view.layout
}

// rowHistory follows one row.
type rowHistory struct {
	tableTrail
	key []any
}

// rowAt is the row at a commit.
type rowAt struct {
	tableAt
	key, rec []byte // rec is nil where the row was absent
}

func (h *rowHistory) run(branch string, yield func(RowVersion, error) bool) error {
	c, err := h.begin(branch, revHead)
	if err != nil {
		return err
	}
	first, err := h.at(c)
	if err != nil {
		return err
	}
	is, err := h.read(first)
	for err == nil {
		var at *tableAt
		if at, err = h.before(is.tableAt); err != nil || at == nil {
			break
		}
		was := rowAt{tableAt: *at, key: is.key, rec: is.rec}
		if !at.sameRows(is.tableAt) {
			if was, err = h.read(*at); err != nil {
				break
			}
		}
		v, changed, differErr := is.since(was)
		if differErr != nil {
			return differErr
		}
		if changed && !yield(v, nil) {
			return nil
		}
		is = was
	}
	if err == nil && h.id == "" {
		err = fmt.Errorf("table %s: %w", h.name, ErrNotFound)
	}
	return err
}

// read reads the row at a commit.
func (h *rowHistory) read(at tableAt) (rowAt, error) {
	row := rowAt{tableAt: at}
	if at.view == nil {
		return row, nil
	}
	var err error
	if row.key, err = at.view.keyOf(h.key); err != nil {
		return row, err
	}
	row.rec, _, err = at.view.rows.get(h.ctx, row.key)
	return row, err
}

// since tells what the commit of is did to the row that was there before.
func (is rowAt) since(was rowAt) (RowVersion, bool, error) {
	v := RowVersion{Commit: is.commit, Kind: kindOf(was.rec != nil, is.rec != nil)}
	switch {
	case was.rec == nil && is.rec == nil:
		return v, false, nil
	case is.rec == nil:
		if is.view != nil {
			v.Schema = is.view.schema
		}
		return v, true, nil
	}
	if was.rec != nil {
		if differ, err := is.differs(was); !differ || err != nil {
			return v, false, err
		}
	}
	v.Schema = is.view.schema
	var err error
	v.Row, err = is.view.row(is.snap.ctx, is.key, is.rec)
	return v, true, err
}

// differs compares the rows as such, not their records.
func (is rowAt) differs(was rowAt) (bool, error) {
	if is.view.layout == was.view.layout {
		return !bytes.Equal(is.rec, was.rec), nil
	}
	conv, err := was.snap.converterTo(was.view, is.snap, is.view)
	if err != nil {
		return false, err
	}
	before, err := was.view.decode(nil, was.key, was.rec)
	if err != nil {
		return false, err
	}
	after, err := is.view.decode(nil, is.key, is.rec)
	if err != nil {
		return false, err
	}
	return len(conv.changed(before, after)) > 0, nil
}
