package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/vdbgo/vdb"
)

// reader looks at all that belongs to a customer, as a page of the application
// does, and fails if it is not in order.
type reader struct {
	branch *vdb.Branch
	random *rand.Rand
	whom   []string
}

func (r *reader) read(ctx context.Context, _ int) error {
	time.Sleep(readPause)
	id := pick(r.random, r.whom)
	err := r.branch.View(ctx, func(s *vdb.Snapshot) error { return checkCustomer(s, id) })
	if err != nil {
		return fmt.Errorf("customer %s: %w", id, err)
	}
	return nil
}

// checkCustomer checks that a customer is there with all that belongs to it, or
// gone with all of it.
func checkCustomer(s *vdb.Snapshot, id string) error {
	_, err := customers.Get(s, id)
	gone := errors.Is(err, vdb.ErrNotFound)
	if err != nil && !gone {
		return err
	}
	theirs, err := collect(projects.By(s, "cust_id", id))
	if err != nil {
		return err
	}
	for _, p := range theirs {
		if err := checkProject(s, p); err != nil {
			return err
		}
	}
	levels, err := collect(escalations.Range(s, vdb.Range{Prefix: []any{id}}))
	if err != nil {
		return err
	}
	wantProjects, wantLevels := projectsEach, len(services)
	if gone {
		wantProjects, wantLevels = 0, 0
	}
	if len(theirs) != wantProjects || len(levels) != wantLevels {
		return fmt.Errorf("it is gone: %v, and it has %d projects and %d escalations", gone, len(theirs), len(levels))
	}
	_, err = first(bills.Range(s, vdb.Range{Prefix: []any{id}}))
	return err
}

// checkProject compares a project's issues with their number.
func checkProject(s *vdb.Snapshot, p Project) error {
	n := int64(0)
	for i, err := range issues.Range(s, vdb.Range{Prefix: []any{p.ID}}) {
		if err != nil {
			return err
		}
		if i.Customer != p.Customer {
			return fmt.Errorf("issue %d of project %d belongs to customer %s", i.Number, p.ID, i.Customer)
		}
		n++
	}
	if n != p.Issues {
		return fmt.Errorf("project %d has %d issues, not %d", p.ID, n, p.Issues)
	}
	return nil
}
