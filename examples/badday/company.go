package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/vdbgo/vdb"
)

// company is the size of the database. What is in it follows from the size:
// two runs make the same rows.
type company struct{ rows, customers int }

// What each customer has, beside issues.
const (
	projectsEach = 3
	billsEach    = 12
)

// The values that rows are made of.
var (
	services = []string{"api", "login", "mail", "web"}
	plans    = []string{"free", "standard", "premium"}
	statuses = []string{"open", "in progress", "review", "done"}
	words    = strings.Fields("account alert backup button cache chart column dashboard deadline draft email export field filter form graph image import invoice label link login menu order page password profile queue report request search session setting sprint status table team template timeout upload user widget")
)

// seed makes the random choices the same in every run.
const seed = 20260405

func random(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

// issues is the number of rows left for jira_issues.
func (c company) issues() int {
	return c.rows - c.customers*(1+projectsEach+billsEach+len(services))
}

func (c company) projects() int { return c.customers * projectsEach }

// validate refuses a company in which there is nothing to do.
func (c company) validate() error {
	const customersMin, issuesMin = 25, 3
	if c.customers < customersMin {
		return fmt.Errorf("%d customers: at least %d are needed", c.customers, customersMin)
	}
	if least := c.rows - c.issues() + issuesMin*c.projects(); c.rows < least {
		return fmt.Errorf("%d rows: %d customers need at least %d", c.rows, c.customers, least)
	}
	return nil
}

// customerID names the n-th customer, from 0.
func customerID(n int) string { return fmt.Sprintf("c%05d", n) }

// victims are the customers whom the bad commit deletes: 400 of 5,000, the same
// part of any other number.
func (c company) victims() []string {
	var ids []string
	for _, n := range random(1).Perm(c.customers)[:c.customers*8/100] {
		ids = append(ids, customerID(n))
	}
	slices.Sort(ids)
	return ids
}

// others are the customers who are not victims.
func (c company) others() []string {
	victims := c.victims()
	var ids []string
	for n := range c.customers {
		if _, found := slices.BinarySearch(victims, customerID(n)); !found {
			ids = append(ids, customerID(n))
		}
	}
	return ids
}

// load makes the rows and stores them in main.
func (c company) load(ctx context.Context, b *vdb.Branch, bar *progressbar.ProgressBar) error {
	if err := b.Update(ctx, createTables); err != nil {
		return err
	}
	l := &loader{ctx: ctx, branch: b, bar: bar}
	defer l.rollback()
	for _, load := range []func(*loader, *rand.Rand) error{
		c.loadCustomers, c.loadProjects, c.loadIssues, c.loadBills, c.loadEscalations,
	} {
		if err := load(l, random(2)); err != nil {
			return err
		}
	}
	return l.commit()
}

func (c company) loadCustomers(l *loader, r *rand.Rand) error {
	for n := range c.customers {
		row := Customer{ID: customerID(n), Name: fmt.Sprintf("Customer %d Ltd", n), Plan: pick(r, plans), Seats: 1 + r.Int64N(500)}
		if err := insert(l, customers, row); err != nil {
			return err
		}
	}
	return nil
}

func (c company) loadProjects(l *loader, r *rand.Rand) error {
	for n := range c.projects() {
		row := Project{ID: int64(n + 1), Customer: customerID(n / projectsEach), Title: phrase(r, 3), Issues: c.issuesOf(n)}
		if err := insert(l, projects, row); err != nil {
			return err
		}
	}
	return nil
}

// issuesOf is the number of issues of the n-th project.
func (c company) issuesOf(n int) int64 {
	each, more := c.issues()/c.projects(), c.issues()%c.projects()
	if n < more {
		each++
	}
	return int64(each)
}

func (c company) loadIssues(l *loader, r *rand.Rand) error {
	for n := range c.projects() {
		for i := range c.issuesOf(n) {
			row := Issue{Project: int64(n + 1), Number: i + 1, Customer: customerID(n / projectsEach), Title: phrase(r, 11), Status: pick(r, statuses), Votes: r.Int64N(20)}
			if err := insert(l, issues, row); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c company) loadBills(l *loader, r *rand.Rand) error {
	for n := range c.customers {
		for month := range billsEach {
			row := Bill{Customer: customerID(n), Month: int64(202501 + month), Cents: 1000 + r.Int64N(1e6), Paid: month < 10}
			if err := insert(l, bills, row); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c company) loadEscalations(l *loader, r *rand.Rand) error {
	for n := range c.customers {
		for _, service := range services {
			row := Escalation{Customer: customerID(n), Service: service, Team: "team " + pick(r, words), Level: 1 + r.Int64N(5)}
			if err := insert(l, escalations, row); err != nil {
				return err
			}
		}
	}
	return nil
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// phrase makes a title of n words.
func phrase(r *rand.Rand, n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = pick(r, words)
	}
	return strings.Join(parts, " ")
}

// loader stores many rows, in transactions of a size that memory holds easily.
type loader struct {
	ctx    context.Context
	branch *vdb.Branch
	bar    *progressbar.ProgressBar
	tx     *vdb.Tx // nil between transactions
	rows   int     // in tx
}

const rowsPerTx = 50_000

func insert[T any](l *loader, table *vdb.Table[T], row T) (err error) {
	if l.tx == nil {
		if l.tx, err = l.branch.Begin(l.ctx); err != nil {
			return err
		}
	}
	if err := table.Insert(l.tx, row); err != nil {
		return err
	}
	if l.rows++; l.rows < rowsPerTx {
		return nil
	}
	return l.commit()
}

func (l *loader) commit() error {
	if l.tx == nil {
		return nil
	}
	err := l.tx.Commit()
	l.bar.Add(l.rows)
	l.tx, l.rows = nil, 0
	return err
}

// rollback ends a transaction that an error left open.
func (l *loader) rollback() {
	if l.tx != nil {
		l.tx.Rollback()
	}
}
