package vdb_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/nbs"
)

// story is a short life of a database, step by step. Its clock stands still, so
// that each step leads to the same state whenever it is told.
type story struct {
	t     *testing.T
	steps []func(db *vdb.DB) error
}

func newStory(t *testing.T) *story {
	s := &story{t: t}
	ctx := t.Context()
	on := func(branch string, fn func(b *vdb.Branch) error) {
		s.steps = append(s.steps, func(db *vdb.DB) error {
			b, err := db.Branch(ctx, branch)
			if err != nil {
				return err
			}
			return fn(b)
		})
	}
	write := func(branch string, ids ...int64) {
		on(branch, func(b *vdb.Branch) error {
			return b.Update(ctx, func(tx *vdb.Tx) error {
				for _, id := range ids {
					row := vdb.Row{vdb.Int(id), vdb.Text(strings.Repeat("row ", int(id)%400)), vdb.Float(0.5)}
					if err := tx.Put("people", row); err != nil {
						return err
					}
				}
				return nil
			})
		})
		on(branch, func(b *vdb.Branch) error {
			_, err := b.Commit(ctx, vdb.Message{Author: "Audit", Text: fmt.Sprint("wrote ", ids)})
			return err
		})
	}
	on("main", func(b *vdb.Branch) error {
		return b.Update(ctx, func(tx *vdb.Tx) error { return tx.CreateTable(people) })
	})
	write("main", 1, 2, 3, 350)
	s.steps = append(s.steps, func(db *vdb.DB) error {
		_, err := db.CreateBranch(ctx, "side", "main")
		return err
	})
	write("side", 2, 10, 11)
	write("main", 3, 20, 399)
	on("main", func(b *vdb.Branch) error {
		_, err := b.Merge(ctx, "side", nil)
		return err
	})
	s.steps = append(s.steps, func(db *vdb.DB) error { return db.DeleteBranch(ctx, "side") })
	return s
}

func standing() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }

func (s *story) open(fs *faultfs.FS) (*vdb.DB, error) {
	return vdb.Open(s.t.Context(), "/db", &vdb.Options{FS: fs, Now: standing})
}

// tell opens a database and goes through the steps until one fails. It returns
// how many were acknowledged; -1 if not even Open was.
func (s *story) tell(fs *faultfs.FS) (acknowledged int, err error) {
	db, err := s.open(fs)
	if err != nil {
		return -1, err
	}
	defer db.Close()
	for i, step := range s.steps {
		if err := step(db); err != nil {
			return i, err
		}
	}
	return len(s.steps), nil
}

// state reads everything and returns what tells one state from another.
func (s *story) state(db *vdb.DB) (string, error) {
	var b strings.Builder
	for info, err := range db.Branches(s.t.Context()) {
		if err != nil {
			return "", err
		}
		branch, err := db.Branch(s.t.Context(), info.Name)
		if err != nil {
			return "", err
		}
		snap, err := branch.Snapshot(s.t.Context())
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&b, info.Name, info.Head, snap.Root())
		if err := s.readAll(branch, snap); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func (s *story) readAll(branch *vdb.Branch, snap *vdb.Snapshot) error {
	tables, err := snap.Tables()
	if err != nil {
		return err
	}
	for _, table := range tables {
		for _, r := range []vdb.Range{{}, {Index: "by_name"}} {
			for _, err := range snap.Rows(table, r) {
				if err != nil {
					return err
				}
			}
		}
	}
	for _, err := range branch.Log(s.t.Context(), nil) {
		if err != nil {
			return err
		}
	}
	return nil
}

// states returns the state before and after each step.
func (s *story) states() []string {
	db, err := s.open(faultfs.New())
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	var all []string
	for i := -1; i < len(s.steps); i++ {
		if i >= 0 {
			if err := s.steps[i](db); err != nil {
				s.t.Fatal(err)
			}
		}
		state, err := s.state(db)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, state)
	}
	return all
}

