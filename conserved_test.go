package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

const (
	bankAccounts = 20
	startBalance = 100
)

// bank gives main a table whose rows hold bankAccounts*startBalance in all, at each of
// its commits but the first.
func bank(t *testing.T, db *vdb.DB) {
	t.Helper()
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error {
		err := tx.CreateTable(vdb.Schema{
			Name:       "accounts",
			Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "balance", Type: "INTEGER", Merge: vdb.PolicySum}},
			PrimaryKey: []string{"id"},
			Indexes:    []vdb.Index{{Name: "balance", Columns: []vdb.IndexColumn{{Name: "balance"}}}},
		})
		for id := range int64(bankAccounts) {
			err = errors.Join(err, tx.Insert("accounts", vdb.Row{vdb.Int(id), vdb.Int(startBalance)}))
		}
		return err
	})
	commit(t, main, "start")
	for range 1000 { // what resets may go back by
		if _, err := main.Commit(t.Context(), vdb.Message{AllowEmpty: true}); err != nil {
			t.Fatal(err)
		}
	}
}

func transfer(ctx context.Context, rng *rand.Rand, b *vdb.Branch) error {
	from, to, amount := rng.IntN(bankAccounts), rng.IntN(bankAccounts), int64(rng.IntN(10))
	if from == to {
		return nil
	}
	return b.Update(ctx, func(tx *vdb.Tx) error {
		payer, err := tx.Get("accounts", from)
		if err != nil {
			return err
		}
		payee, err := tx.Get("accounts", to)
		if err != nil {
			return err
		}
		return errors.Join(
			tx.Put("accounts", vdb.Row{payer[0], vdb.Int(payer[1].Int() - amount)}),
			tx.Put("accounts", vdb.Row{payee[0], vdb.Int(payee[1].Int() + amount)}))
	})
}

// conserved tells by its error that money came or went, or that the index and
// the rows disagree.
func conserved(s *vdb.Snapshot) error {
	for _, r := range []vdb.Range{{}, {Index: "balance"}} {
		n, total := 0, int64(0)
		for row, err := range s.Rows("accounts", r) {
			if err != nil {
				return err
			}
			n++
			total += row[1].Int()
		}
		if n != bankAccounts || total != bankAccounts*startBalance {
			return fmt.Errorf("%d accounts hold %d, by %q", n, total, r.Index)
		}
	}
	return nil
}

// step does one random thing; what a verb may refuse is no error.
func bankStep(ctx context.Context, rng *rand.Rand, db *vdb.DB) (err error) {
	names := []string{"main", "side"}
	b, err := db.Branch(ctx, names[rng.IntN(2)])
	if err != nil {
		return err
	}
	switch rng.IntN(16) {
	case 0, 1:
		_, err = b.Commit(ctx, vdb.Message{Amend: rng.IntN(8) == 0})
	case 2, 3:
		_, err = b.Merge(ctx, names[rng.IntN(2)], nil)
	case 4:
		err = b.ResetHard(ctx, "HEAD~")
	case 5:
		err = db.Compact(ctx)
	case 6:
		_, err = b.Restore(ctx, vdb.Restore{From: "HEAD~", Table: "accounts", Message: &vdb.Message{}})
	case 7:
		cancelled, cancel := context.WithTimeout(ctx, time.Duration(rng.IntN(1000))*time.Microsecond)
		defer cancel()
		_, err = b.Merge(cancelled, names[rng.IntN(2)], nil)
	default:
		err = transfer(ctx, rng, b)
	}
	for _, refused := range []error{vdb.ErrNothingToCommit, vdb.ErrUncommitted, context.DeadlineExceeded} {
		if errors.Is(err, refused) {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	s, err := b.Snapshot(ctx)
	if err != nil {
		return err
	}
	head, err := db.AsOf(ctx, b.Name())
	if err != nil {
		return err
	}
	return errors.Join(conserved(s), conserved(head))
}

// Two open databases on one directory transfer, commit, amend, merge, reset,
// restore and compact at once: no state that anybody sees has lost a change of
// half a transaction.
func TestMoneyIsConserved(t *testing.T) {
	dir := t.TempDir()
	db, _ := openDir(t, dir)
	other, _ := openDir(t, dir)
	bank(t, db)
	if _, err := db.CreateBranch(t.Context(), "side", "main"); err != nil {
		t.Fatal(err)
	}
	steps := int64(400)
	if *soak {
		steps = 50_000
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var running sync.WaitGroup
	var done atomic.Int64
	for i, db := range []*vdb.DB{db, other, db, other} {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		running.Go(func() {
			for done.Add(1) <= steps && !t.Failed() {
				if err := bankStep(context.Background(), rng, db); err != nil {
					t.Errorf("goroutine %d: %v", i, err)
				}
			}
		})
	}
	running.Wait()
}
