package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
)

// The typed API fires triggers: what they write is part of the transaction, and what they
// refuse is an error of the write.
func Example_typedTriggers() {
	db, shop := exampleBoth()
	defer db.Close()
	defer shop.Close()
	execute(shop,
		"CREATE TABLE accounts(id TEXT PRIMARY KEY, cents INTEGER NOT NULL)",
		"CREATE TABLE audit(account TEXT, before INTEGER, after INTEGER)",
		`CREATE TRIGGER audited AFTER UPDATE OF cents ON accounts BEGIN
			INSERT INTO audit VALUES (new.id, old.cents, new.cents);
			SELECT RAISE(ABORT, 'overdrawn') WHERE new.cents < 0;
		END`,
	)
	type Account struct {
		ID    string `vdb:"id,pk"`
		Cents int64
	}
	accounts := vdb.MustTable[Account]("accounts")
	update(db, func(tx *vdb.Tx) error {
		if err := accounts.Insert(tx, Account{"c1", 500}); err != nil {
			return err
		}
		if err := accounts.Update(tx, Account{"c1", -1}); !errors.Is(err, vdb.ErrConstraint) {
			return fmt.Errorf("want a refusal, not %w", err)
		}
		return accounts.Update(tx, Account{"c1", 200})
	})
	show(shop, "SELECT * FROM audit")
	// Output:
	// c1 500 200
}

// Where the typed API renames what SQL has made, views and indexes follow.
func Example_typedDefinitions() {
	db, shop := exampleBoth()
	defer db.Close()
	defer shop.Close()
	execute(shop,
		"CREATE TABLE orders(id INTEGER PRIMARY KEY, cents INTEGER CHECK (cents > 0))",
		"CREATE INDEX dear ON orders(cents / 100) WHERE cents > 10000",
		"CREATE VIEW total AS SELECT sum(cents) AS cents FROM orders",
		"INSERT INTO orders VALUES (1, 450), (2, 70000)",
	)
	update(db, func(tx *vdb.Tx) error {
		if err := tx.RenameColumn("orders", "cents", "amount"); err != nil {
			return err
		}
		return tx.AddColumn("orders", vdb.Column{Name: "note", Type: "TEXT", Default: "'none'"})
	})
	show(shop, "SELECT * FROM orders")
	show(shop, "SELECT sql FROM sqlite_schema WHERE name = 'total'")
	// Output:
	// 1 450 none
	// 2 70000 none
	// CREATE VIEW total AS SELECT sum("amount") AS cents FROM orders
}

// exampleBoth opens a database for the typed API and for SQL.
func exampleBoth() (*vdb.DB, *sql.DB) {
	db, err := vdb.Open(context.Background(), vdb.Memory, nil)
	if err != nil {
		fmt.Println(err)
	}
	return db, sqlite.OpenDB(db, vdb.MainBranch)
}

// update runs a transaction of the typed API.
func update(db *vdb.DB, fn func(tx *vdb.Tx) error) {
	main, err := db.Branch(context.Background(), vdb.MainBranch)
	if err == nil {
		err = main.Update(context.Background(), fn)
	}
	if err != nil {
		fmt.Println(err)
	}
}