// mustBe opens what is left of a database and demands the state after the last
// acknowledged step, or after the one that was under way.
func (s *story) mustBe(what string, fs *faultfs.FS, states []string, acknowledged int) {
	s.t.Helper()
	db, err := s.open(fs)
	if err != nil {
		s.t.Fatalf("%s: open: %v", what, err)
	}
	defer db.Close()
	if err := db.Damage(); err != nil {
		s.t.Fatalf("%s: damage is reported: %v", what, err)
	}
	got, err := s.state(db)
	if err != nil {
		s.t.Fatalf("%s: read: %v", what, err)
	}
	for i := max(acknowledged, 0); i <= min(acknowledged+1, len(s.steps)); i++ {
		if got == states[i] {
			return
		}
	}
	s.t.Fatalf("%s: %d steps were acknowledged, but the state is\n%s", what, acknowledged, got)
}

func TestPowerLoss(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	s := newStory(t)
	states := s.states()
	whole := faultfs.New()
	if _, err := s.tell(whole); err != nil {
		t.Fatal(err)
	}
	for op := range whole.Ops() {
		fs := faultfs.New()
		fs.Stop(op)
		acknowledged, _ := s.tell(fs)
		for _, g := range []faultfs.Granularity{faultfs.Writes, faultfs.Sectors} {
			for range 3 {
				s.mustBe(fmt.Sprintf("power lost at operation %d", op), fs.Crash(rng, g), states, acknowledged)
			}
		}
	}
}

func TestEachOperationFails(t *testing.T) {
	s := newStory(t)
	states := s.states()
	whole := faultfs.New()
	if _, err := s.tell(whole); err != nil {
		t.Fatal(err)
	}
	for op := range whole.Ops() {
		fs := faultfs.New()
		fs.Fail(op)
		acknowledged, err := s.tell(fs)
		if err != nil && !errors.Is(err, faultfs.ErrInjected) {
			t.Fatalf("operation %d failed: the error does not say so: %v", op, err)
		}
		s.mustBe(fmt.Sprintf("operation %d failed", op), fs.Clone(), states, acknowledged)
	}
}

// A flipped byte is found, or does no harm; it is never served, and never
// answered by an older state.
func TestFlippedBytes(t *testing.T) {
	s := newStory(t)
	states := s.states()
	want := states[len(states)-1]
	whole := faultfs.New()
	if _, err := s.tell(whole); err != nil {
		t.Fatal(err)
	}
	found := 0
	for name, size := range whole.Files() {
		for offset := int64(0); offset < size; offset += stride(offset) {
			fs := whole.Clone()
			if err := fs.Flip(name, offset, 0x40); err != nil {
				t.Fatal(err)
			}
			got, err := s.reopen(fs)
			if err != nil {
				found++
				continue
			}
			if got != want {
				t.Fatalf("%s, byte %d: another state without an error:\n%s", name, offset, got)
			}
		}
	}
	if found == 0 {
		t.Fatal("no flipped byte was found")
	}
}

// stride looks at the bytes where the data is (at each with -soak; package nbs
// does so always), and at some of the zeros that files are filled with ahead.
func stride(offset int64) int64 {
	switch {
	case offset >= 12<<10:
		return 4099
	case *soak:
		return 1
	}
	return 7
}

// reopen returns the state of a database, or the error or damage that it reports.
func (s *story) reopen(fs *faultfs.FS) (string, error) {
	db, err := s.open(fs)
	if err != nil {
		return "", err
	}
	defer db.Close()
	if err := db.Damage(); err != nil {
		return "", err
	}
	return s.state(db)
}

// A store that was not closed is scanned when it is opened: damage before its
// last commit makes it read-only. (Where an index spares the scan, damage is
// found on reading.)
func TestDamagedStoreOpensReadOnly(t *testing.T) {
	s := newStory(t)
	running := faultfs.New()
	open, err := s.open(running)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	for _, step := range s.steps {
		if err := step(open); err != nil {
			t.Fatal(err)
		}
	}
	fs := running.Clone()
	for name := range fs.Files() {
		if strings.Contains(name, "journal") && !strings.HasSuffix(name, ".index") {
			if err := fs.Flip(name, 1500, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	db, err := s.open(fs)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Damage(); err == nil || !strings.Contains(err.Error(), "journal") {
		t.Fatalf("damage: %v", err)
	}
	b, err := db.Branch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Commit(t.Context(), vdb.Message{AllowEmpty: true})
	var damage *nbs.DamageError
	if !errors.Is(err, vdb.ErrReadOnly) || !errors.As(err, &damage) {
		t.Fatalf("a commit to a damaged store: %v", err)
	}
}
