package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"

	lib "modernc.org/sqlite/lib"
)

// TestCommitCancelled ends a COMMIT before it is appended: nothing of it is there, and
// the connection goes on.
func TestCommitCancelled(t *testing.T) {
	b := newDriverBench(t)
	b.run("CREATE TABLE t(id INTEGER PRIMARY KEY)")
	err := b.conn.Raw(func(inner any) error {
		c := inner.(*conn)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		transaction, err := c.BeginTx(ctx, driver.TxOptions{})
		if err != nil {
			return err
		}
		if _, err := c.ExecContext(t.Context(), "INSERT INTO t VALUES (1)", nil); err != nil {
			return err
		}
		was := c.file.committing
		defer func() { c.file.committing = was }()
		c.file.committing = func() context.Context { cancel(); return was() }
		return transaction.Commit()
	})
	var coded interface{ Code() int }
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is no cancellation", err)
	}
	if errors.As(err, &coded) && coded.Code() != lib.SQLITE_INTERRUPT {
		t.Errorf("its code is %d", coded.Code())
	}
	b.want("SELECT count(*) FROM t", nil, "0")
	b.run("INSERT INTO t VALUES (2)")
	b.want("SELECT id FROM t", nil, "2")
}
