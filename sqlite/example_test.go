package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
)

// A program that speaks database/sql to SQLite changes its import and its data source
// name.
func Example() {
	db := exampleDB()
	defer db.Close()
	execute(db,
		"CREATE TABLE customers(id TEXT PRIMARY KEY, name TEXT)",
		"INSERT INTO customers VALUES ('c1', 'Example Ltd')",
		"SELECT dolt_commit('-Am', 'First customer')",
		"DELETE FROM customers",
	)
	show(db, "SELECT count(*) FROM customers")
	execute(db, "SELECT dolt_reset('--hard')")
	show(db, "SELECT * FROM customers")
	// Output:
	// 0
	// c1 Example Ltd
}

// A table as it was at a revision, joined with what it is.
func Example_asOf() {
	db := exampleDB()
	defer db.Close()
	execute(db,
		"CREATE TABLE prices(product TEXT PRIMARY KEY, cents INTEGER)",
		"INSERT INTO prices VALUES ('tea', 450), ('coffee', 700)",
		"SELECT dolt_commit('-Am', 'Prices')",
		"UPDATE prices SET cents = 500 WHERE product = 'tea'",
		"SELECT dolt_commit('-am', 'Tea is dearer')",
	)
	show(db, "SELECT cents FROM prices AS OF 'HEAD~1' WHERE product = ?", "tea")
	show(db, "SELECT cents FROM prices AS OF ? WHERE product = ?", "main~1", "tea")
	show(db, `SELECT product, was.cents, now.cents
		FROM prices AS OF 'HEAD~1' AS was JOIN prices AS now USING (product)
		WHERE was.cents <> now.cents`)
	// Output:
	// 450
	// 450
	// tea 450 500
}

// The commits of the branch, newest first.
func Example_log() {
	db := exampleDB()
	defer db.Close()
	execute(db,
		"CREATE TABLE t(id INTEGER PRIMARY KEY)",
		"SELECT dolt_commit('-Am', 'A table', '--author', 'Support <support@example.org>')",
		"INSERT INTO t VALUES (1)",
		"SELECT dolt_commit('-am', 'A row', '--author', 'Billing <billing@example.org>')",
	)
	show(db, "SELECT author, message FROM dolt_log LIMIT 2")
	// Output:
	// Billing A row
	// Support A table
}

// Which commit changed which rows, and how.
func Example_diff() {
	db := exampleDB()
	defer db.Close()
	execute(db,
		"CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT)",
		"INSERT INTO customers VALUES (1, 'Example Ltd'), (2, 'Sample Inc')",
		"SELECT dolt_commit('-Am', 'Customers')",
		"UPDATE customers SET name = 'Example SA' WHERE id = 1",
		"DELETE FROM customers WHERE id = 2",
		"SELECT dolt_commit('-am', 'Routine maintenance')",
	)
	show(db, `SELECT message, diff_type, from_name, to_name
		FROM dolt_diff_customers JOIN dolt_log ON commit_hash = to_commit
		WHERE diff_type <> 'added' ORDER BY from_id`)
	show(db, "SELECT table_name, rows_modified, rows_deleted FROM dolt_diff_stat('HEAD~', 'HEAD')")
	// Output:
	// Routine maintenance modified Example Ltd Example SA
	// Routine maintenance removed Sample Inc <nil>
	// customers 1 1
}

// A connection moves to another branch; when it goes back to the pool it is on its own
// again.
func Example_checkout() {
	ctx := context.Background()
	db := exampleDB()
	defer db.Close()
	execute(db, "CREATE TABLE t(id INTEGER PRIMARY KEY)", "SELECT dolt_commit('-Am', 'A table')")
	conn, err := db.Conn(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, statement := range []string{
		"SELECT dolt_checkout('-b', 'trial')",
		"INSERT INTO t VALUES (1)",
		"SELECT dolt_commit('-am', 'A row')",
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			fmt.Println(err)
		}
	}
	if err := conn.Close(); err != nil {
		fmt.Println(err)
	}
	show(db, "SELECT active_branch(), (SELECT count(*) FROM t), (SELECT count(*) FROM t AS OF 'trial')")
	execute(db, "SELECT dolt_merge('trial')")
	show(db, "SELECT count(*) FROM t")
	// Output:
	// main 0 1
	// 1
}

