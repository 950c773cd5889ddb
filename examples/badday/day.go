package main

import (
	"context"
	"fmt"
	"time"

	"github.com/vdbgo/vdb"
)

// day is the bad day of a company whose customers share all tables.
type day struct {
	company
	*report
	db      *vdb.DB
	main    *vdb.Branch
	wrote   *ledger  // what others wrote after the bad commit
	traffic *traffic // from step 4 on

	bad      *vdb.Commit // once found
	deleted  uint64      // rows, by the bad commit
	restored string      // the customer who was restored first
}

// longestPause is how long a reader or writer may be without an answer. It is
// far more than any needs, on a slow and busy disk too: what is measured is
// printed.
const longestPause = 5 * time.Second

const (
	badText      = "Routine maintenance"
	commitsAfter = 500
)

// setUp loads the company's data.
func (d *day) setUp(ctx context.Context) error {
	if err := d.load(ctx, d.main, d.bar(d.rows, "rows")); err != nil {
		return err
	}
	if _, err := d.main.Commit(ctx, vdb.Message{Author: "Operations", Text: "Import all customers"}); err != nil {
		return err
	}
	s, err := d.db.AsOf(ctx, "HEAD")
	if err != nil {
		return err
	}
	var total uint64
	for _, t := range d.wrote.tables() {
		n, err := s.Count(t.name(), vdb.Range{})
		if err != nil {
			return err
		}
		total += n
		d.say("%-18s %9s rows", t.name(), count(n))
	}
	if total != uint64(d.rows) {
		return fmt.Errorf("%d rows were stored, not %d", total, d.rows)
	}
	return nil
}

// deleteCustomers is what the intern did: customers who were said to have left
// are deleted, with all that refers to them.
func (d *day) deleteCustomers(ctx context.Context) error {
	victims := d.victims()
	bar := d.bar(len(victims), "customers deleted")
	err := d.main.Update(ctx, func(tx *vdb.Tx) error {
		for _, id := range victims {
			if err := deleteCustomer(tx, id); err != nil {
				return err
			}
			bar.Add(1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c, err := d.main.Commit(ctx, vdb.Message{Author: "Intern", Text: badText})
	if err != nil {
		return err
	}
	d.say("commit %s", c.Short())
	return nil
}

// deleteCustomer deletes a customer's rows from all tables but billing_details,
// children before parents.
func deleteCustomer(tx *vdb.Tx, id string) error {
	theirs, err := collect(projects.By(tx, "cust_id", id))
	if err != nil {
		return err
	}
	for _, p := range theirs {
		for number := range p.Issues {
			if err := issues.Delete(tx, p.ID, number+1); err != nil {
				return err
			}
		}
		if err := projects.Delete(tx, p.ID); err != nil {
			return err
		}
	}
	for _, service := range services {
		if err := escalations.Delete(tx, id, service); err != nil {
			return err
		}
	}
	return customers.Delete(tx, id)
}

// goOn makes the commits of all the others, who have noticed nothing.
func (d *day) goOn(ctx context.Context) error {
	bar := d.bar(commitsAfter, "commits")
	s := &staff{branch: d.main, random: random(3), wrote: d.wrote, here: d.others(), deleted: d.victims()}
	for n := range commitsAfter {
		c := pick(s.random, chores)
		if err := s.work(ctx, c, 1+s.random.IntN(10)); err != nil {
			return fmt.Errorf("%s: %w", c.text, err)
		}
		m := vdb.Message{Author: c.role, Text: fmt.Sprintf("%s (%d)", c.text, n+1), AllowEmpty: true}
		if _, err := d.main.Commit(ctx, m); err != nil {
			return err
		}
		bar.Add(1)
	}
	d.say("%s rows written or deleted", count(d.wrote.size()))
	return nil
}

// beatsBetween is how many operations each reader and writer does between two
// steps, at least.
const beatsBetween = 20

// startTraffic sets the application to work, until stopTraffic.
func (d *day) startTraffic(ctx context.Context) (err error) {
	if d.traffic, err = startTraffic(ctx, d.main, d.company); err != nil {
		return err
	}
	d.say("what they add is counted in each step from here on")
	return d.traffic.beats(beatsBetween)
}

// stopTraffic ends it, and tells whether anybody had to wait.
func (d *day) stopTraffic(context.Context) error {
	if err := d.traffic.beats(beatsBetween); err != nil {
		return err
	}
	wrote, err := d.traffic.stop()
	if err != nil {
		return err
	}
	d.wrote.add(wrote)
	reads, longestRead := pauses(d.traffic.readers)
	writes, longestWrite := pauses(d.traffic.writers)
	d.say("%s pages read, longest pause of a reader %v", count(reads), longestRead.Round(roundTo(longestRead)))
	d.say("%s transactions and commits, longest pause of a writer %v", count(writes), longestWrite.Round(roundTo(longestWrite)))
	if longest := max(longestRead, longestWrite); longest > longestPause {
		return fmt.Errorf("somebody was stopped for %v", longest)
	}
	return nil
}

// end stops the traffic where an error has left it running.
func (d *day) end() {
	if d.traffic != nil {
		d.traffic.wait()
	}
}

// compare compares every row with what it must be: what was written after the
// bad commit or, where nothing was, what was there before it.
func (d *day) compare(ctx context.Context) error {
	before, err := d.db.AsOf(ctx, d.bad.Hash.String()+"~")
	if err != nil {
		return err
	}
	after, err := d.main.Snapshot(ctx)
	if err != nil {
		return err
	}
	bar := d.bar(d.rows, "rows compared")
	var total uint64
	for _, t := range d.wrote.tables() {
		n, err := t.compare(before, after, func(rows int) { bar.Add(rows) })
		if err != nil {
			return err
		}
		total += n
	}
	bar.Finish()
	d.say("%s rows are right:", count(total))
	d.say("%9s that the bad commit deleted are back", count(d.deleted))
	d.say("%9s that were written or deleted since are as the last to do so left them", count(d.wrote.size()))
	return nil
}
