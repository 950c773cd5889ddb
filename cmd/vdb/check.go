package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/sqlite"
)

type checkCmd struct {
	DB string `arg:"" help:"The database."`
}

// Run reads every chunk that is stored and holds it against its hash; then what the
// chunks say: every row and index entry of each branch, and each commit's differences.
func (c *checkCmd) Run(ctx context.Context, con *console) error {
	db, err := openExisting(ctx, c.DB, true)
	if err != nil {
		return err
	}
	defer db.Close()
	k := &checking{con: con, db: db, bar: bar(con, -1, "check"), roots: map[vdb.Hash]bool{}}
	if err := k.chunks(ctx, c.DB); err != nil {
		return err
	}
	k.commits(ctx)
	k.branches(ctx)
	_ = k.bar.Finish()
	if k.damage > 0 {
		fmt.Fprintf(con.out, "%d places are damaged; vdb export saves what can be read of a version, and a backup of the directory has the rest\n", k.damage)
		return errStatus(1)
	}
	fmt.Fprintf(con.out, "ok: %d commits, %d branches, %d rows\n", k.commitCount, k.branchCount, k.rowCount)
	return nil
}

// checking is one check.
type checking struct {
	con    *console
	db     *vdb.DB
	bar    *progressbar.ProgressBar
	damage int
	roots  map[vdb.Hash]bool // contents that were read already, through another branch

	commitCount, branchCount, rowCount int64
}

// damaged prints what was found, and lets the check go on.
func (k *checking) damaged(err error) {
	k.damage++
	fmt.Fprintln(k.con.out, err)
}

// chunks checks the store, which knows nothing of rows.
func (k *checking) chunks(ctx context.Context, path string) error {
	store, err := nbs.Open(ctx, path, &nbs.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer store.Close()
	for damage, err := range store.Check(ctx) {
		if err != nil {
			return err
		}
		k.damaged(damage)
	}
	return nil
}

// commits reads what each commit changed.
func (k *checking) commits(ctx context.Context) {
	for commit, err := range k.db.Commits(ctx, nil, nil) {
		if err != nil {
			k.damaged(err)
			return
		}
		k.commitCount++
		diff := k.db.Show(ctx, commit.Hash.String())
		for table, err := range diff.Tables() {
			if err != nil {
				k.damaged(fmt.Errorf("commit %s: %w", commit.Short(), err))
				break
			}
			k.changes(commit, diff, table.Name())
		}
	}
}

func (k *checking) changes(commit *vdb.Commit, diff *vdb.Diff, table string) {
	for _, err := range diff.Rows(table) {
		if err != nil {
			k.damaged(fmt.Errorf("commit %s, table %s: %w", commit.Short(), table, err))
			return
		}
		_ = k.bar.Add(1)
	}
}

// branches reads the rows and indexes of each branch's working set.
func (k *checking) branches(ctx context.Context) {
	for info, err := range k.db.Branches(ctx) {
		if err != nil {
			k.damaged(err)
			return
		}
		k.branchCount++
		if err := k.branch(ctx, info.Name); err != nil {
			k.damaged(fmt.Errorf("branch %s: %w", info.Name, err))
		}
	}
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
		if err := k.table(name, snapshot, table); err != nil {
			k.damaged(fmt.Errorf("branch %s, table %s: %w", name, table, err))
		}
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

// table reads a table by its key and by each index, which must have as many rows. An
// index that only SQL can evaluate is left to evaluated.
func (k *checking) table(branch string, s *vdb.Snapshot, table string) error {
	schema, err := s.Schema(table)
	if err != nil {
		return err
	}
	rows, err := k.read(s, table, vdb.Range{})
	if err != nil {
		return err
	}
	k.rowCount += rows
	for _, x := range schema.Indexes {
		if x.SQL != "" {
			continue // see evaluated
		}
		n, err := k.read(s, table, vdb.Range{Index: x.Name})
		if err != nil {
			return fmt.Errorf("index %s: %w", x.Name, err)
		}
		if n != rows {
			k.damaged(fmt.Errorf("branch %s, table %s: index %s has %d entries for %d rows", branch, table, x.Name, n, rows))
		}
	}
	return nil
}

func (k *checking) read(s *vdb.Snapshot, table string, r vdb.Range) (n int64, err error) {
	for _, err := range s.Rows(table, r) {
		if err != nil {
			return n, err
		}
		n++
		_ = k.bar.Add(1)
	}
	return n, nil
}
