// Hellosql is the SQL program of the README: delete too much, look back, undo it.
package main

import (
	"database/sql"
	"fmt"
	"log"
	"os"

	_ "github.com/vdbgo/vdb/sqlite"
)

func main() {
	check(os.RemoveAll("hellosql.vdb"))
	db, err := sql.Open("vdb", "file:hellosql.vdb?branch=main&author=Support")
	check(err)
	defer db.Close()
	for _, statement := range []string{
		"CREATE TABLE customers(id TEXT PRIMARY KEY, name TEXT)",
		"INSERT INTO customers VALUES('c1', 'Example Ltd'), ('c2', 'Example Inc')",
		"SELECT dolt_commit('-Am', 'Two customers')",
		"DELETE FROM customers WHERE id <> 'c2'",
		"SELECT dolt_commit('-am', 'Routine maintenance')",
		"INSERT INTO customers VALUES('c3', 'Example SA')",
		"SELECT dolt_commit('-am', 'One more')",
	} {
		_, err := db.Exec(statement)
		check(err)
	}
	show(db, `SELECT message || ' has ' || diff_type || ' ' || from_name
		FROM dolt_diff_customers JOIN dolt_log ON commit_hash = to_commit WHERE from_id = 'c1'`)
	show(db, "SELECT 'it was: ' || name FROM customers AS OF 'HEAD~2' WHERE id = 'c1'")
	_, err = db.Exec("SELECT dolt_revert('HEAD~1')")
	check(err)
	show(db, "SELECT 'now: ' || group_concat(name, ', ') FROM customers")
}

// show prints a query's rows of one column.
func show(db *sql.DB, query string) {
	rows, err := db.Query(query)
	check(err)
	defer rows.Close()
	for rows.Next() {
		var text string
		check(rows.Scan(&text))
		fmt.Println(text)
	}
	check(rows.Err())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
