package vdb

import (
	"context"
	"iter"
)

// BlameRow is a row of a table and the commit that changed it last.
type BlameRow struct {
	// Key holds the values of the primary key, or the rowid.
	Key    []Value
	Row    Row
	Commit *Commit
}

// Blame yields the rows of a table at main's HEAD that r selects, each with the
// commit, by first parents, that last added or modified it. r is by the primary
// key. The cost is that of the diffs back to the oldest of those commits; it
// holds the keys of the rows in memory.
func (db *DB) Blame(ctx context.Context, table string, r Range) iter.Seq2[BlameRow, error] {
	return db.blame(ctx, MainBranch, revHead, table, r)
}

// BlameAt yields the rows that a table had at a revision, each with the commit
// that had changed it last then, as Blame does.
func (db *DB) BlameAt(ctx context.Context, rev, table string, r Range) iter.Seq2[BlameRow, error] {
	return db.blame(ctx, MainBranch, rev, table, r)
}

// Blame yields the rows of a table at the branch's HEAD with the commits that
// changed them last, as DB.Blame does.
func (b *Branch) Blame(ctx context.Context, table string, r Range) iter.Seq2[BlameRow, error] {
	return b.db.blame(ctx, b.name, revHead, table, r)
}

func (db *DB) blame(ctx context.Context, branch, rev, table string, r Range) iter.Seq2[BlameRow, error] {
	return func(yield func(BlameRow, error) bool) {
		b := &blame{tableTrail: tableTrail{db: db, ctx: ctx, name: fold(table)}, r: r, by: map[string]*Commit{}}
		if err := b.run(branch, rev, yield); err != nil {
			yield(BlameRow{}, opError("blame table "+table, err))
		}
	}
}

type blame struct {
	tableTrail
	r    Range
	now  tableAt
	rows uint64             // selected now
	by   map[string]*Commit // by key
	// rest changed all rows that by does not have.
	rest *Commit
}

func (b *blame) run(branch, rev string, yield func(BlameRow, error) bool) error {
	if b.r.Index != "" {
		return invalidf("a blame goes by the primary key")
	}
	c, err := b.begin(branch, rev)
	if err != nil {
		return err
	}
	if b.now, err = b.at(c); err != nil {
		return err
	}
	if b.now.view == nil {
		return ErrNotFound
	}
	if b.rows, err = b.now.view.count(b.ctx, b.r); err != nil {
		return err
	}
	if err := b.attribute(); err != nil {
		return err
	}
	return b.report(yield)
}

// attribute walks back until each row has its commit.
func (b *blame) attribute() error {
	is := b.now
	for b.rest = is.commit; uint64(len(b.by)) < b.rows; b.rest = is.commit {
		was, err := b.before(is)
		if err != nil {
			return err
		}
		if was == nil || was.view == nil {
			return nil
		}
		if err := b.compare(*was, is); err != nil {
			return err
		}
		is = *was
	}
	return nil
}

// compare attributes the rows that the commit of is changed.
func (b *blame) compare(was, is tableAt) error {
	if was.sameRows(is) {
		return nil
	}
	p := &tablePair{d: &Diff{from: was.snap, to: is.snap}, from: was.view, to: is.view}
	r, err := b.rangeIn(p)
	if err != nil {
		return err
	}
	for change, err := range p.changes(r) {
		if err != nil {
			return err
		}
		if change.To == nil || b.by[string(change.Key)] != nil {
			continue
		}
		_, ok, err := b.now.view.rows.get(b.ctx, change.Key)
		if err != nil {
			return err
		}
		if ok {
			b.by[string(change.Key)] = is.commit
		}
	}
	return nil
}

// rangeIn returns the rows that a comparison has to look at: all, where the table
// got another key, for then all are new.
func (b *blame) rangeIn(p *tablePair) (Range, error) {
	r := b.r
	r.Backward = false
	if p.from == nil || p.to == nil {
		return r, nil
	}
	conv, err := p.converter()
	if err != nil || !conv.sameKeys {
		r = Range{}
	}
	return r, err
}

func (b *blame) report(yield func(BlameRow, error) bool) error {
	t := b.now.view
	for item, err := range t.scan(b.ctx, b.r) {
		if err != nil {
			return err
		}
		row, err := t.row(b.ctx, item.Key, item.Value)
		if err != nil {
			return err
		}
		key, err := t.keyValues(item.Key, row)
		if err != nil {
			return err
		}
		c := b.by[string(item.Key)]
		if c == nil {
			c = b.rest
		}
		if !yield(BlameRow{Key: key, Row: row, Commit: c}, nil) {
			return nil
		}
	}
	return nil
}
