package main

import (
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

func TestSqlx(t *testing.T) {
	db := sqlx.NewDb(openPool(t), "sqlite3") // whose placeholders are SQLite's
	type person struct {
		ID   int64
		Name string
		Note *string
		Born time.Time
	}
	db.MustExec("CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, note TEXT, born DATETIME)")
	born := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	_, err := db.NamedExec("INSERT INTO people(name, born) VALUES (:name, :born)", []person{{Name: "Ann", Born: born}, {Name: "Bob", Born: born}, {Name: "Cleo", Born: born}})
	must(t, err)
	var one person
	must(t, db.Get(&one, "SELECT * FROM people WHERE name = ?", "Bob"))
	if one.ID != 2 || one.Note != nil || !one.Born.Equal(born) {
		t.Errorf("Bob is %+v", one)
	}
	query, args, err := sqlx.In("SELECT * FROM people WHERE name IN (?) ORDER BY id", []string{"Ann", "Cleo"})
	must(t, err)
	var some []person
	must(t, db.Select(&some, db.Rebind(query), args...))
	if len(some) != 2 || some[1].Name != "Cleo" {
		t.Errorf("some are %+v", some)
	}
	_, err = db.Exec("SELECT dolt_commit('-Am', 'Three people')")
	must(t, err)
	_, err = db.NamedExec("DELETE FROM people WHERE name = :name", map[string]any{"name": "Ann"})
	must(t, err)
	statement, err := db.PrepareNamed("SELECT count(*) FROM people AS OF 'HEAD' WHERE id < :below")
	must(t, err)
	defer statement.Close()
	var n int
	must(t, statement.Get(&n, map[string]any{"below": 3}))
	if n != 2 {
		t.Errorf("%d people as of the commit", n)
	}
	testSqlxTx(t, db)
}

func testSqlxTx(t *testing.T, db *sqlx.DB) {
	t.Helper()
	tx := db.MustBegin()
	tx.MustExec("DELETE FROM people")
	must(t, tx.Rollback())
	rows, err := db.NamedQuery("SELECT name FROM people WHERE id >= :id ORDER BY id", map[string]any{"id": 1})
	must(t, err)
	defer rows.Close()
	names := ""
	for rows.Next() {
		row := map[string]any{}
		must(t, rows.MapScan(row))
		names += row["name"].(string)
	}
	if names != "BobCleo" {
		t.Errorf("the names are %s", names)
	}
}
