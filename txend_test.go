package vdb_test

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

// Whatever is done with a transaction after its end fails, reads too: after a
// rollback they would show what was never committed.
func TestUseAfterEnd(t *testing.T) {
	b := items(t)
	for name, end := range map[string]func(*vdb.Tx) error{
		"commit":   (*vdb.Tx).Commit,
		"rollback": func(tx *vdb.Tx) error { tx.Rollback(); return nil },
	} {
		tx, err := b.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		row := vdb.Row{vdb.Int(5000), vdb.Text("x"), vdb.Float(1)}
		if err := errors.Join(tx.Put("items", row), end(tx)); err != nil {
			t.Fatal(err)
		}
		for verb, do := range map[string]func() error{
			"Get":    func() error { _, err := tx.Get("items", 5000); return err },
			"Count":  func() error { _, err := tx.Count("items", vdb.Range{}); return err },
			"Tables": func() error { _, err := tx.Tables(); return err },
			"Schema": func() error { _, err := tx.Schema("items"); return err },
			"Rows": func() error {
				for _, err := range tx.Rows("items", vdb.Range{}) {
					return err
				}
				return nil
			},
			"Put":       func() error { return tx.Put("items", row) },
			"DropTable": func() error { return tx.DropTable("items") },
			"Commit":    tx.Commit,
		} {
			if err := do(); !errors.Is(err, vdb.ErrTxDone) {
				t.Errorf("%s after %s: %v", verb, name, err)
			}
		}
	}
}
