package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/vdbgo/vdb"
)

// checkHistory compares the commits of main with the revisions of the file:
// author, time and message, the table as of the commit, and the diff of the
// commit.
func checkHistory(ctx context.Context, db *vdb.DB, h *history, out io.Writer) error {
	commits, err := commitsOf(ctx, db)
	if err != nil {
		return err
	}
	if len(commits) != h.Revisions {
		return fmt.Errorf("%d commits for %d revisions", len(commits), h.Revisions)
	}
	start := time.Now()
	var rows, changed int
	for r, err := range h.each() {
		if err != nil {
			return err
		}
		c := checker{revision: r, commit: commits[r.Seq-1], db: db, out: out}
		n, err := c.check(ctx)
		if err != nil {
			return fmt.Errorf("revision %d, commit %s: %w", r.Seq, c.commit.Short(), err)
		}
		rows, changed = rows+r.Rows, changed+n
		progress(out, "checked", r)
	}
	fmt.Fprintf(out, "checked: %d commits, %d rows as of them, %d rows in their diffs, %v: all as recorded\n",
		len(commits), rows, changed, time.Since(start).Round(time.Millisecond))
	return nil
}

// commitsOf returns the commits of main, oldest first, without the one that
// created the database.
func commitsOf(ctx context.Context, db *vdb.DB) ([]*vdb.Commit, error) {
	var commits []*vdb.Commit
	for c, err := range db.Log(ctx, nil) {
		if err != nil {
			return nil, err
		}
		if len(c.Parents) > 0 {
			commits = append(commits, c)
		}
	}
	slices.Reverse(commits)
	return commits, nil
}

// checker compares one commit with its revision.
type checker struct {
	*revision
	commit *vdb.Commit
	db     *vdb.DB
	out    io.Writer
}

// check returns the number of rows that the commit changed.
func (c *checker) check(ctx context.Context) (int, error) {
	if err := c.checkMessage(); err != nil {
		return 0, err
	}
	if err := c.checkContents(ctx); err != nil {
		return 0, err
	}
	return c.checkDiff(ctx)
}

func (c *checker) checkMessage() error {
	switch got := c.commit; {
	case got.Author != c.Author:
		return fmt.Errorf("its author is %q, not %q", got.Author, c.Author)
	case got.Text != c.Message:
		return fmt.Errorf("its text is %q, not %q", got.Text, c.Message)
	case !got.Time.Equal(c.time()):
		return fmt.Errorf("its time is %v, not %v", got.Time, c.time())
	}
	return nil
}

// checkContents compares the table as of the commit with the recorded one.
func (c *checker) checkContents(ctx context.Context) error {
	s, err := c.db.AsOf(ctx, c.commit.Hash.String())
	if err != nil {
		return err
	}
	rows, sum, err := c.checksum(s, c.Columns)
	if err != nil {
		return err
	}
	if rows != c.Rows || sum != c.Sum {
		return fmt.Errorf("%d rows of checksum %s, not %d of %s", rows, sum, c.Rows, c.Sum)
	}
	return nil
}

// checkDiff compares the diff of the commit with the recorded changes.
func (c *checker) checkDiff(ctx context.Context) (int, error) {
	d := c.db.Show(ctx, c.commit.Hash.String())
	want := c.recorded()
	if c.Full && !c.isFirst() {
		var err error
		if want, err = c.implied(d); err != nil {
			return 0, err
		}
	}
	got, err := c.diffed(d)
	if err != nil {
		return 0, err
	}
	return got.count(), got.compare(want)
}

// implied returns the changes of a full revision, which records none, and
// checks those of its columns.
func (c *checker) implied(d *vdb.Diff) (changes, error) {
	common, err := c.commonRows(d.From())
	if err != nil {
		return changes{}, err
	}
	plan := common.plan()
	fmt.Fprintf(c.out, "revision %d: %v\n", c.Seq, plan)
	if err := c.checkColumns(d, plan); err != nil {
		return changes{}, err
	}
	order, err := c.orderIn(d.From(), c.before)
	if err != nil {
		return changes{}, err
	}
	gone, err := c.missing(d.From(), order)
	if err != nil {
		return changes{}, err
	}
	return c.fullChanges(common, plan, gone), nil
}

// checkColumns compares the columns that a diff shows as changed with the plan
// by which they were changed.
func (c *checker) checkColumns(d *vdb.Diff, plan columnPlan) error {
	var got columnPlan
	for table, err := range d.Tables() {
		if err != nil {
			return err
		}
		for _, change := range table.Schema.Columns {
			switch change.Kind() {
			case vdb.Added:
				got.add = append(got.add, change.To.Name)
			case vdb.Deleted:
				got.drop = append(got.drop, change.From.Name)
			case vdb.Modified:
				got.rename = append(got.rename, [2]string{change.From.Name, change.To.Name})
			}
		}
	}
	if got.sorted().String() != plan.sorted().String() {
		return fmt.Errorf("the diff shows: %v, not: %v", got, plan)
	}
	return nil
}
