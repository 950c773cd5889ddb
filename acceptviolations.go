package vdb

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/vdbgo/vdb/internal/record"
)

// AcceptViolations lets the merge in progress be committed although rows of a
// table break a rule: those of the keys given, or all of them. Violations does not
// list them any more. The rows stay as they are, and a transaction that writes one
// of them later has to mend it. ErrNotFound if a row breaks no rule, ErrNotMerging
// if no merge is in progress.
func (b *Branch) AcceptViolations(ctx context.Context, table string, keys ...[]any) error {
	op := "accept violations on branch " + b.name
	return opError(op, again(ctx, func() error { return b.acceptOnce(ctx, table, keys) }))
}

func (b *Branch) acceptOnce(ctx context.Context, table string, keys [][]any) error {
	p, err := b.inProgress(ctx)
	if err != nil {
		return err
	}
	defer p.w.Discard()
	violations, err := p.merge.violations(ctx, b.db, p.w, p.state.working)
	if err != nil {
		return err
	}
	accepted, err := pickViolations(violations, table, keys)
	if err != nil {
		return err
	}
	p.merge.Accepted = append(p.merge.Accepted, accepted...)
	saved, err := p.merge.save(ctx, p.w)
	if err != nil {
		return err
	}
	return p.update(func(now *branchState) error {
		now.merge = saved
		return nil
	}, p.state.working)
}

// pickViolations returns the names of a table's violations, those of some keys or
// all.
func pickViolations(violations []Violation, table string, keys [][]any) ([]string, error) {
	wanted := map[string]string{} // printed, by name
	for _, key := range keys {
		vals, err := valuesOf(key)
		if err != nil {
			return nil, err
		}
		wanted[keyName(vals)] = formatValues(vals)
	}
	var picked []string
	found := map[string]bool{}
	for _, v := range violations {
		key := keyName(v.Key)
		if _, ok := wanted[key]; sameName(v.Table, table) && (ok || len(keys) == 0) {
			picked = append(picked, v.name())
			found[key] = true
		}
	}
	for key, printed := range wanted {
		if !found[key] {
			return nil, fmt.Errorf("table %s, row %s breaks no rule: %w", table, printed, ErrNotFound)
		}
	}
	if len(picked) == 0 {
		return nil, fmt.Errorf("table %s: no row breaks a rule: %w", table, ErrNotFound)
	}
	return picked, nil
}

func keyName(key []Value) string { return hex.EncodeToString(record.Append(nil, key)) }

// name identifies the violation in a merge's state.
func (v *Violation) name() string {
	return fmt.Sprintf("%s %q %q %s", v.Kind, fold(v.Table), v.Columns, keyName(v.Key))
}

// unaccepted leaves out what was accepted. Where there may be violations that were
// not reported, because of their number, it does not let the last ones go.
func (m *mergeState) unaccepted(violations []Violation) []Violation {
	if len(m.Accepted) == 0 {
		return violations
	}
	accepted := map[string]bool{}
	for _, name := range m.Accepted {
		accepted[name] = true
	}
	var rest []Violation
	for _, v := range violations {
		if !accepted[v.name()] {
			rest = append(rest, v)
		}
	}
	if len(rest) == 0 && len(violations) >= maxViolations {
		return violations
	}
	return rest
}
