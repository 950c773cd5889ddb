package main

import (
	"database/sql"
	"os"
	"testing"

	"github.com/pressly/goose/v3"
)

// Up, down and up again: the contents are the same each time, but for goose's own
// table, which has the time.
func TestGoose(t *testing.T) {
	pool := openPool(t)
	p, err := goose.NewProvider(goose.DialectSQLite3, pool, os.DirFS("testdata/migrations"))
	must(t, err)
	up(t, p, 3)
	was := tableHashes(t, pool)
	if _, err := pool.Exec("INSERT INTO customers(name, email) VALUES ('A', 'a@x.example'); UPDATE customers SET name = 'B'; DELETE FROM customers; DELETE FROM audit"); err != nil {
		t.Fatal(err)
	}
	_, err = p.DownTo(t.Context(), 1)
	must(t, err)
	if n := version(t, p); n != 1 {
		t.Errorf("the version is %d", n)
	}
	up(t, p, 2)
	if is := tableHashes(t, pool); is != was {
		t.Errorf("up again, the tables are %s, not %s", is, was)
	}
	_, err = p.DownTo(t.Context(), 0)
	must(t, err)
	var tables int
	must(t, pool.QueryRow("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'").Scan(&tables))
	if tables != 1 {
		t.Errorf("%d tables are left", tables)
	}
	if results, err := p.Up(t.Context()); err != nil || len(results) != 3 {
		t.Errorf("%d migrations, %v", len(results), err)
	}
}

func up(t *testing.T, p *goose.Provider, want int) {
	t.Helper()
	results, err := p.Up(t.Context())
	if err != nil || len(results) != want {
		t.Fatalf("%d migrations, %v; want %d", len(results), err, want)
	}
	if n := version(t, p); n != 3 {
		t.Errorf("the version is %d", n)
	}
}

func version(t *testing.T, p *goose.Provider) int64 {
	t.Helper()
	n, err := p.GetDBVersion(t.Context())
	must(t, err)
	return n
}

func tableHashes(t *testing.T, pool *sql.DB) (hashes string) {
	t.Helper()
	must(t, pool.QueryRow(`SELECT group_concat(dolt_hashof_table(name)) FROM
		(SELECT name FROM sqlite_schema WHERE name IN ('customers', 'settings', 'audit') ORDER BY name)`).Scan(&hashes))
	return hashes
}
