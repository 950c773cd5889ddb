package sqlite_test

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
)

// Somebody deletes a customer's rows on Monday, others go on working, and on Tuesday
// the rows, and they alone, come back.
func Example_restore() {
	ctx := context.Background()
	db, err := vdb.Open(ctx, vdb.Memory, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	pool := sqlite.OpenDB(db, vdb.MainBranch)
	defer pool.Close()
	for _, statement := range []string{
		"CREATE TABLE customers(id TEXT PRIMARY KEY, name TEXT)",
		"CREATE TABLE projects(id INTEGER PRIMARY KEY, customer TEXT REFERENCES customers(id), title TEXT)",
		"INSERT INTO customers VALUES ('c1', 'Example Ltd'), ('c2', 'Sample Inc')",
		"INSERT INTO projects VALUES (1, 'c1', 'Tower'), (2, 'c1', 'Bridge'), (3, 'c2', 'Tunnel')",
		"SELECT dolt_commit('-Am', 'Customers')",
		"DELETE FROM projects WHERE customer = 'c1'",
		"DELETE FROM customers WHERE id = 'c1'",
		"SELECT dolt_commit('-am', 'Routine maintenance')",
		"UPDATE projects SET title = 'Long tunnel' WHERE id = 3",
		"SELECT dolt_commit('-am', 'A longer tunnel')",
	} {
		if _, err := pool.ExecContext(ctx, statement); err != nil {
			fmt.Println(statement, err)
			return
		}
	}
	var done string
	err = pool.QueryRowContext(ctx, "SELECT dolt_restore('customers', 'HEAD~2', ?, '--follow', '--dry-run')", "c1").Scan(&done)
	fmt.Println(done, err)
	_, err = pool.ExecContext(ctx, "SELECT dolt_restore('customers', 'HEAD~2', ?, '--follow', '-m', 'c1 is back')", "c1")
	fmt.Println(err)
	var titles string
	err = pool.QueryRowContext(ctx, "SELECT group_concat(title, ', ') FROM projects").Scan(&titles)
	fmt.Println(titles, err)
	// Output:
	// {"dry_run":true,"rows":{"customers":{"added":1,"deleted":0,"modified":0},"projects":{"added":2,"deleted":0,"modified":0}}} <nil>
	// <nil>
	// Tower, Bridge, Long tunnel <nil>
}
