package vdb_test

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

// A commit of some tables must be sound by itself.
func TestCommitSomeTablesIsSound(t *testing.T) {
	b := shop(t)
	commit(t, b, "shop")
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("customers", texts("c2", "b@x", "Billing")), tx.Put("orders", vdb.Row{vdb.Int(2), vdb.Text("c2")}))
	})
	before := head(t, b)
	var broken *vdb.ConstraintError
	if _, err := b.Commit(t.Context(), vdb.Message{Tables: []string{"orders"}}); !errors.As(err, &broken) || len(broken.Violations) != 1 {
		t.Errorf("a child without its parent: %v", err)
	}
	if head(t, b).Hash != before.Hash {
		t.Error("the head moved")
	}
	if _, err := b.Commit(t.Context(), vdb.Message{Tables: []string{"orders", "customers"}}); err != nil {
		t.Errorf("both: %v", err)
	}
	update(t, b, func(tx *vdb.Tx) error { return tx.RenameTable("orders", "sales") })
	if _, err := b.Commit(t.Context(), vdb.Message{Tables: []string{"sales"}}); !errors.Is(err, vdb.ErrInvalid) {
		t.Errorf("the new name alone: %v", err)
	}
	if _, err := b.Commit(t.Context(), vdb.Message{Tables: []string{"sales", "orders"}}); err != nil {
		t.Errorf("both names: %v", err)
	}
}
