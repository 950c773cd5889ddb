package vdb

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vdbgo/vdb/prolly"
)

// Retention says which commits of a branch are kept as they grow older: all, until a
// step says otherwise. Steps ascend by After and by Every. nil keeps all for ever.
//
//	vdb.Retention{
//		{After: 7 * 24 * time.Hour, Every: time.Hour},
//		{After: 30 * 24 * time.Hour, Every: 24 * time.Hour},
//	}
//
// keeps each commit for a week, then one an hour, and after thirty days one a day. As
// text it is "7d:1h 30d:1d".
type Retention []RetentionStep

// RetentionStep is how many commits are kept from an age on.
type RetentionStep struct {
	// After is the age from which on the step holds, until that of the next one.
	After time.Duration
	// Every is the time of which one commit is kept, the newest: an hour, a day; in
	// whole seconds, counted from 1970 in UTC. KeepNone keeps none.
	Every time.Duration
}

// KeepNone is the Every of a step that keeps no commit which may go.
const KeepNone time.Duration = math.MaxInt64

// BranchRetention is the retention of branches.
type BranchRetention struct {
	// Branches is a branch's name or a pattern, in which * stands for any letters.
	Branches string
	Keep     Retention
}

// retentionPrefix is that of refs that say which commits branches keep: retention/NAME
// has the count 0 and Retention's text. No address follows.
const retentionPrefix = "retention/"

const day = 24 * time.Hour

// ageUnits are the units of an age, longest first.
var ageUnits = []struct {
	letter string
	length time.Duration
}{{"y", 365 * day}, {"w", 7 * day}, {"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// ParseRetention reads a retention from text: steps AFTER:EVERY with spaces or commas
// between them, as in "7d:1h 30d:1d 1y:1w". The units are s, m, h, d, w and y, of 365
// days. EVERY may be none; "all" is the retention that keeps all.
func ParseRetention(text string) (Retention, error) {
	var p Retention
	for _, step := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		if step == "all" && text == "all" {
			return nil, nil
		}
		after, every, ok := strings.Cut(step, ":")
		if !ok {
			return nil, invalidf("retention %q: %q is not AFTER:EVERY, as in 7d:1h", text, step)
		}
		s := RetentionStep{Every: KeepNone}
		var err error
		if s.After, err = parseAge(after); err == nil && every != "none" {
			s.Every, err = parseAge(every)
		}
		if err != nil {
			return nil, invalidf("retention %q: %v", text, err)
		}
		p = append(p, s)
	}
	if len(p) == 0 {
		return nil, invalidf("retention %q has no steps; all keeps all", text)
	}
	return p, p.check()
}

func parseAge(text string) (time.Duration, error) {
	for _, u := range ageUnits {
		digits, ok := strings.CutSuffix(text, u.letter)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || n > uint64(math.MaxInt64/u.length) {
			break
		}
		return time.Duration(n) * u.length, nil
	}
	return 0, fmt.Errorf("%q is no time; write 30d, with one of the units s, m, h, d, w, y", text)
}

// String returns the text that ParseRetention reads.
func (p Retention) String() string {
	if len(p) == 0 {
		return "all"
	}
	steps := make([]string, len(p))
	for i, s := range p {
		every := "none"
		if s.Every != KeepNone {
			every = formatAge(s.Every)
		}
		steps[i] = formatAge(s.After) + ":" + every
	}
	return strings.Join(steps, " ")
}

func formatAge(d time.Duration) string {
	for _, u := range ageUnits {
		if d%u.length == 0 && d > 0 {
			return strconv.FormatInt(int64(d/u.length), 10) + u.letter
		}
	}
	return "0s"
}

func (p Retention) check() error {
	for i, s := range p {
		switch {
		case s.After < 0 || s.After%time.Second != 0:
			return invalidf("retention after %s: it is no number of seconds", s.After)
		case s.Every < time.Second || s.Every%time.Second != 0 && s.Every != KeepNone:
			return invalidf("retention of one every %s: it is no number of seconds", s.Every)
		case i > 0 && (s.After <= p[i-1].After || s.Every <= p[i-1].Every):
			return invalidf("retention %s: each step must be later, and keep less, than the one before", p)
		}
	}
	return nil
}

// bucket is a time of which one commit is kept.
type bucket struct {
	step  int
	start int64 // in seconds since 1970
}

// bucketOf returns the bucket of a commit time in microseconds. all tells that each
// commit of then is kept, none that no commit is. A bucket is of a step when the whole
// of it is old enough: which of its commits stays does not depend on when one looks.
func (p Retention) bucketOf(micros int64, now time.Time) (b bucket, all, none bool) {
	at := floorDiv(micros, int64(time.Second/time.Microsecond))
	for i, s := range slices.Backward(p) {
		end := at
		if s.Every != KeepNone {
			every := int64(s.Every / time.Second)
			b = bucket{i, floorDiv(at, every)}
			end = (b.start + 1) * every
		}
		if end <= now.Unix()-int64(s.After/time.Second) {
			return b, false, s.Every == KeepNone
		}
	}
	return b, true, false
}

func floorDiv(a, b int64) int64 {
	n := a / b
	if a%b < 0 {
		n--
	}
	return n
}

// SetRetention says which commits the branches of a name or pattern keep, instead of
// what was said of that name or pattern before. A branch keeps what is said of its
// name or else of the longest pattern that fits. Nothing goes until Retain, or a
// collection that happens by itself.
func (db *DB) SetRetention(ctx context.Context, branches string, keep Retention) error {
	err := keep.check()
	if err == nil {
		err = checkRefName(strings.ReplaceAll(branches, "*", "x"))
	}
	if err == nil {
		err = db.editRetention(ctx, branches, append([]byte{0}, keep.String()...))
	}
	return opError("set retention of "+branches, err)
}

// RemoveRetention takes back what was said of the branches of a name or pattern.
// ErrNotFound if nothing was.
func (db *DB) RemoveRetention(ctx context.Context, branches string) error {
	return opError("remove retention of "+branches, db.editRetention(ctx, branches, nil))
}

func (db *DB) editRetention(ctx context.Context, branches string, value []byte) error {
	return db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		key := []byte(retentionPrefix + branches)
		if _, found, err := r.tree.Get(ctx, key); err != nil || !found && value == nil {
			return cmp.Or(err, ErrNotFound)
		}
		return r.set(ctx, prolly.Edit{Key: key, Value: value})
	})
}

