package sqlite

import (
	"fmt"
	"testing"

	"github.com/vdbgo/vdb"
)

// BenchmarkCommitFunction commits one row of a million, of which the function's
// share counts, not that of SQL.
func BenchmarkCommitFunction(b *testing.B) {
	ctx := b.Context()
	db, err := vdb.Open(ctx, b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	main, err := db.Branch(ctx, vdb.MainBranch)
	if err != nil {
		b.Fatal(err)
	}
	version := int64(0)
	put := func(n, at int64) {
		b.Helper()
		version++
		err := main.Update(ctx, func(tx *vdb.Tx) error {
			for i := range n {
				if err := tx.Put("accounts", vdb.Row{vdb.Int(at + i), vdb.Text(fmt.Sprint("account ", n)), vdb.Int(version)}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := main.Update(ctx, func(tx *vdb.Tx) error { return tx.CreateTable(benchSchemas[0]) }); err != nil {
		b.Fatal(err)
	}
	const rows = 1_000_000
	put(rows, 0)
	s := &session{db: db, branch: vdb.MainBranch, author: "Support <support@bank.example>"}
	if _, err := doltCommit(s, []any{"-Am", "all"}); err != nil {
		b.Fatal(err)
	}
	for _, flags := range []string{"-Am", "-am"} {
		b.Run(flags, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				put(1, int64(i)*7919%rows)
				b.StartTimer()
				if _, err := doltCommit(s, []any{flags, "one row"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
