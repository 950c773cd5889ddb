package sqlite

import (
	"iter"

	"github.com/vdbgo/vdb"
)

// history yields the pairs of versions that the conditions leave of all: the
// working set and its head, and each commit and each of its parents, newest first.
func (d *diffScan) history() iter.Seq2[versionPair, error] {
	return func(yield func(versionPair, error) bool) {
		head, err := d.v.head()
		if err != nil {
			yield(versionPair{}, err)
			return
		}
		from, hasFrom := filterOn(d.filters, d.t.commitColumn(true))
		to, hasTo := filterOn(d.filters, d.t.commitColumn(false))
		wanted := func(p versionPair) bool { return !hasFrom || p.from.name == from }
		if !hasTo || to == workingName {
			p, ok, err := d.uncommitted(head)
			if ok = ok && (err != nil || wanted(p)); ok && !yield(p, err) || err != nil {
				return
			}
		}
		for c, err := range d.candidates(head, from, hasFrom, to, hasTo) {
			if err != nil {
				yield(versionPair{}, err)
				return
			}
			if !d.parents(c, wanted, yield) {
				return
			}
		}
	}
}

// uncommitted returns what the working set has beyond the head.
func (d *diffScan) uncommitted(head *vdb.Commit) (p versionPair, ok bool, err error) {
	if d.v.branch == nil {
		return p, false, nil
	}
	p.from = d.v.commitVersion(head)
	p.to, err = d.v.version(workingName)
	return p, true, err
}

// candidates yields the commits that the conditions leave.
func (d *diffScan) candidates(head *vdb.Commit, from any, hasFrom bool, to any, hasTo bool) iter.Seq2[*vdb.Commit, error] {
	return func(yield func(*vdb.Commit, error) bool) {
		if hasTo {
			c, err := d.v.reached(to, head)
			if c != nil || err != nil {
				yield(c, err)
			}
			return
		}
		oldest := uint64(0)
		if hasFrom {
			c, err := d.v.reached(from, head)
			if err != nil {
				yield(nil, err)
			}
			if c == nil {
				return
			}
			oldest = c.Height
		}
		for c, err := range d.v.commits(head) {
			// Commits come by falling height, and children are higher.
			if err == nil && hasFrom && c.Height <= oldest || !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// parents yields a commit beside each of its parents that is wanted.
func (d *diffScan) parents(c *vdb.Commit, wanted func(versionPair) bool, yield func(versionPair, error) bool) bool {
	to := d.v.commitVersion(c)
	for was, err := range d.v.before(c) {
		p := versionPair{from: was, to: to}
		if err == nil && !wanted(p) {
			continue
		}
		if !yield(p, err) || err != nil {
			return false
		}
	}
	return true
}
