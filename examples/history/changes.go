package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/vdbgo/vdb"
)

// changes are the rows that a commit changed, by their keys: as they are then
// or, where it deleted them, empty.
type changes map[vdb.ChangeKind]map[string]string

func newChanges() changes {
	return changes{vdb.Added: {}, vdb.Deleted: {}, vdb.Modified: {}}
}

func (c changes) count() int {
	n := 0
	for _, rows := range c {
		n += len(rows)
	}
	return n
}

// recorded returns the changes that the file has.
func (r *revision) recorded() changes {
	want := newChanges()
	for _, key := range r.Delete {
		want[vdb.Deleted][key.String()] = ""
	}
	for _, is := range r.Insert {
		want[vdb.Added][keyOf(r.Key, r.Columns, is).String()] = is.String()
	}
	for _, is := range r.Update {
		want[vdb.Modified][keyOf(r.Key, r.Columns, is).String()] = is.String()
	}
	return want
}

// fullChanges returns the changes of a full revision: of all its rows, which it
// records as added, those in common with the table before are modified or as
// they were.
func (r *revision) fullChanges(common *commonRows, plan columnPlan, gone []row) changes {
	want := r.recorded()
	for _, key := range gone {
		want[vdb.Deleted][key.String()] = ""
	}
	for _, is := range common.is {
		delete(want[vdb.Added], keyOf(r.Key, r.Columns, is).String())
	}
	for _, is := range common.modified(plan) {
		want[vdb.Modified][keyOf(r.Key, r.Columns, is).String()] = is.String()
	}
	return want
}

// diffed returns the changes that a diff shows.
func (r *revision) diffed(d *vdb.Diff) (changes, error) {
	got := newChanges()
	order, err := r.orderIn(d.To(), r.Columns)
	if err != nil {
		return nil, err
	}
	for change, err := range d.Rows(r.Dataset) {
		if err != nil {
			return nil, err
		}
		is := ""
		if change.Kind != vdb.Deleted {
			is = order.toFile(change.To).String()
		}
		got[change.Kind][row(change.Key).String()] = is
	}
	return got, nil
}

// compare reports the first row in which c, what was found, is not what it
// should be.
func (c changes) compare(want changes) error {
	for _, kind := range []vdb.ChangeKind{vdb.Added, vdb.Deleted, vdb.Modified} {
		for _, key := range slices.Sorted(maps.Keys(want[kind])) {
			got, ok := c[kind][key]
			if !ok {
				return fmt.Errorf("row %q was %s, and the diff does not show it", key, kind)
			}
			if got != want[kind][key] {
				return fmt.Errorf("row %q was %s: the diff shows %q, not %q", key, kind, got, want[kind][key])
			}
		}
		if len(c[kind]) != len(want[kind]) {
			return fmt.Errorf("the diff shows %d rows as %s, not %d", len(c[kind]), kind, len(want[kind]))
		}
	}
	return nil
}
