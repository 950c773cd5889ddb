package sqlite

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
)

var restoreCommand = &command{
	name: "dolt_restore", usage: "a table ('*' for all), a revision, and conditions 'column = value' or the values of a key", least: 2, most: -1, blank: true,
	flags: []flag{
		{long: "key", value: "value", many: true}, {long: "where", value: "'column = value'", many: true},
		{long: "follow"}, {long: "exact"}, {long: "dry-run", short: "n"}, flagMessage, flagAuthor, flagDate,
	},
}

// doltRestore puts rows back as they were at a revision and touches nothing else:
//
//	SELECT dolt_restore('customers', 'HEAD~3', 'c042', '--follow', '--dry-run')
//	SELECT dolt_restore('customers', 'HEAD~3', 'region = ?', 'north', '-m', 'North is back')
//	SELECT dolt_restore('*', 'v1', 'cust_id = c042')
//
// With --follow the rows that depend on them come back too, with --exact rows
// that came since are removed. With -m the rows are committed, and they alone.
// The result says, as JSON, how many rows of each table were, or would be, put
// back.
func doltRestore(s *session, args []any) (any, error) {
	in, err := restoreCommand.parse(args)
	if err != nil {
		return nil, err
	}
	r, err := in.restore(s)
	if err != nil {
		return nil, err
	}
	var done *vdb.Restored
	err = s.outside(func(ctx context.Context, b *vdb.Branch) error {
		done, err = b.Restore(ctx, *r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return restoredJSON(r, done)
}

func (in *invocation) restore(s *session) (*vdb.Restore, error) {
	if len(in.args) < 2 || in.arg(0, "") == "" || in.arg(1, "") == "" {
		return nil, in.misused()
	}
	r := &vdb.Restore{
		Table: in.arg(0, ""), From: in.arg(1, ""), Where: map[string]any{}, CountOnly: true,
		Follow: in.has("follow"), Exact: in.has("exact"), DryRun: in.has("dry-run"),
	}
	if r.Table == "*" {
		r.Table = ""
	}
	if err := in.selectRows(r); err != nil {
		return nil, err
	}
	if !in.has("message") {
		return r, nil
	}
	m, err := in.message(s)
	r.Message = &m
	return r, err
}

// selectRows reads the conditions and keys.
func (in *invocation) selectRows(r *vdb.Restore) error {
	r.Range.Prefix = append(r.Range.Prefix, in.values["key"]...)
	for _, w := range in.values["where"] {
		c, ok := parseCondition(textOf(w))
		if !ok || c.open {
			return fmt.Errorf("dolt_restore: %q is no condition of the form column = value", textOf(w))
		}
		if err := c.add(r); err != nil {
			return err
		}
	}
	rest := in.args[2:]
	for i := 0; i < len(rest); i++ {
		text, _ := rest[i].(string)
		c, ok := parseCondition(text)
		switch {
		case !ok:
			r.Range.Prefix = append(r.Range.Prefix, rest[i])
			continue
		case c.open && i+1 == len(rest):
			return fmt.Errorf("dolt_restore: no argument for the ? of %q", text)
		case c.open:
			i++
			c.value = rest[i]
		}
		if err := c.add(r); err != nil {
			return err
		}
	}
	if r.Table == "" && len(r.Range.Prefix) > 0 {
		return fmt.Errorf("dolt_restore: a key needs a table; to restore all tables give a condition such as 'cust_id = c042'")
	}
	return nil
}

// restoredTable is how many rows of a table were put back.
type restoredTable struct {
	Added    uint64 `json:"added"`
	Deleted  uint64 `json:"deleted"`
	Modified uint64 `json:"modified"`
}

func restoredJSON(r *vdb.Restore, done *vdb.Restored) (any, error) {
	result := struct {
		Commit string                   `json:"commit,omitempty"`
		DryRun bool                     `json:"dry_run,omitempty"`
		Rows   map[string]restoredTable `json:"rows"`
		Tables []string                 `json:"tables,omitempty"`
	}{DryRun: r.DryRun, Rows: map[string]restoredTable{}, Tables: done.Tables}
	if done.Commit != nil {
		result.Commit = done.Commit.Hash.String()
	}
	for table, n := range done.Counts {
		if n.Total() > 0 {
			result.Rows[table] = restoredTable(n)
		}
	}
	return encodeJSON(result)
}
