package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
	"github.com/vdbgo/vdb/sqlite"
)

type checkCmd struct {
	DB string `arg:"positional,required" placeholder:"DB" help:"The database."`
}

// Run has the database checked, and indexes that only SQL can evaluate by SQLite.
func (c *checkCmd) Run(ctx context.Context, con *console) error {
	db, err := openExisting(ctx, c.DB, true)
	if err != nil {
		return err
	}
	defer db.Close()
	k := &checking{con: con, db: db, roots: map[vdb.Hash]bool{}}
	progress := bar(con, -1, "check")
	report, err := db.Check(ctx, &vdb.CheckOptions{Progress: func(step string, done, total int64) {
		progress.Describe(step)
		progress.ChangeMax64(total)
		_ = progress.Set64(done)
	}})
	_ = progress.Finish()
	if err != nil {
		return err
	}
	k.print(report)
	if err := k.branches(ctx); err != nil {
		return err
	}
	if k.damage > 0 {
		fmt.Fprintf(con.out, "%d places are damaged; vdb recover makes a new database of what is whole\n", k.damage)
		return errStatus(1)
	}
	fmt.Fprintf(con.out, "ok: %d commits, %d chunks, %d branches\n", report.Commits, report.Reached, k.branchCount)
	return nil
}

// checking is one check.
type checking struct {
	con    *console
	db     *vdb.DB
	damage int
	roots  map[vdb.Hash]bool // contents that were read already, through another branch

	branchCount int64
}

// damaged prints what was found, and lets the check go on.
func (k *checking) damaged(err error) {
	k.damage++
	fmt.Fprintln(k.con.out, err)
}

// print prints what the database's own check has found.
func (k *checking) print(r *vdb.CheckReport) {
	for _, d := range r.Files {
		k.damaged(d)
	}
	for _, c := range r.Chunks {
		k.damaged(fmt.Errorf("chunk %s: %w; %s", c.Address, c.Err, hits(c)))
	}
	for _, w := range r.Wrong {
		k.damaged(fmt.Errorf("%s, table %s: %w", w.Version, w.Table, w.Err))
	}
	for _, v := range r.Violations {
		fmt.Fprintf(k.con.out, "branch %s: %v\n", v.Branch, v.Violation)
	}
}

// hits says what a damaged chunk is part of.
func hits(c vdb.DamagedChunk) string {
	text := fmt.Sprintf("%d commits have it", c.Commits)
	if c.Commits > 0 {
		text += fmt.Sprintf(", %s first and %s last", c.First, c.Last)
	}
	if len(c.Tables) > 0 {
		text += ", in " + strings.Join(c.Tables, ", ")
	}
	if len(c.Refs) > 0 {
		text += "; these refs lead to it: " + strings.Join(c.Refs, ", ")
	}
	return text
}

// branches has SQLite compare what it alone can evaluate, in each branch's working set.
func (k *checking) branches(ctx context.Context) error {
	for info, err := range k.db.Branches(ctx) {
		if err != nil {
			return err
		}
		k.branchCount++
		if err := k.branch(ctx, info.Name); err != nil {
			k.damaged(fmt.Errorf("branch %s: %w", info.Name, err))
		}
	}
	return nil
}

func (k *checking) branch(ctx context.Context, name string) error {
	branch, err := k.db.Branch(ctx, name)
	if err != nil {
		return err
	}
	snapshot, err := branch.Snapshot(ctx)
	if err != nil {
		return err
	}
	if k.roots[snapshot.Root()] {
		return nil
	}
	k.roots[snapshot.Root()] = true
	tables, err := snapshot.Tables()
	if err != nil {
		return err
	}
	bySQL := sqlite.OpenDB(k.db, name, &sqlite.Options{ReadOnly: true})
	defer bySQL.Close()
	for _, table := range tables {
		if err := k.evaluated(ctx, bySQL, name, snapshot, table); err != nil {
			k.damaged(fmt.Errorf("branch %s, table %s: %w", name, table, err))
		}
	}
	return nil
}

// evaluated has SQLite compare the indexes of a table on expressions, or with a WHERE,
// with its rows: it alone can say what their entries are.
func (k *checking) evaluated(ctx context.Context, db *sql.DB, branch string, s *vdb.Snapshot, table string) error {
	schema, err := s.Schema(table)
	if err != nil || !slices.ContainsFunc(schema.Indexes, func(x vdb.Index) bool { return x.SQL != "" }) {
		return err
	}
	rows, err := db.QueryContext(ctx, "PRAGMA integrity_check("+format.QuoteName(table)+")")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var found string
		if err := rows.Scan(&found); err != nil {
			return err
		}
		if isOfIndex(found) {
			k.damaged(fmt.Errorf("branch %s, table %s: %s", branch, table, found))
		}
	}
	return rows.Err()
}

// isOfIndex tells whether SQLite has found that an index is not as its table. A row that
// breaks a rule is no damage: a merge may have been committed with it.
func isOfIndex(found string) bool {
	return found != "ok" && strings.Contains(found, "index") && !strings.Contains(found, "non-unique")
}
