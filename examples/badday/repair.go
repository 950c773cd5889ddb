package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
)

// findCulprit looks at what changed the table of customers: of the intern's
// commits, the one whose diff shows rows that are gone.
func (d *day) findCulprit(ctx context.Context) error {
	looked := 0
	for c, err := range d.main.Log(ctx, &vdb.LogOptions{Author: "Intern", Table: customers.Name()}) {
		if err != nil {
			return err
		}
		looked++
		n, err := d.main.Show(ctx, c.Hash.String()).Count(customers.Name())
		if err != nil {
			return err
		}
		if n.Deleted > 0 {
			d.bad = c
		}
	}
	if d.bad == nil {
		return fmt.Errorf("none of %d commits deleted a customer", looked)
	}
	d.say("of %d commits, it is %s, %q by %s", looked, d.bad.Short(), d.bad.Text, d.bad.Author)
	if d.bad.Text != badText {
		return fmt.Errorf("it should be %q", badText)
	}
	return d.readDiff(d.main.Show(ctx, d.bad.Hash.String()))
}

// readDiff reads from the diff of the bad commit which tables and which customers
// it took.
func (d *day) readDiff(diff *vdb.Diff) error {
	sum, err := d.sayCounts(diff)
	if err != nil {
		return err
	}
	d.deleted = sum.Deleted
	var ids []string
	for row, err := range diff.Rows(customers.Name()) {
		if err != nil {
			return err
		}
		ids = append(ids, row.Before("cust_id").Text())
	}
	if !slices.Equal(ids, d.victims()) {
		return fmt.Errorf("the diff shows %d customers, not the %d who were deleted", len(ids), len(d.victims()))
	}
	d.say("%s customers: %s, %s … %s", count(len(ids)), ids[0], ids[1], ids[len(ids)-1])
	return d.traffic.beats(beatsBetween)
}

// restoreOne brings one customer back from the commit before, with all that
// refers to it, and nothing else. It is served again at once.
func (d *day) restoreOne(ctx context.Context) error {
	d.restored = d.victims()[0]
	restore := vdb.Restore{
		From:   d.bad.Hash.String() + "~",
		Table:  customers.Name(),
		Where:  map[string]any{"cust_id": d.restored},
		Follow: true,
		DryRun: true,
	}
	would, err := d.main.Restore(ctx, restore)
	if err != nil {
		return err
	}
	restore.DryRun = false
	restore.Message = &vdb.Message{Author: "Operations", Text: "Restore customer " + d.restored}
	done, err := d.main.Restore(ctx, restore)
	if err != nil {
		return err
	}
	if len(done.Changes) != len(would.Changes) {
		return fmt.Errorf("%d rows were restored, where a dry run said %d", len(done.Changes), len(would.Changes))
	}
	d.say("commit %s puts back %s rows of customer %s", done.Commit.Short(), count(len(done.Changes)), d.restored)
	if err := d.serveRestored(ctx); err != nil {
		return err
	}
	return d.traffic.beats(beatsBetween)
}

// serveRestored writes to the rows of the restored customer.
func (d *day) serveRestored(ctx context.Context) error {
	if err := d.main.View(ctx, func(s *vdb.Snapshot) error { return checkCustomer(s, d.restored) }); err != nil {
		return err
	}
	s := &staff{branch: d.main, random: random(4), wrote: d.wrote, here: []string{d.restored}}
	if err := s.work(ctx, chore{do: openIssue}, 1); err != nil {
		return err
	}
	if err := s.work(ctx, chore{do: sellSeats}, 1); err != nil {
		return err
	}
	_, err := d.main.Commit(ctx, vdb.Message{Author: "Support", Text: "Serve customer " + d.restored, AllowEmpty: true})
	return err
}

// revert undoes the bad commit. The two rows of the restored customer that have
// been written since are conflicts: they are listed, and stay as they are now.
func (d *day) revert(ctx context.Context) error {
	bad := d.bad.Hash.String()
	_, err := d.main.Revert(ctx, bad, nil)
	var conflict *vdb.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) != 2 {
		return fmt.Errorf("two rows of customer %s, written since, should be conflicts: %w", d.restored, err)
	}
	for _, row := range conflict.Conflicts {
		d.say("written since, and kept: %v", row)
	}
	c, err := d.main.Revert(ctx, bad, &vdb.RevertOptions{
		Message: vdb.Message{Author: "Operations"},
		Take:    vdb.Ours,
	})
	if err != nil {
		return err
	}
	title, _, _ := strings.Cut(c.Text, "\n")
	d.say("commit %s by %s: %s", c.Short(), c.Author, title)
	if _, err := d.sayCounts(d.main.Show(ctx, c.Hash.String())); err != nil {
		return err
	}
	return d.traffic.beats(beatsBetween)
}

// sayCounts prints how many rows of each table a diff has. It returns the sum.
func (d *day) sayCounts(diff *vdb.Diff) (vdb.Counts, error) {
	var sum vdb.Counts
	for table, err := range diff.Tables() {
		if err != nil {
			return sum, err
		}
		n, err := diff.Count(table.Name())
		if err != nil {
			return sum, err
		}
		d.say("%-18s %9s rows added %9s deleted", table.Name(), count(n.Added), count(n.Deleted))
		sum.Added, sum.Deleted, sum.Modified = sum.Added+n.Added, sum.Deleted+n.Deleted, sum.Modified+n.Modified
	}
	return sum, nil
}
