package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	vdbsql "github.com/vdbgo/vdb/sqlite"
	engine "modernc.org/sqlite"
)

// busy tells whether a statement may be run again.
func busy(err error) bool {
	var e *engine.Error
	return errors.As(err, &e) && e.Code()&0xff == 5
}

// Transfers in SQL and through the typed API, schema changes, commits, branches and
// merges at once: no money is made or lost, whoever looks, and every index agrees
// with its table.
func TestEverythingAtOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	v, err := vdb.Open(ctx, filepath.Join(t.TempDir(), "x.vdb"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	db := vdbsql.OpenDB(v, "main")
	defer db.Close()
	const accounts, start = 400, 100
	for _, s := range []string{
		"CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, note TEXT)",
		"CREATE INDEX by_balance ON accounts(balance)",
		"CREATE TABLE log(id INTEGER PRIMARY KEY AUTOINCREMENT, who TEXT)",
		fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d) INSERT INTO accounts SELECT i, %d, 'account ' || i FROM n", accounts, start),
		"SELECT dolt_commit('-Am', 'accounts')",
	} {
		if _, err := db.ExecContext(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	run := func(group *sync.WaitGroup, seed uint64, times int, step func(r *rand.Rand, i int) error) {
		group.Go(func() {
			r := rand.New(rand.NewPCG(seed, 7))
			for i := range times {
				for ctx.Err() == nil {
					err := step(r, i)
					if err == nil {
						break
					}
					if !busy(err) && !errors.Is(err, vdb.ErrConflict) && !strings.Contains(err.Error(), "database schema has changed") {
						t.Errorf("step %d of seed %d: %v", i, seed, err)
						return
					}
				}
			}
		})
	}
	check := func(db *sql.DB) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		var sum, n, indexed int
		if err := tx.QueryRowContext(ctx, "SELECT sum(balance), count(*), (SELECT count(*) FROM accounts WHERE balance > -1000000) FROM accounts").Scan(&sum, &n, &indexed); err != nil {
			return err
		}
		if sum != accounts*start || n != accounts || indexed != accounts {
			t.Errorf("%d in %d accounts, %d by index", sum, n, indexed)
		}
		var sound string
		if err := tx.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&sound); err != nil {
			return err
		}
		if sound != "ok" {
			t.Error(sound)
		}
		return nil
	}
	var group sync.WaitGroup
	for w := range uint64(3) {
		run(&group, w, 60, func(r *rand.Rand, i int) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			from, to, sum := 1+r.IntN(accounts), 1+r.IntN(accounts), r.IntN(20)
			for _, step := range []struct {
				sql  string
				args []any
			}{
				{"UPDATE accounts SET balance = balance - ? WHERE id = ?", []any{sum, from}},
				{"UPDATE accounts SET balance = balance + ? WHERE id = ?", []any{sum, to}},
				{"INSERT INTO log(who) VALUES(?)", []any{fmt.Sprint(w, i, strings.Repeat("x", r.IntN(3000)))}},
			} {
				if _, err := tx.ExecContext(ctx, step.sql, step.args...); err != nil {
					return err
				}
			}
			return tx.Commit()
		})
	}
	main, err := v.Branch(ctx, "main")
	if err != nil {
		t.Fatal(err)
	}
	run(&group, 10, 60, func(r *rand.Rand, i int) error {
		return main.Update(ctx, func(tx *vdb.Tx) error {
			for _, sign := range []int64{1, -1} {
				row, err := tx.Get("accounts", 1+r.IntN(accounts))
				if err != nil {
					return err
				}
				if row[1], err = vdb.ValueOf(row[1].Int() + sign*5); err != nil {
					return err
				}
				if err := tx.Put("accounts", row); err != nil {
					return err
				}
			}
			return nil
		})
	})
	run(&group, 20, 8, func(r *rand.Rand, i int) error {
		for _, s := range []string{fmt.Sprintf("CREATE TABLE extra%d(a TEXT PRIMARY KEY, b)", i), fmt.Sprintf("INSERT INTO extra%d VALUES('a', 1)", i),
			fmt.Sprintf("CREATE INDEX extra_b%d ON extra%d(b)", i, i), fmt.Sprintf("DROP TABLE extra%d", i)} {
			for {
				_, err := db.ExecContext(ctx, s)
				if err == nil {
					break
				}
				if !busy(err) {
					return err
				}
			}
		}
		return nil
	})
	run(&group, 30, 10, func(r *rand.Rand, i int) error {
		_, err := main.Commit(ctx, vdb.Message{Text: "now", AllowEmpty: true})
		return err
	})
	run(&group, 40, 30, func(*rand.Rand, int) error { return check(db) })
	group.Wait()
	if err := check(db); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := db.QueryRow("SELECT count(*) FROM log").Scan(&rows); err != nil || rows != 180 {
		t.Fatal(rows, err)
	}
}
