package main

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
)

// fleet is a database in which each customer has a branch: the schema and the
// shared rows are main's, the customer's rows are on its branch alone.
type fleet struct {
	*report
	db   *vdb.DB
	main *vdb.Branch
	ids  []string // of the customers, and of their branches

	before map[string]place // before the bad script
}

// place is where a branch stands.
type place struct {
	head, working vdb.Hash
	dirty         bool
}

// Price is a row of prices, which all customers share.
type Price struct {
	Plan  string `vdb:"plan,pk"`
	Cents int64  `vdb:"cents"`
}

// Ticket is an issue once main has given the table a new column.
type Ticket struct {
	Issue
	Priority string `vdb:"priority,default='normal'"`
}

var (
	prices  = vdb.MustTable[Price]("prices")
	tickets = vdb.MustTable[Ticket](issues.Name())
)

const (
	issuesEach = 20
	newCents   = 4900
)

// setUp makes the tables on main, and the rows that all customers share.
func (f *fleet) setUp(ctx context.Context) error {
	err := f.main.Update(ctx, func(tx *vdb.Tx) error {
		if err := createTables(tx); err != nil {
			return err
		}
		if err := prices.Create(tx); err != nil {
			return err
		}
		for i, plan := range plans {
			if err := prices.Insert(tx, Price{Plan: plan, Cents: int64(i) * 2500}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = f.main.Commit(ctx, vdb.Message{Author: "Operations", Text: "Tables and prices"})
	return err
}

// branchOff makes the branches.
func (f *fleet) branchOff(ctx context.Context) error {
	bar := f.bar(len(f.ids), "branches")
	for n, id := range f.ids {
		b, err := f.db.CreateBranch(ctx, id, vdb.MainBranch)
		if err != nil {
			return err
		}
		if err := b.Update(ctx, func(tx *vdb.Tx) error { return moveIn(tx, id, int64(n+1)) }); err != nil {
			return err
		}
		if _, err := b.Commit(ctx, vdb.Message{Author: "Sales", Text: "New customer " + id}); err != nil {
			return err
		}
		bar.Add(1)
	}
	f.say("%s rows", count(len(f.ids)*(2+issuesEach+len(services))))
	return nil
}

// moveIn writes a customer's rows.
func moveIn(tx *vdb.Tx, id string, project int64) error {
	r := random(uint64(1000 + project))
	if err := customers.Insert(tx, Customer{ID: id, Name: "Customer " + id, Plan: pick(r, plans), Seats: 10}); err != nil {
		return err
	}
	if err := projects.Insert(tx, Project{ID: project, Customer: id, Title: phrase(r, 3), Issues: issuesEach}); err != nil {
		return err
	}
	for n := range int64(issuesEach) {
		if err := issues.Insert(tx, Issue{Project: project, Number: n + 1, Customer: id, Title: phrase(r, 11), Status: "open"}); err != nil {
			return err
		}
	}
	for _, service := range services {
		if err := escalations.Insert(tx, Escalation{Customer: id, Service: service, Team: "team " + pick(r, words), Level: 1}); err != nil {
			return err
		}
	}
	return nil
}

// changeSchema adds a column on main, and changes a shared row.
func (f *fleet) changeSchema(ctx context.Context) error {
	schema := tickets.Schema()
	priority := schema.Columns[schema.Column("priority")]
	err := f.main.Update(ctx, func(tx *vdb.Tx) error {
		if err := tx.AddColumn(issues.Name(), priority); err != nil {
			return err
		}
		return prices.Update(tx, Price{Plan: "premium", Cents: newCents})
	})
	if err != nil {
		return err
	}
	_, err = f.main.Commit(ctx, vdb.Message{Author: "Operations", Text: "Issues have a priority; premium is cheaper"})
	return err
}

// mergeAll merges main into each branch, and checks what is there then.
func (f *fleet) mergeAll(ctx context.Context) error {
	bar := f.bar(len(f.ids), "branches merged")
	for n, id := range f.ids {
		b, err := f.db.Branch(ctx, id)
		if err != nil {
			return err
		}
		if _, err := b.Merge(ctx, vdb.MainBranch, nil); err != nil {
			return err
		}
		if err := b.View(ctx, func(s *vdb.Snapshot) error { return checkMerged(s, int64(n+1)) }); err != nil {
			return fmt.Errorf("branch %s: %w", id, err)
		}
		bar.Add(1)
	}
	f.say("each has the new column, the new price, and its own %d issues", issuesEach)
	return nil
}

// checkMerged checks a customer's branch after the merge.
func checkMerged(s *vdb.Snapshot, project int64) error {
	p, err := prices.Get(s, "premium")
	if err != nil {
		return err
	}
	mine, err := collect(tickets.All(s))
	if err != nil {
		return err
	}
	if p.Cents != newCents || len(mine) != issuesEach {
		return fmt.Errorf("premium costs %d, and there are %d issues", p.Cents, len(mine))
	}
	for _, t := range mine {
		if t.Priority != "normal" || t.Project != project {
			return fmt.Errorf("issue %+v of project %d", t, project)
		}
	}
	return nil
}

// places lists where all branches stand.
func (f *fleet) places(ctx context.Context) (map[string]place, error) {
	all := map[string]place{}
	for info, err := range f.db.Branches(ctx) {
		if err != nil {
			return nil, err
		}
		b, err := f.db.Branch(ctx, info.Name)
		if err != nil {
			return nil, err
		}
		s, err := b.Snapshot(ctx)
		if err != nil {
			return nil, err
		}
		all[info.Name] = place{head: info.Head, working: s.Root(), dirty: info.Dirty}
	}
	return all, nil
}

// wronged is the branch on which the bad script runs.
func (f *fleet) wronged(ctx context.Context) (*vdb.Branch, error) {
	return f.db.Branch(ctx, f.ids[len(f.ids)/2])
}

// runBadScript deletes all that a customer has.
func (f *fleet) runBadScript(ctx context.Context) (err error) {
	if f.before, err = f.places(ctx); err != nil {
		return err
	}
	b, err := f.wronged(ctx)
	if err != nil {
		return err
	}
	if err := b.Update(ctx, func(tx *vdb.Tx) error { return deleteCustomer(tx, b.Name()) }); err != nil {
		return err
	}
	c, err := b.Commit(ctx, vdb.Message{Author: "Intern", Text: badText})
	if err != nil {
		return err
	}
	f.say("commit %s on branch %s: customer deleted", c.Short(), b.Name())
	return nil
}

// reset takes the branch back to the commit before.
func (f *fleet) reset(ctx context.Context) error {
	b, err := f.wronged(ctx)
	if err != nil {
		return err
	}
	return b.ResetHard(ctx, "HEAD~")
}

// compare checks that all branches are as they were before the bad script.
func (f *fleet) compare(ctx context.Context) error {
	after, err := f.places(ctx)
	if err != nil {
		return err
	}
	if len(after) != len(f.before) || len(after) != len(f.ids)+1 {
		return fmt.Errorf("%d branches, and there were %d", len(after), len(f.before))
	}
	for name, was := range f.before {
		if after[name] != was {
			return fmt.Errorf("branch %s is at %+v, and was at %+v", name, after[name], was)
		}
		if was.dirty {
			return fmt.Errorf("branch %s has uncommitted changes", name)
		}
	}
	f.say("%d branches and main have the heads and roots that they had", len(f.ids))
	return nil
}
