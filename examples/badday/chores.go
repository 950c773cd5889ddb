package main

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"

	"github.com/vdbgo/vdb"
)

// A chore is what people do to the rows of one customer on a normal day.
type chore struct {
	role, text string
	do         func(tx *vdb.Tx, l *ledger, r *rand.Rand, customer string) error
	// anyCustomer: the chore does not need a customer who is there.
	anyCustomer bool
}

// chores write to all five tables. None of them touches an issue with the
// number 1: see hotIssue.
var chores = []chore{
	{role: "Sales", text: "Sell seats", do: sellSeats},
	{role: "Intern", text: "Tidy up customers", do: changePlan},
	{role: "Support", text: "Rename project", do: renameProject},
	{role: "Support", text: "Answer issue", do: answerIssue},
	{role: "Support", text: "Open issue", do: openIssue},
	{role: "Support", text: "Delete duplicate issue", do: deleteIssue},
	{role: "On-call", text: "Change escalation", do: escalate},
	{role: "Billing", text: "Record payment", do: pay, anyCustomer: true},
}

// staff does chores on a branch, and remembers what it wrote.
type staff struct {
	branch  *vdb.Branch
	random  *rand.Rand
	here    []string // the customers that can be served
	deleted []string // those that cannot; bills are sent to them, too
	wrote   *ledger
}

// work does a chore n times, for customers picked by chance, in one transaction.
func (s *staff) work(ctx context.Context, c chore, n int) error {
	whom := make([]string, n)
	for i := range whom {
		whom[i] = pick(s.random, s.here)
		if c.anyCustomer && len(s.deleted) > 0 && s.random.IntN(2) == 0 {
			whom[i] = pick(s.random, s.deleted)
		}
	}
	return s.update(ctx, func(tx *vdb.Tx, l *ledger) error {
		for _, id := range whom {
			if err := c.do(tx, l, s.random, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// update runs fn in a transaction. Update may run it more than once: what the
// last run wrote counts.
func (s *staff) update(ctx context.Context, fn func(*vdb.Tx, *ledger) error) error {
	var l *ledger
	err := s.branch.Update(ctx, func(tx *vdb.Tx) error {
		l = newLedger()
		return fn(tx, l)
	})
	if err == nil {
		s.wrote.add(l)
	}
	return err
}

func sellSeats(tx *vdb.Tx, l *ledger, r *rand.Rand, id string) error {
	c, err := customers.Get(tx, id)
	if err != nil {
		return err
	}
	c.Seats += 1 + r.Int64N(10)
	return l.customers.put(tx, c)
}

func changePlan(tx *vdb.Tx, l *ledger, r *rand.Rand, id string) error {
	c, err := customers.Get(tx, id)
	if err != nil {
		return err
	}
	c.Plan = pick(r, plans)
	return l.customers.put(tx, c)
}

func renameProject(tx *vdb.Tx, l *ledger, r *rand.Rand, id string) error {
	p, err := someProject(tx, r, id)
	if err != nil {
		return err
	}
	p.Title = phrase(r, 3)
	return l.projects.put(tx, p)
}

func answerIssue(tx *vdb.Tx, l *ledger, r *rand.Rand, id string) error {
	p, err := someProject(tx, r, id)
	if err != nil {
		return err
	}
	i, err := lastIssue(tx, p)
	if err != nil || i.Number == 1 {
		return err
	}
	i.Status = pick(r, statuses)
	return l.issues.put(tx, i)
}

func openIssue(tx *vdb.Tx, l *ledger, r *rand.Rand, id string) error {
	p, err := someProject(tx, r, id)
	if err != nil {
		return err
	}
	last, err := lastIssue(tx, p)
	if err != nil {
		return err
	}
	p.Issues++
	if err := l.projects.put(tx, p); err != nil {
		return err
	}
	return l.issues.put(tx, Issue{Project: p.ID, Number: last.Number + 1, Customer: id, Title: phrase(r, 11), Status: "open"})
}

func deleteIssue(tx *vdb.Tx, l *ledger, r *rand.Rand, id string) error {
	p, err := someProject(tx, r, id)
	if err != nil {
		return err
	}
	last, err := lastIssue(tx, p)
	if err != nil || last.Number == 1 {
		return err
	}
	p.Issues--
	if err := l.projects.put(tx, p); err != nil {
		return err
	}
	return l.issues.delete(tx, last)
}

func escalate(tx *vdb.Tx, l *ledger, r *rand.Rand, id string) error {
	e, err := escalations.Get(tx, id, pick(r, services))
	if err != nil {
		return err
	}
	e.Level = 1 + r.Int64N(5)
	return l.escalations.put(tx, e)
}

func pay(tx *vdb.Tx, l *ledger, _ *rand.Rand, id string) error {
	b, err := first(bills.Backward(tx, vdb.Range{Prefix: []any{id}}))
	if err != nil {
		return err
	}
	if !b.Paid {
		b.Paid = true
		return l.bills.put(tx, b)
	}
	return l.bills.put(tx, Bill{Customer: id, Month: nextMonth(b.Month), Cents: b.Cents})
}

// nextMonth follows 202512 by 202601.
func nextMonth(m int64) int64 {
	if m%100 == 12 {
		return m + 89
	}
	return m + 1
}

// someProject picks a project of a customer.
func someProject(r vdb.Reader, random *rand.Rand, id string) (Project, error) {
	all, err := collect(projects.By(r, "cust_id", id))
	if err != nil {
		return Project{}, err
	}
	if len(all) == 0 {
		return Project{}, fmt.Errorf("a project of customer %s: %w", id, vdb.ErrNotFound)
	}
	return pick(random, all), nil
}

// lastIssue returns the issue of a project with the highest number.
func lastIssue(r vdb.Reader, p Project) (Issue, error) {
	return first(issues.Backward(r, vdb.Range{Prefix: []any{p.ID}}))
}

// first returns the first row, or vdb.ErrNotFound.
func first[T any](rows iter.Seq2[T, error]) (T, error) {
	for row, err := range rows {
		return row, err
	}
	var none T
	return none, vdb.ErrNotFound
}

// collect returns all rows.
func collect[T any](rows iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}
