package vdb

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb/nbs"
)

// Errors that errors.Is finds through every layer.
var (
	// ErrNotFound: no such row, table, column, index, branch, tag or revision.
	ErrNotFound = errors.New("not found")
	// ErrExists: a row, table, column, index, branch or tag of that name or key is there already.
	ErrExists = errors.New("already exists")
	// ErrConflict: both sides changed the same thing; see *ConflictError.
	ErrConflict = errors.New("conflict")
	// ErrConstraint: rows break NOT NULL, UNIQUE, a CHECK or a foreign key; see *ConstraintError.
	ErrConstraint = errors.New("constraint violation")
	// ErrNothingToCommit: the working set equals the head.
	ErrNothingToCommit = errors.New("nothing to commit")
	// ErrAmbiguous: a hash prefix fits more than one commit.
	ErrAmbiguous = errors.New("ambiguous revision")
	// ErrInvalid: a name, schema, value or option that is not allowed.
	ErrInvalid = errors.New("invalid")
	// ErrUncommitted: uncommitted changes are in the way.
	ErrUncommitted = errors.New("uncommitted changes are in the way; commit them or ResetHard first")
	// ErrMerging: a merge is in progress; resolve its conflicts and commit, or Abort.
	ErrMerging = errors.New("a merge is in progress; resolve its conflicts and commit, or abort it")
	// ErrNotMerging: there is no merge to abort or resolve.
	ErrNotMerging = errors.New("no merge is in progress")
	// ErrTxDone: the transaction has ended.
	ErrTxDone = errors.New("the transaction has ended")
	// ErrNotDatabase: the directory holds something else, or nothing where none can
	// be made.
	ErrNotDatabase = nbs.ErrNotStore
	// ErrNewerFormat: the database was written by a newer version of this module.
	ErrNewerFormat = nbs.ErrNewerFormat
	// ErrReadOnly: the database, transaction or snapshot cannot be written.
	ErrReadOnly = nbs.ErrReadOnly
	// ErrNeedsSQL: what the rows must obey, what an index holds of them or a trigger
	// does, only SQL can evaluate; and definitions that are texts only it can change.
	ErrNeedsSQL = errors.New("only SQL can evaluate this: import package sqlite")
	// ErrNotPurged: what was to be forgotten is still stored.
	ErrNotPurged = errors.New("purged rows are still stored; end what was begun before, and purge again")
	// ErrClosed: the database has been closed.
	ErrClosed = nbs.ErrClosed
)

// DamageError tells in which file of the database, and where in it, bytes are not
// what was written. It is in the chain of what Damage returns, and of errors of
// reads that met damage.
type DamageError = nbs.DamageError

// Conflict is a row, or a table's schema, that both sides changed differently.
type Conflict struct {
	Table string
	// Key holds the values of the primary key; nil where the schema is in conflict.
	Key []Value
	// Base, Ours and Theirs are the row on each side, nil where it is absent,
	// in the column order of the merged schema.
	Base, Ours, Theirs Row
	// Merged is the row with all that could be merged, by policies too, and ours
	// in Columns: where a function that resolves the conflict best starts. It is
	// nil where one side deleted the row.
	Merged Row
	// Columns names the columns on which the sides disagree; empty when one
	// side deleted the row.
	Columns []string
	// Reason is set for a schema conflict and says what collided.
	Reason string
}

// String names the table, the row and the columns, or says what collided.
func (c Conflict) String() string {
	if c.Reason != "" {
		return fmt.Sprintf("table %s: %s", c.Table, c.Reason)
	}
	s := fmt.Sprintf("table %s, row %s", c.Table, formatValues(c.Key))
	if len(c.Columns) > 0 {
		s += ": " + strings.Join(c.Columns, ", ")
	}
	return s
}

// ConflictError reports the rows, or schemas, that both sides changed. It is an ErrConflict.
type ConflictError struct {
	Op        string
	Conflicts []Conflict
}

// Error prints the number of conflicts and the first few of them.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("vdb: %s: %s", e.Op, summary(len(e.Conflicts), "conflict", func(i int) string { return e.Conflicts[i].String() }))
}

// Is makes a ConflictError an ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// ViolationKind names the rule that a row breaks.
type ViolationKind string

// The rules that rows can break.
const (
	ViolatesNotNull    ViolationKind = "NOT NULL"
	ViolatesUnique     ViolationKind = "UNIQUE"
	ViolatesForeignKey ViolationKind = "FOREIGN KEY"
	ViolatesCheck      ViolationKind = "CHECK"
)

// Violation is a row that breaks a rule of its table's schema.
type Violation struct {
	Kind  ViolationKind
	Table string
	// Key holds the values of the row's primary key.
	Key []Value
	// Columns are those of the rule, and Values what the row holds in them.
	Columns []string
	Values  []Value
	// Other names the parent table of a foreign key, a CHECK, or a unique index of
	// expressions or with a WHERE.
	Other string
}

// String names the rule, the table and the row, and what breaks the rule.
func (v Violation) String() string {
	if v.Kind == ViolatesCheck {
		return fmt.Sprintf("CHECK %s of table %s, row %s", v.Other, v.Table, formatValues(v.Key))
	}
	if v.Kind == ViolatesUnique && v.Other != "" {
		return fmt.Sprintf("UNIQUE index %s of table %s, row %s: another row has the same entry", v.Other, v.Table, formatValues(v.Key))
	}
	s := fmt.Sprintf("%s of table %s (%s), row %s", v.Kind, v.Table, strings.Join(v.Columns, ", "), formatValues(v.Key))
	switch v.Kind {
	case ViolatesForeignKey:
		s += fmt.Sprintf(": no row %s in %s", formatValues(v.Values), v.Other)
	case ViolatesUnique:
		s += fmt.Sprintf(": another row has %s too", formatValues(v.Values))
	}
	return s
}

// ConstraintError reports the rows that break a rule. It is an ErrConstraint.
type ConstraintError struct {
	Op         string
	Violations []Violation
}

// Error prints the number of violations and the first few of them.
func (e *ConstraintError) Error() string {
	return fmt.Sprintf("vdb: %s: %s", e.Op, summary(len(e.Violations), "constraint violation", func(i int) string { return e.Violations[i].String() }))
}

// Is makes a ConstraintError an ErrConstraint.
func (e *ConstraintError) Is(target error) bool { return target == ErrConstraint }

// summary prints the number of things and the first few of them.
func summary(n int, what string, item func(int) string) string {
	const shown = 3
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", n, what)
	if n != 1 {
		b.WriteByte('s')
	}
	for i := range min(n, shown) {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		b.WriteString(sep + item(i))
	}
	if n > shown {
		b.WriteString("; …")
	}
	return b.String()
}

func formatValues(vals []Value) string {
	parts := make([]string, len(vals))
	for i, v := range vals {
		parts[i] = v.String()
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// formatKey prints the key that a caller gave.
func formatKey(key []any) string {
	vals, err := valuesOf(key)
	if err != nil {
		return fmt.Sprint(key)
	}
	return formatValues(vals)
}

// opError names the operation and the object in err. An error that lists rows
// is given the name, so that it does not have two.
func opError(op string, err error) error {
	switch e := err.(type) {
	case nil:
		return nil
	case lostRace:
		return lostRace{opError(op, e.error)}
	case *ConflictError:
		return &ConflictError{Op: op, Conflicts: e.Conflicts}
	case *ConstraintError:
		return &ConstraintError{Op: op, Violations: e.Violations}
	}
	return fmt.Errorf("vdb: %s: %w", op, err)
}

// invalidf is an ErrInvalid with a reason.
func invalidf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrInvalid)
}