// Retentions lists what SetRetention has said, in the order of names and patterns.
func (db *DB) Retentions(ctx context.Context) iter.Seq2[BranchRetention, error] {
	return func(yield func(BranchRetention, error) bool) {
		r, err := db.refs(ctx)
		if err != nil {
			yield(BranchRetention{}, opError("list retentions", err))
			return
		}
		for b, err := range r.retentions(ctx) {
			if !yield(b, opError("list retentions", err)) || err != nil {
				return
			}
		}
	}
}

func (r *refs) retentions(ctx context.Context) iter.Seq2[BranchRetention, error] {
	return func(yield func(BranchRetention, error) bool) {
		for item, err := range r.names(ctx, retentionPrefix) {
			b := BranchRetention{Branches: string(item.Key)}
			if err == nil && len(item.Value) > 0 {
				b.Keep, err = ParseRetention(string(item.Value[1:]))
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// retentionOf returns what a branch keeps.
func retentionOf(all []BranchRetention, branch string) Retention {
	var best BranchRetention
	for _, b := range all {
		if b.Branches == branch {
			return b.Keep
		}
		if fitsBranch(b.Branches, branch) && len(b.Branches) > len(best.Branches) {
			best = b
		}
	}
	return best.Keep
}

// fitsBranch tells whether a name fits a pattern, in which * stands for any letters.
func fitsBranch(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 || len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return pattern == name
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name = rest
	}
	return true
}
