package module

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb/internal/native"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// plan is what xBestIndex chose and xFilter does. Between the two it is a text of
// numbers that SQLite keeps with the statement: the columns used, then for each
// value that xFilter gets its column and SQLite's number of the operator.
type plan struct {
	used  uint64
	terms []term
}

type term struct {
	column int
	op     int
}

// String returns the text of a plan.
func (p plan) String() string {
	text := strconv.AppendUint(nil, p.used, 10)
	for _, t := range p.terms {
		text = strconv.AppendInt(append(text, ' '), int64(t.column), 10)
		text = strconv.AppendInt(append(text, ' '), int64(t.op), 10)
	}
	return string(text)
}

// parsePlan reads what String wrote.
func parsePlan(text string) (p plan, err error) {
	fields := strings.Fields(text)
	if len(fields)%2 == 0 {
		return p, fmt.Errorf("module: plan %q is damaged", text)
	}
	if p.used, err = strconv.ParseUint(fields[0], 10, 64); err != nil {
		return p, fmt.Errorf("module: plan %q is damaged: %w", text, err)
	}
	for i := 1; i < len(fields); i += 2 {
		column, err1 := strconv.Atoi(fields[i])
		op, err2 := strconv.Atoi(fields[i+1])
		if err1 != nil || err2 != nil {
			return p, fmt.Errorf("module: plan %q is damaged", text)
		}
		p.terms = append(p.terms, term{column, op})
	}
	return p, nil
}

func xBestIndex(tls *libc.TLS, p, info uintptr) int32 {
	t := tableAt(p)
	c := choice{tls: tls, table: t, info: native.At[lib.Tsqlite3_index_info](info), infoAt: info, rows: 1e6}
	ok, err := c.choose()
	if err != nil {
		return fail(tls, p, err)
	}
	if !ok {
		return lib.SQLITE_CONSTRAINT // this order of tables gives an argument no value
	}
	return c.write()
}

// choice is the work of one xBestIndex.
type choice struct {
	tls    *libc.TLS
	table  *connected
	info   *lib.Tsqlite3_index_info
	infoAt uintptr
	plan   plan
	rows   float64 // estimated
}

// choose takes every condition that can be used, and returns false if an argument
// has no value yet.
func (c *choice) choose() (ok bool, err error) {
	defer guard(&err, "plan a query of", c.table.name)
	c.plan.used = uint64(c.info.FcolUsed)
	given := make([]bool, len(c.table.columns))
	later := make([]bool, len(c.table.columns)) // known in another order of tables
	for i := range int(c.info.FnConstraint) {
		constraint := native.Index[lib.Tsqlite3_index_constraint](c.info.FaConstraint, i)
		column, usable := int(constraint.FiColumn), constraint.Fusable != 0
		switch {
		case column < 0: // the rowid
		case !c.table.columns[column].Hidden:
			if usable && c.canPush(i, column, constraint.Fop) {
				c.take(i, column, false)
				c.estimate(column, constraint.Fop)
			}
		case isEquality(constraint.Fop) && !usable:
			later[column] = true
		case isEquality(constraint.Fop) && !given[column]:
			// The argument is not tested again: f(NULL) has rows. If there is a second
			// condition, that one is tested against the argument.
			c.take(i, column, true)
			given[column] = true
		}
	}
	for column := range later {
		if later[column] && !given[column] {
			return false, nil
		}
	}
	return true, c.table.checkRequired(given)
}

func isEquality(op uint8) bool {
	return op == lib.SQLITE_INDEX_CONSTRAINT_EQ || op == lib.SQLITE_INDEX_CONSTRAINT_IS
}

// take has SQLite pass the value of condition i to xFilter.
func (c *choice) take(i, column int, omit bool) {
	constraint := native.Index[lib.Tsqlite3_index_constraint](c.info.FaConstraint, i)
	usage := native.Index[lib.Tsqlite3_index_constraint_usage](c.info.FaConstraintUsage, i)
	c.plan.terms = append(c.plan.terms, term{column, int(constraint.Fop)})
	usage.FargvIndex = int32(len(c.plan.terms))
	if omit {
		usage.Fomit = 1
	}
}

// canPush reports whether a condition may come to Scan.
func (c *choice) canPush(i, column int, op uint8) bool {
	need := PushEQ
	switch op {
	case lib.SQLITE_INDEX_CONSTRAINT_ISNULL:
		return c.table.columns[column].Push >= need
	case lib.SQLITE_INDEX_CONSTRAINT_EQ, lib.SQLITE_INDEX_CONSTRAINT_IS:
	case lib.SQLITE_INDEX_CONSTRAINT_GT, lib.SQLITE_INDEX_CONSTRAINT_GE,
		lib.SQLITE_INDEX_CONSTRAINT_LT, lib.SQLITE_INDEX_CONSTRAINT_LE:
		need = PushRange
	default:
		return false
	}
	return c.table.columns[column].Push >= need && c.sameCollation(i, column)
}

// sameCollation reports whether condition i compares texts as its column does. If
// not, a scan would leave out rows that the condition means.
func (c *choice) sameCollation(i, column int) bool {
	own := c.table.columns[column].Collation
	if own == "" {
		own = "BINARY"
	}
	return strings.EqualFold(own, libc.GoString(lib.Xsqlite3_vtab_collation(c.tls, c.infoAt, int32(i))))
}

// estimate tells SQLite's planner how much a condition helps.
func (c *choice) estimate(column int, op uint8) {
	switch {
	case isEquality(op) && c.table.columns[column].Unique:
		c.rows = min(c.rows, 2)
	case isEquality(op), op == lib.SQLITE_INDEX_CONSTRAINT_ISNULL:
		c.rows = max(c.rows/100, 2)
	default:
		c.rows = max(c.rows/4, 2)
	}
}

// write tells SQLite of the plan.
func (c *choice) write() int32 {
	text := native.CString(c.tls, c.plan.String())
	if text == 0 {
		return lib.SQLITE_NOMEM
	}
	c.info.FidxStr, c.info.FneedToFreeIdxStr = text, 1
	c.info.FestimatedRows = lib.Tsqlite3_int64(c.rows)
	c.info.FestimatedCost = c.rows + 10 // a scan that finds nothing costs something, too
	return lib.SQLITE_OK
}

// checkRequired refuses a query without an argument that must be given.
func (t *connected) checkRequired(given []bool) error {
	var names []string
	missing := ""
	for i, column := range t.columns {
		if !column.Hidden {
			continue
		}
		names = append(names, column.Name)
		if column.Required && !given[i] && missing == "" {
			missing = column.Name
		}
	}
	if missing == "" {
		return nil
	}
	return fmt.Errorf("%s needs its argument %s: write %s(%s)", t.name, missing, t.name, strings.Join(names, ", "))
}
