package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
)

// BenchmarkTypedWritesWithTriggers puts rows of which a trigger writes another one,
// by the typed API and in SQL, in transactions of 1 and of 100.
func BenchmarkTypedWritesWithTriggers(b *testing.B) {
	for _, rows := range []int64{1, 100} {
		b.Run(fmt.Sprintf("rows=%d/typed", rows), func(b *testing.B) { benchTriggers(b, rows, true) })
		b.Run(fmt.Sprintf("rows=%d/sql", rows), func(b *testing.B) { benchTriggers(b, rows, false) })
	}
}

func benchTriggers(b *testing.B, rows int64, typed bool) {
	db, err := vdb.Open(b.Context(), vdb.Memory, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	sqls := sqlite.OpenDB(db, vdb.MainBranch)
	defer sqls.Close()
	for _, s := range stock {
		if _, err := sqls.Exec(s); err != nil {
			b.Fatal(err)
		}
	}
	main, err := db.Branch(b.Context(), vdb.MainBranch)
	if err != nil {
		b.Fatal(err)
	}
	id := int64(0)
	for b.Loop() {
		if typed {
			err = main.Update(b.Context(), func(tx *vdb.Tx) error {
				for range rows {
					id++
					if err := tx.Insert("parts", part(id, "bolt", 1)); err != nil {
						return err
					}
				}
				return nil
			})
		} else {
			tx, e := sqls.Begin()
			for range rows {
				id++
				if e == nil {
					_, e = tx.Exec(`INSERT INTO parts VALUES(?, 'bolt', 1, NULL)`, id)
				}
			}
			if err = e; err == nil {
				err = tx.Commit()
			}
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(int64(b.N)*rows), "µs/row")
}
