package main

import (
	"context"
	"fmt"
	"time"
)

// makeHistory makes commits of one changed row each, and notes what one takes up
// on disk. An engine that is slow makes as many as it can in the time given.
func makeHistory(ctx context.Context, s *subject) error {
	if len(s.history) > 0 {
		return nil
	}
	if _, err := changeAndCommit(ctx, s, inMain, 1, 0); err != nil {
		return err
	}
	before, err := s.versions.written()
	if err != nil {
		return err
	}
	began := time.Now()
	for len(s.history) < s.options.history && time.Since(began) < s.options.patience {
		rev, err := changeAndCommit(ctx, s, inMain, 1, 0)
		if err != nil {
			return err
		}
		s.history = append(s.history, rev)
	}
	after, err := s.versions.written()
	n := len(s.history)
	s.note("reads as of go %d commits back; each of them, a changed row written and then committed, added %d bytes to the disk and took %v in all",
		n, (after-before)/int64(n), time.Since(began)/time.Duration(n))
	return err
}

// changeAndCommit changes rows of a table, with even ids if side is 0 and odd
// ones if it is 1, and commits them.
func changeAndCommit(ctx context.Context, s *subject, to target, rows int, side int64) (string, error) {
	if err := s.put(ctx, to, s.changes(rows, side)); err != nil {
		return "", err
	}
	return s.versions.commit(ctx, to.branch)
}

func changeRow(ctx context.Context, s *subject) error {
	return s.put(ctx, inMain, s.changes(1, 0))
}

func commitOnly(ctx context.Context, s *subject, _ int) error {
	rev, err := s.versions.commit(ctx, mainBranch)
	s.history = append(s.history, rev)
	return err
}

func readsByDistance(ctx context.Context, s *subject, n int) error {
	return readsAsOf(ctx, s, n, fmt.Sprintf("%s~%d", mainBranch, len(s.history)-1))
}

func readsByHash(ctx context.Context, s *subject, n int) error {
	return readsAsOf(ctx, s, n, s.history[0])
}

func readsAsOf(ctx context.Context, s *subject, n int, rev string) error {
	for range n {
		id := s.id()
		if r, err := s.versions.getAsOf(ctx, rev, mainTable, id); err != nil || r.ID != id {
			return wrong(err, "row %d is %d", id, r.ID)
		}
	}
	return nil
}

// makeChanges makes commits for diffs to look at, each of which changes all
// rows that it writes.
func makeChanges(ctx context.Context, s *subject) error {
	for len(s.changed) < 20 {
		rows := s.changes(diffRows, 0)
		for i := range rows {
			rows[i].Name = fmt.Sprintf("renamed %d", len(s.changed))
		}
		if err := s.put(ctx, inMain, rows); err != nil {
			return err
		}
		rev, err := s.versions.commit(ctx, mainBranch)
		if err != nil {
			return err
		}
		s.changed = append(s.changed, rev)
	}
	return nil
}

func diffs(ctx context.Context, s *subject, n int) error {
	for range n {
		i := 1 + s.rng.IntN(len(s.changed)-1)
		if found, err := s.versions.diff(ctx, s.changed[i-1], s.changed[i]); err != nil || found != diffRows {
			return wrong(err, "%d changed rows", found)
		}
	}
	return nil
}

func createBranches(ctx context.Context, s *subject, n int) error {
	for range n {
		if err := s.versions.branch(ctx, s.branchName()); err != nil {
			return err
		}
	}
	return nil
}

func (s *subject) branchName() string {
	s.names++
	return fmt.Sprintf("branch%06d", s.names)
}

// loadIndexed makes the table with a secondary index.
func loadIndexed(ctx context.Context, s *subject) error {
	if s.indexed {
		return nil
	}
	s.indexed = true
	if err := s.load(ctx, indexedTable, s.options.rows); err != nil {
		return err
	}
	_, err := s.versions.commit(ctx, mainBranch)
	return err
}

// diverge makes a branch, and commits changes of different rows to it and to
// the main branch.
func diverge(ctx context.Context, s *subject) error {
	name := s.branchName()
	if err := s.versions.branch(ctx, name); err != nil {
		return err
	}
	s.wanted = s.wanted[:0]
	for side, branch := range []string{mainBranch, name} {
		rows := s.changes(min(mergeRows, int(s.options.rows)/4), int64(side))
		if err := s.put(ctx, target{branch, indexedTable}, rows); err != nil {
			return err
		}
		if _, err := s.versions.commit(ctx, branch); err != nil {
			return err
		}
		s.wanted = append(s.wanted, rows[:checkedRows]...)
	}
	return nil
}

func mergeOnce(ctx context.Context, s *subject, _ int) error {
	return s.versions.merge(ctx, fmt.Sprintf("branch%06d", s.names))
}

// findWanted checks that the main branch's head has the wanted rows.
func findWanted(ctx context.Context, s *subject) error {
	for _, want := range s.wanted {
		r, err := s.versions.getAsOf(ctx, mainBranch, indexedTable, want.ID)
		if err != nil || r != want {
			return wrong(err, "%v, not %v", r, want)
		}
	}
	return nil
}

// deleteRows commits a deletion of rows with even ids, and then changes of others.
func deleteRows(ctx context.Context, s *subject) error {
	s.wanted = s.wanted[:0]
	var ids []int64
	for _, r := range s.changes(min(deletedRows, int(s.options.rows)/20), 0) {
		ids = append(ids, r.ID)
	}
	for _, id := range ids[:checkedRows] {
		r, err := s.versions.getAsOf(ctx, mainBranch, indexedTable, id)
		if err != nil {
			return err
		}
		s.wanted = append(s.wanted, r)
	}
	err := s.versions.remove(ctx, inIndexed, ids)
	if err == nil {
		s.reverting, err = s.versions.commit(ctx, mainBranch)
	}
	for i := 0; i < s.options.later && err == nil; i++ {
		_, err = changeAndCommit(ctx, s, inIndexed, 1, 1)
	}
	return err
}

func revertOnce(ctx context.Context, s *subject, _ int) error {
	return s.versions.revert(ctx, s.reverting)
}
