package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/vdbgo/vdb/sqlite"
)

// benchRows is how many rows the large table of a benchmark has.
const benchRows = 200_000

// peers opens the same data through this driver and through SQLite's own, with
// page caches of the same size, each write durable.
func peers(b *testing.B, run func(b *testing.B, db *sql.DB)) {
	dir := b.TempDir()
	for _, p := range []struct{ name, driver, dsn string }{
		{"vdb", "vdb", "file:" + filepath.Join(dir, "bench.vdb") + "?_pragma=cache_size(-16000)"},
		{"sqlite", "sqlite", "file:" + filepath.Join(dir, "bench.db") + "?_pragma=cache_size(-16000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)"},
	} {
		b.Run(p.name, func(b *testing.B) {
			db, err := sql.Open(p.driver, p.dsn)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			db.SetMaxOpenConns(1)
			fillBench(b, db)
			b.ReportAllocs()
			begin := cpuTime()
			run(b, db)
			b.ReportMetric(float64((cpuTime()-begin).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// fillBench makes the tables, unless they are there.
func fillBench(b *testing.B, db *sql.DB) {
	b.Helper()
	var n int
	if db.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(&n); n > 0 {
		return
	}
	for _, q := range []string{
		"CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, region INTEGER, balance REAL)",
		"CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, item TEXT, amount REAL, note TEXT)",
		"CREATE TABLE codes(code TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 5000) INSERT INTO customers SELECT i, 'customer ' || i, i % 17, i * 1.5 FROM n",
		fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d) INSERT INTO orders SELECT i, i * 7919 %% 5000 + 1, 'item ' || (i * 31 %% 1000), i * 0.25, 'a note of some length about order ' || i FROM n", benchRows),
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 50000) INSERT INTO codes SELECT printf('code %08d', i * 7919 % 50000), i FROM n",
		"CREATE INDEX orders_by_customer ON orders(customer)",
	} {
		if _, err := db.Exec(q); err != nil {
			b.Fatal(q, err)
		}
	}
}

// benchQuery runs a prepared query with an argument from next and reads its rows.
func benchQuery(b *testing.B, query string, next func(r *rand.Rand) any) {
	peers(b, func(b *testing.B, db *sql.DB) {
		s, err := db.Prepare(query)
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		r := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			rows, err := s.Query(next(r))
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for rows.Next() {
				n++
			}
			if err := rows.Err(); err != nil || n == 0 {
				b.Fatal(n, err)
			}
			rows.Close()
		}
	})
}

func BenchmarkReadPoint(b *testing.B) {
	benchQuery(b, "SELECT item, amount FROM orders WHERE id = ?", func(r *rand.Rand) any { return r.IntN(benchRows) + 1 })
}

func BenchmarkReadPointText(b *testing.B) {
	benchQuery(b, "SELECT value FROM codes WHERE code = ?", func(r *rand.Rand) any { return fmt.Sprintf("code %08d", r.IntN(50000)) })
}

func BenchmarkReadRange(b *testing.B) {
	benchQuery(b, "SELECT id, item, amount FROM orders WHERE id >= ? LIMIT 100", func(r *rand.Rand) any { return r.IntN(benchRows-100) + 1 })
}

func BenchmarkReadIndex(b *testing.B) {
	benchQuery(b, "SELECT id, item, amount FROM orders WHERE customer = ?", func(r *rand.Rand) any { return r.IntN(5000) + 1 })
}

func BenchmarkReadIndexCovering(b *testing.B) {
	benchQuery(b, "SELECT count(*) FROM orders WHERE customer BETWEEN ?1 AND ?1 + 50", func(r *rand.Rand) any { return r.IntN(4900) + 1 })
}

func BenchmarkReadScan(b *testing.B) {
	benchQuery(b, "SELECT sum(amount) FROM orders WHERE id > ?", func(*rand.Rand) any { return 0 })
}

func BenchmarkReadGroupBy(b *testing.B) {
	benchQuery(b, "SELECT item, count(*), sum(amount) FROM orders WHERE id > ? GROUP BY item", func(*rand.Rand) any { return 0 })
}

func BenchmarkReadJoin(b *testing.B) {
	benchQuery(b, "SELECT c.region, sum(o.amount) FROM customers c JOIN orders o ON o.customer = c.id WHERE c.region = ? GROUP BY 1", func(r *rand.Rand) any { return r.IntN(17) })
}

// benchBatch runs fn a thousand times in one transaction.
func benchBatch(b *testing.B, query string, args func(r *rand.Rand, n int) []any) {
	peers(b, func(b *testing.B, db *sql.DB) {
		r := rand.New(rand.NewPCG(3, 4))
		n := 10 * benchRows
		for b.Loop() {
			tx, err := db.Begin()
			if err != nil {
				b.Fatal(err)
			}
			s, err := tx.PrepareContext(context.Background(), query)
			if err != nil {
				b.Fatal(err)
			}
			for range 1000 {
				n++
				if _, err := s.Exec(args(r, n)...); err != nil {
					b.Fatal(err)
				}
			}
			s.Close()
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBatchInsert(b *testing.B) {
	benchBatch(b, "INSERT OR REPLACE INTO orders VALUES(?, ?, 'an item', 1.5, 'a note that is written')", func(r *rand.Rand, n int) []any { return []any{n, r.IntN(5000)} })
}

func BenchmarkBatchUpdate(b *testing.B) {
	benchBatch(b, "UPDATE orders SET amount = amount + 1 WHERE id = ?", func(r *rand.Rand, n int) []any { return []any{r.IntN(benchRows) + 1} })
}

// benchEach runs a statement by itself.
func benchEach(b *testing.B, query string, args func(r *rand.Rand, n int) []any) {
	peers(b, func(b *testing.B, db *sql.DB) {
		s, err := db.Prepare(query)
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		r := rand.New(rand.NewPCG(5, 6))
		n := 20 * benchRows
		for b.Loop() {
			n++
			if _, err := s.Exec(args(r, n)...); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEachInsert(b *testing.B) {
	benchEach(b, "INSERT OR REPLACE INTO orders VALUES(?, ?, 'an item', 1.5, 'a note that is written')", func(r *rand.Rand, n int) []any { return []any{n, r.IntN(5000)} })
}

func BenchmarkEachUpdate(b *testing.B) {
	benchEach(b, "UPDATE orders SET amount = amount + 1 WHERE id = ?", func(r *rand.Rand, n int) []any { return []any{r.IntN(benchRows) + 1} })
}

// BenchmarkVersions reads the past, and other branches, of the large table.
func BenchmarkVersions(b *testing.B) {
	db, err := sql.Open("vdb", "file:"+filepath.Join(b.TempDir(), "bench.vdb"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	fillBench(b, db)
	for _, q := range []string{
		"SELECT dolt_commit('-Am', 'all')", "SELECT dolt_branch('other')",
		"UPDATE orders SET amount = amount + 1 WHERE id % 1000 = 0", "SELECT dolt_commit('-am', 'some')",
	} {
		if _, err := db.Exec(q); err != nil {
			b.Fatal(q, err)
		}
	}
	r := rand.New(rand.NewPCG(7, 8))
	read := func(b *testing.B, query string, arg int) {
		var n float64
		if err := db.QueryRow(query, arg).Scan(&n); err != nil {
			b.Fatal(err)
		}
	}
	for _, q := range []struct{ name, query string }{
		{"point now", "SELECT amount FROM orders WHERE id = ?"},
		{"point as of", "SELECT amount FROM orders AS OF 'HEAD~1' WHERE id = ?"},
		{"index now", "SELECT sum(amount) FROM orders WHERE customer = ?"},
		{"index as of", "SELECT sum(amount) FROM orders AS OF 'HEAD~1' WHERE customer = ?"},
	} {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				read(b, q.query, r.IntN(5000)+1)
			}
		})
	}
	b.Run("checkout and select", func(b *testing.B) {
		b.ReportAllocs()
		branches := [2]string{"other", "main"}
		for i := 0; b.Loop(); i++ {
			if _, err := db.Exec("SELECT dolt_checkout('" + branches[i%2] + "')"); err != nil {
				b.Fatal(err)
			}
			read(b, "SELECT amount FROM orders WHERE id = ?", r.IntN(benchRows)+1)
		}
	})
}

// BenchmarkPast reads rows of a random one of the last 100 commits, and commits.
func BenchmarkPast(b *testing.B) {
	db, err := sql.Open("vdb", "file:"+filepath.Join(b.TempDir(), "bench.vdb"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	fillBench(b, db)
	r := rand.New(rand.NewPCG(9, 10))
	exec := func(b *testing.B, query string, args ...any) {
		if _, err := db.Exec(query, args...); err != nil {
			b.Fatal(query, err)
		}
	}
	exec(b, "SELECT dolt_commit('-Am', 'all')")
	const commits = 100
	for range commits {
		exec(b, "UPDATE orders SET amount = amount + 1 WHERE id IN (?, ?, ?)", r.IntN(benchRows)+1, r.IntN(benchRows)+1, r.IntN(benchRows)+1)
		exec(b, "SELECT dolt_commit('-am', 'some')")
	}
	b.Run("point", func(b *testing.B) {
		b.ReportAllocs()
		begin := cpuTime()
		for b.Loop() {
			var amount float64
			query := fmt.Sprintf("SELECT amount FROM orders AS OF 'HEAD~%d' WHERE id = ?", r.IntN(commits)+1)
			if err := db.QueryRow(query, r.IntN(benchRows)+1).Scan(&amount); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((cpuTime()-begin).Nanoseconds())/float64(b.N), "cpu-ns/op")
	})
	b.Run("commit", func(b *testing.B) {
		b.ReportAllocs()
		spent := time.Duration(0)
		for b.Loop() {
			b.StopTimer()
			exec(b, "UPDATE orders SET amount = amount + 1 WHERE id = ?", r.IntN(benchRows)+1)
			begin := cpuTime()
			b.StartTimer()
			exec(b, "SELECT dolt_commit('-am', 'one row')")
			spent += cpuTime() - begin
		}
		b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "cpu-ns/op")
	})
}
