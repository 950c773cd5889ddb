package vdb

import "iter"

// Violations yields the rows of s that break a rule of their table's schema and
// did not, or were not there, in an earlier snapshot since; nil checks all rows.
// It yields at most 10,000. Transactions are checked when they commit: what there
// is to be found comes from elsewhere, as from a merge in progress.
func (s *Snapshot) Violations(since *Snapshot) iter.Seq2[Violation, error] {
	return func(yield func(Violation, error) bool) {
		var from version
		if since != nil {
			from = since.version
		}
		violations, err := s.db.violations(s.ctx, s.store, from, s.version, true)
		if err != nil {
			yield(Violation{}, opError("check rows", err))
			return
		}
		for _, v := range violations {
			if !yield(v, nil) {
				return
			}
		}
	}
}