// A server opens a pool for each branch. The typed API sees the same tables at once.
func ExampleOpenDB() {
	ctx := context.Background()
	db, err := vdb.Open(ctx, vdb.Memory, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	main := sqlite.OpenDB(db, vdb.MainBranch)
	defer main.Close()
	execute(main, "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)", "SELECT dolt_commit('-Am', 'A table')")
	branch, err := db.CreateBranch(ctx, "customer/acme", vdb.MainBranch)
	if err != nil {
		fmt.Println(err)
		return
	}
	acme := sqlite.OpenDB(db, "customer/acme")
	defer acme.Close()
	execute(acme, "INSERT INTO t VALUES (7, 'seven')")
	err = branch.View(ctx, func(s *vdb.Snapshot) error {
		row, err := s.Get("t", 7)
		fmt.Println(row)
		return err
	})
	fmt.Println(err)
	show(main, "SELECT count(*) FROM t")
	// Output:
	// [7 'seven']
	// <nil>
	// 0
}

func ExampleDriver() {
	dir, err := os.MkdirTemp("", "example-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open(sqlite.DriverName, "file:"+filepath.Join(dir, "prod.vdb")+"?branch=main&author=Support&_pragma=foreign_keys(1)")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	show(db, "PRAGMA foreign_keys")
	_, isVDB := db.Driver().(*sqlite.Driver)
	fmt.Println(isVDB)
	// Output:
	// 1
	// true
}

// Programs use sql.Open: it pools connections, Open makes one.
func ExampleDriver_Open() {
	pool := exampleDB()
	defer pool.Close()
	conn, err := pool.Driver().Open(vdb.Memory)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(conn.(driver.Pinger).Ping(context.Background()), conn.Close())
	// Output: <nil> <nil>
}

// A connector is opened once, and its connections share the database.
func ExampleDriver_OpenConnector() {
	dir, err := os.MkdirTemp("", "example-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	registered, err := sql.Open(sqlite.DriverName, filepath.Join(dir, "prod.vdb"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer registered.Close()
	vdbDriver := registered.Driver().(*sqlite.Driver)
	connector, err := vdbDriver.OpenConnector(filepath.Join(dir, "prod.vdb") + "?author=Billing")
	if err != nil {
		fmt.Println(err)
		return
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	execute(db, "CREATE TABLE t(x)", "SELECT dolt_commit('-Am', 'A table')")
	show(db, "SELECT author, message FROM dolt_log LIMIT 1")
	_, err = vdbDriver.OpenConnector("prod.vdb?brunch=main")
	fmt.Println(err != nil)
	// Output:
	// Billing A table
	// true
}

// exampleDB opens a new database in memory. One in a directory is opened by its path.
func exampleDB() *sql.DB {
	db, err := sql.Open("vdb", vdb.Memory)
	if err != nil {
		fmt.Println(err)
	}
	return db
}

// execute runs statements.
func execute(db *sql.DB, statements ...string) {
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			fmt.Println(s, err)
		}
	}
}

// show prints the rows of a query.
func show(db *sql.DB, query string, args ...any) {
	rows, err := db.Query(query, args...)
	if err != nil {
		fmt.Println(query, err)
		return
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		fmt.Println(err)
	}
	values, pointers := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		pointers[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			fmt.Println(err)
		}
		fmt.Println(values...)
	}
	if err := rows.Err(); err != nil {
		fmt.Println(err)
	}
}

// What a data source name would say.
func ExampleOptions() {
	db, err := vdb.Open(context.Background(), vdb.Memory, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	main := sqlite.OpenDB(db, vdb.MainBranch, &sqlite.Options{
		Author:      "Billing <billing@bank.example>",
		BusyTimeout: 250 * time.Millisecond,
		CacheBytes:  16 << 20,
		Pragmas:     []string{"foreign_keys(1)"},
	})
	defer main.Close()
	execute(main, "CREATE TABLE t(id INTEGER PRIMARY KEY)", "SELECT dolt_commit('-Am', 'A table')")
	show(main, "SELECT author, message FROM dolt_log LIMIT 1")
	show(main, "PRAGMA foreign_keys")
	show(main, "PRAGMA busy_timeout")
	show(main, "PRAGMA cache_size")
	// Output:
	// Billing A table
	// 1
	// 250
	// -16384
}
