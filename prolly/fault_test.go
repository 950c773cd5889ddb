package prolly

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/vdbgo/vdb/hash"
)

// failingStore fails from the n-th operation on.
type failingStore struct {
	*memStore
	left int
}

var errFault = errors.New("injected fault")

func (s *failingStore) fault() error {
	if s.left--; s.left < 0 {
		return errFault
	}
	return nil
}

func (s *failingStore) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	if err := s.fault(); err != nil {
		return nil, err
	}
	return s.memStore.Get(ctx, h)
}

func (s *failingStore) Put(ctx context.Context, data []byte) (hash.Hash, error) {
	if err := s.fault(); err != nil {
		return hash.Hash{}, err
	}
	return s.memStore.Put(ctx, data)
}

// verbs runs each verb on trees that differ, and returns their errors.
func verbs(ctx context.Context, base, ours, theirs Tree, edits []Edit) map[string]error {
	errs := map[string]error{}
	_, errs["Build"] = Build(ctx, base.cfg, base.store, base.Items(ctx, Range{}))
	_, errs["Apply"] = base.Apply(ctx, edits)
	_, errs["EditSeq"] = base.EditSeq(ctx, sequence(edits))
	_, errs["Merge"] = Merge(ctx, base, ours, theirs, resolveByVerdict)
	_, errs["CountDiff"] = CountDiff(ctx, base, ours, Range{})
	_, errs["Count"] = base.Count(ctx)
	_, _, errs["Get"] = base.Get(ctx, edits[0].Key)
	_, errs["Rank"] = base.Rank(ctx, edits[0].Key)
	_, errs["At"] = base.At(ctx, 1)
	_, errs["Pages"] = base.Pages(ctx)
	_, errs["Height"] = base.Height(ctx)
	errs["Check"] = Check(ctx, base)
	errs["Items"] = drain(base.Items(ctx, Range{}))
	errs["Backward"] = drain(base.Backward(ctx, Range{}))
	return errs
}

func drain(seq iter.Seq2[Item, error]) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

// faultTrees are three versions of a tree, with edits for the first.
func faultTrees(t *testing.T, s Store) (base, ours, theirs Tree, edits []Edit) {
	w, r := workloads()[0], randomOf(t, 7)
	m := model{}
	for len(m) < 60 {
		m.apply(w.edits(r, m))
	}
	o, th := m.clone(), m.clone()
	o.apply(w.edits(r, o))
	th.apply(w.edits(r, th))
	for len(edits) == 0 {
		edits = mixed(r, model{string(w.key(r)): "a", string(w.key(r)): "b", "\x00": "c"}, m)
	}
	return m.build(t, &w.cfg, s), o.build(t, &w.cfg, s), th.build(t, &w.cfg, s), edits
}

// TestStoreFaultsAreReported fails every operation in turn: a verb either never
// came that far, or says what happened.
func TestStoreFaultsAreReported(t *testing.T) {
	ctx, s := context.Background(), newStore()
	base, ours, theirs, edits := faultTrees(t, s)
	for verb := range verbs(ctx, base, ours, theirs, edits) {
		for n := 0; ; n++ {
			f := &failingStore{newStore(), n}
			f.chunks = s.chunks
			err := verbs(ctx, base.WithStore(f), ours.WithStore(f), theirs.WithStore(f), edits)[verb]
			if err == nil {
				break
			}
			if !errors.Is(err, errFault) {
				t.Fatalf("%s with fault %d: %v", verb, n, err)
			}
			if n > 10_000 {
				t.Fatalf("%s never ends", verb)
			}
		}
	}
}

func TestCancelledContext(t *testing.T) {
	s := newStore()
	base, ours, theirs, edits := faultTrees(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for verb, err := range verbs(ctx, base, ours, theirs, edits) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v", verb, err)
		}
	}
}

// TestFlippedBits changes every byte of every chunk: no verb may panic, and
// Check notices whatever the decoder lets pass.
func TestFlippedBits(t *testing.T) {
	ctx, s := context.Background(), newStore()
	base, ours, theirs, edits := faultTrees(t, s)
	for h, chunk := range s.chunks {
		for i := range chunk {
			damaged := append([]byte{}, chunk...)
			damaged[i] ^= 1 << (i % 8)
			s.chunks[h] = damaged
			o := newOverlay(s)
			verbs(ctx, base.WithStore(o), ours.WithStore(o), theirs.WithStore(o), edits)
			if noticed := Check(ctx, base) != nil || Check(ctx, ours) != nil || Check(ctx, theirs) != nil; !noticed {
				t.Fatalf("byte %d of chunk %s flipped, and Check is content", i, h)
			}
		}
		s.chunks[h] = chunk
	}
}

func TestOrderIsChecked(t *testing.T) {
	ctx, s := context.Background(), newStore()
	tree := model{"a": "1", "b": "2", "c": "3"}.build(t, nil, s)
	for _, keys := range [][]string{{"b", "a"}, {"b", "b"}, {"a", "c", "b"}} {
		var edits []Edit
		for _, k := range keys {
			edits = append(edits, Edit{Key: []byte(k), Value: []byte("9")})
		}
		if _, err := tree.Apply(ctx, edits); !errors.Is(err, ErrOrder) {
			t.Errorf("Apply(%q): %v", keys, err)
		}
		if _, err := tree.EditSeq(ctx, sequence(edits)); !errors.Is(err, ErrOrder) {
			t.Errorf("EditSeq(%q): %v", keys, err)
		}
		if _, err := Build(ctx, nil, s, itemsOf(edits)); !errors.Is(err, ErrOrder) {
			t.Errorf("Build(%q): %v", keys, err)
		}
	}
}

func itemsOf(edits []Edit) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for _, e := range edits {
			if !yield(Item(e), nil) {
				return
			}
		}
	}
}

func TestSequenceErrorsAreReported(t *testing.T) {
	ctx, s := context.Background(), newStore()
	broken := errors.New("broken source")
	if _, err := Build(ctx, nil, s, func(yield func(Item, error) bool) { yield(Item{}, broken) }); !errors.Is(err, broken) {
		t.Errorf("Build: %v", err)
	}
	if _, err := New(nil, s).EditSeq(ctx, func(yield func(Edit, error) bool) { yield(Edit{}, broken) }); !errors.Is(err, broken) {
		t.Errorf("EditSeq: %v", err)
	}
}

func TestBlobChunkIsNoTree(t *testing.T) {
	ctx, s := context.Background(), newStore()
	h, err := s.Put(ctx, append(make([]byte, blobHeaderSize), "no tree"...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(nil, s, h).Count(ctx); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("Count of what is no node: %v", err)
	}
}
