package sqlite

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// tableDiff is dolt_diff_<table>: the rows that each commit of the history, and
// the working set, changed. Given two revisions, or a range, it is what lies
// between them:
//
//	SELECT * FROM dolt_diff_t WHERE to_commit = '…'
//	SELECT * FROM dolt_diff_t('main~', 'main')
//	SELECT * FROM dolt_diff_t('main...fix')
//
// dolt_commit_diff_<table> has the same columns. It is what lies between any two
// revisions that conditions on from_commit and to_commit name.
type tableDiff struct {
	tabBase
	// between tells that it is dolt_commit_diff_<table>.
	between bool
}

func newTableDiff(s *session, table string) module.Table {
	return &tableDiff{tabBase: tabBase{s: s, table: table}}
}

func newCommitDiff(s *session, table string) module.Table {
	return &tableDiff{tabBase: tabBase{s: s, table: table}, between: true}
}

// The columns that a diff has beside the table's, counted from the end of each
// half.
const (
	diffCommit = iota
	diffDate
	diffOwn // per half
)

// half returns where the columns of a side begin: to, then from.
func (t *tableDiff) half(from bool) int {
	if from {
		return len(t.shape.Columns) + diffOwn
	}
	return 0
}

// commitColumn returns the position of to_commit or from_commit.
func (t *tableDiff) commitColumn(from bool) int {
	return t.half(from) + len(t.shape.Columns) + diffCommit
}

// argumentColumn returns the position of an argument.
func (t *tableDiff) argumentColumn(i int) int { return 2*(len(t.shape.Columns)+diffOwn) + 1 + i }

func (t *tableDiff) Columns() ([]module.Column, error) {
	if err := t.follow(); err != nil {
		return nil, err
	}
	names := newTabNames("to_commit", "to_commit_date", "from_commit", "from_commit_date", "diff_type")
	named := names.users(columnNames(t.shape.Schema), "to_", "from_")
	var columns []module.Column
	for half, side := range []string{"to", "from"} {
		for i, name := range named[half] {
			columns = append(columns, t.shape.column(i, name))
		}
		columns = append(columns, textColumns(side+"_commit", side+"_commit_date")...)
		commit := &columns[t.commitColumn(side == "from")]
		commit.Push, commit.Unique = module.PushEQ, true
	}
	columns = append(columns, textColumns("diff_type")...)
	if !t.between {
		columns = append(columns, names.argument("from_ref"), names.argument("to_ref"))
	}
	return columns, nil
}

