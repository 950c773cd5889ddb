package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
)

// equalRoot tells whether a database into which the contents are copied, object by
// object, has the same root. The twins are closed, but for the database of ours.
func (w *twins) equalRoot(dir string) error {
	fresh := &twins{dir: dir}
	fresh.ours.ctx, fresh.plain.ctx = w.ours.ctx, w.plain.ctx
	if err := fresh.open(); err != nil {
		return err
	}
	err := fresh.copy(filepath.Join(w.dir, "plain.db"), w.typed)
	if err == nil {
		err = equalRoots(w, fresh)
	}
	return errors.Join(err, fresh.close())
}

func equalRoots(a, b *twins) error {
	s, err := a.snapshot()
	if err != nil {
		return err
	}
	other, err := b.snapshot()
	if err != nil || s.Root() == other.Root() {
		return err
	}
	tables, err := s.Tables()
	for _, table := range tables {
		was, e := s.TableHash(table)
		is, f := other.TableHash(table)
		if err = errors.Join(err, e, f); was != is {
			x, e := s.Schema(table)
			y, f := other.Schema(table)
			return errors.Join(err, e, f, fmt.Errorf("table %s, built anew, has another hash:\n%+v\n%+v", table, x, y))
		}
	}
	return errors.Join(err, fmt.Errorf("built anew the database has root %s, not %s", other.Root(), s.Root()))
}

func (w *twins) snapshot() (*vdb.Snapshot, error) {
	main, err := w.vdb.Branch(w.ours.ctx, vdb.MainBranch)
	if err != nil {
		return nil, err
	}
	return main.Snapshot(w.ours.ctx)
}

// copy copies a plain database, and as many rows of the side table.
func (w *twins) copy(plain string, rows int) error {
	for range rows {
		if err := w.side(); err != nil {
			return err
		}
	}
	s := &w.ours
	if err := s.exec("ATTACH '"+plain+"' AS plain", "PRAGMA ignore_check_constraints = 1", "BEGIN"); err != nil {
		return err
	}
	objects, err := s.conn.QueryContext(s.ctx, "SELECT type, name, sql FROM plain.sqlite_schema WHERE sql IS NOT NULL")
	if err != nil {
		return err
	}
	list, err := scanTexts(objects)
	if err != nil {
		return err
	}
	order := []string{"table", "index", "view", "trigger"}
	slices.SortStableFunc(list, func(a, b []string) int {
		return cmp.Or(slices.Index(order, a[0])-slices.Index(order, b[0]), strings.Compare(b[1], a[1]))
	})
	for _, o := range list {
		if err := s.copyObject(o[0], o[1], o[2]); err != nil {
			return fmt.Errorf("%s: %w", o[2], err)
		}
	}
	return s.copySettings()
}

func (s *side) copySettings() error {
	for _, name := range []string{"user_version", "application_id"} {
		value, err := s.strings("PRAGMA plain." + name)
		if err == nil {
			err = s.exec("PRAGMA " + name + " = " + value[0])
		}
		if err != nil {
			return err
		}
	}
	return s.exec("COMMIT")
}

func (s *side) exec(statements ...string) error {
	for _, q := range statements {
		if _, err := s.conn.ExecContext(s.ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

func (s *side) copyObject(kind, name, sql string) error {
	switch {
	case name == "sqlite_sequence":
		if err := s.exec("CREATE TABLE vdb_seq(a INTEGER PRIMARY KEY AUTOINCREMENT)", "DROP TABLE vdb_seq"); err != nil {
			return err
		}
	default:
		if err := s.exec(sql); err != nil || kind != "table" {
			return err
		}
	}
	return s.copyRows(name)
}

func (s *side) copyRows(table string) error {
	columns, err := s.strings("SELECT name FROM pragma_table_xinfo(?, 'plain') WHERE hidden = 0", table)
	if err != nil {
		return err
	}
	list := quoteAll(columns)
	if without, err := s.strings("SELECT wr FROM pragma_table_list WHERE schema = 'plain' AND name = ?", table); err != nil {
		return err
	} else if without[0] == "0" {
		list = "rowid, " + list
	}
	return s.exec(fmt.Sprintf("DELETE FROM main.%s", quote(table)),
		fmt.Sprintf("INSERT INTO main.%s(%s) SELECT %s FROM plain.%s", quote(table), list, list, quote(table)))
}

// canCopy tells whether copy makes the same: of virtual tables and statistics it
// does not.
func (w *twins) canCopy() bool {
	tables, err := w.plain.strings("SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL%' OR name LIKE 'sqlite_stat%'")
	return err == nil && len(tables) == 0
}

// indexesAgree tells whether each index leads to all rows of its table, for the
// indexes that are read without SQL.
func (w *twins) indexesAgree() error {
	s, err := w.snapshot()
	if err != nil {
		return err
	}
	tables, err := s.Tables()
	if err != nil {
		return err
	}
	for _, table := range tables {
		schema, err := s.Schema(table)
		if err != nil {
			return err
		}
		want, err := sortedRows(s, table, "")
		if err != nil {
			return err
		}
		for _, x := range schema.Indexes {
			if x.Partial || slices.ContainsFunc(x.Columns, func(c vdb.IndexColumn) bool { return c.Name == "" }) {
				continue
			}
			if got, err := sortedRows(s, table, x.Name); err != nil || !slices.Equal(got, want) {
				return fmt.Errorf("table %s has %d rows, by index %s %d, or others: %v", table, len(want), x.Name, len(got), err)
			}
		}
	}
	return nil
}

func sortedRows(s *vdb.Snapshot, table, index string) (rows []string, err error) {
	for row, err := range s.Rows(table, vdb.Range{Index: index}) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, fmt.Sprintf("%q", fmt.Sprint(row)))
	}
	slices.Sort(rows)
	return rows, nil
}