func (t *tableDiff) Scan(filters []module.Filter) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		v, err := t.s.vantage()
		if err != nil {
			yield(nil, err)
			return
		}
		scan := &diffScan{t: t, v: v, filters: filters}
		for _, from := range []bool{false, true} {
			scan.conds = append(scan.conds, condsOn(filters, t.half(from), len(t.shape.Columns))...)
		}
		for p, err := range scan.pairs() {
			if err == nil {
				err = scan.emit(p, yield)
			}
			if errors.Is(err, errStop) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// errStop ends a scan whose rows are not wanted any more.
var errStop = errors.New("stop")

// diffScan is one scan of a tableDiff.
type diffScan struct {
	t       *tableDiff
	v       *vantage
	filters []module.Filter
	conds   []tabCond
}

// versionPair is two versions, and whether the table has to be in one of them.
type versionPair struct {
	from, to tabVersion
	must     bool
}

// pairs yields the versions to be compared.
func (d *diffScan) pairs() iter.Seq2[versionPair, error] {
	if d.t.between {
		return onePair(d.between())
	}
	first, ok := filterOn(d.filters, d.t.argumentColumn(0))
	second, two := filterOn(d.filters, d.t.argumentColumn(1))
	switch {
	case two && !ok:
		return onePair(versionPair{}, d.t.refuse())
	case ok:
		return onePair(d.arguments(first, second, two))
	}
	return d.history()
}

func onePair(p versionPair, err error) iter.Seq2[versionPair, error] {
	return func(yield func(versionPair, error) bool) { yield(p, err) }
}

// between reads the conditions of dolt_commit_diff_<table>. The columns show the
// revisions as they were asked for, so that the conditions hold.
func (d *diffScan) between() (p versionPair, err error) {
	from, ok1 := filterOn(d.filters, d.t.commitColumn(true))
	to, ok2 := filterOn(d.filters, d.t.commitColumn(false))
	if !ok1 || !ok2 {
		return p, fmt.Errorf("dolt_commit_diff_%s needs two revisions: WHERE from_commit = '…' AND to_commit = '…'", d.t.table)
	}
	p, err = d.arguments(from, to, true)
	p.from.name, p.to.name = from, to
	return p, err
}

func (t *tableDiff) refuse() error {
	return fmt.Errorf("dolt_diff_%s needs two revisions, or a range a..b or a...b", t.table)
}

// arguments returns the versions of two revisions, or of a range.
func (d *diffScan) arguments(first, second any, two bool) (p versionPair, err error) {
	p.must = true
	if !two {
		if first, second, err = d.cutRange(first); err != nil {
			return p, err
		}
	}
	if p.from, err = d.v.argument(first); err == nil {
		p.to, err = d.v.argument(second)
	}
	return p, err
}

// cutRange returns the ends of a range: a..b leads from a to b, a...b from the
// merge base of both.
func (d *diffScan) cutRange(arg any) (from, to any, err error) {
	text, _ := arg.(string)
	if a, b, ok := strings.Cut(text, "..."); ok && a != "" && b != "" {
		ca, err := d.v.resolve(a)
		if err != nil {
			return nil, nil, err
		}
		cb, err := d.v.resolve(b)
		if err != nil {
			return nil, nil, err
		}
		base, err := d.v.db.MergeBase(d.v.ctx, ca.Hash.String(), cb.Hash.String())
		if err != nil {
			return nil, nil, err
		}
		return base.Hash.String(), b, nil
	}
	if a, b, ok := strings.Cut(text, ".."); ok && a != "" && b != "" {
		return a, b, nil
	}
	return nil, nil, d.t.refuse()
}

// emit yields the rows that differ between two versions.
func (d *diffScan) emit(p versionPair, yield func([]any, error) bool) error {
	shape := d.t.shape
	was, err := shape.match(p.from.snap)
	if err != nil {
		return err
	}
	is, err := shape.match(p.to.snap)
	if err != nil {
		return err
	}
	var name string
	switch {
	case is != nil:
		name = is.Name
	case was != nil:
		name = was.Name
	case p.must:
		return fmt.Errorf("table %s is neither in %v nor in %v", d.t.table, p.from.name, p.to.name)
	default:
		return nil
	}
	if was != nil && is != nil && was.Rows == is.Rows && was.Schema == is.Schema {
		return nil
	}
	options := &vdb.RowsOptions{}
	if (was == nil || was.SameKeys) && (is == nil || is.SameKeys) {
		options.Range, _ = keyRange(shape.Schema, d.conds)
	}
	for change, err := range p.from.snap.Diff(p.to.snap).Rows(name, options) {
		if err != nil {
			return err
		}
		if !yield(d.row(p, was, is, &change), nil) {
			return errStop
		}
	}
	return nil
}

func (d *diffScan) row(p versionPair, was, is *vdb.TableMatch, change *vdb.RowChange) []any {
	t := d.t
	row := make([]any, t.argumentColumn(0))
	if change.To != nil {
		fillRow(row, change.To, is.Columns)
	}
	if change.From != nil {
		fillRow(row[t.half(true):], change.From, was.Columns)
	}
	for _, side := range []struct {
		from bool
		tabVersion
	}{{false, p.to}, {true, p.from}} {
		at := t.commitColumn(side.from)
		row[at], row[at+diffDate] = side.name, side.date
	}
	row[len(row)-1] = diffType(change.Kind)
	return row
}

// diffType is Dolt's word for a kind of change.
func diffType(kind vdb.ChangeKind) string {
	if kind == vdb.Deleted {
		return "removed"
	}
	return string(kind)
}
