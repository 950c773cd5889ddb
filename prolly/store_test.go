package prolly

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vdbgo/vdb/hash"
)

// memStore is a store in a map that counts what is done to it.
type memStore struct {
	chunks     map[hash.Hash][]byte
	gets, puts int
}

func newStore() *memStore { return &memStore{chunks: map[hash.Hash][]byte{}} }

func (s *memStore) Get(_ context.Context, h hash.Hash) ([]byte, error) {
	s.gets++
	data, ok := s.chunks[h]
	if !ok {
		return nil, fmt.Errorf("no chunk %s", h)
	}
	return data, nil
}

func (s *memStore) Put(_ context.Context, data []byte) (hash.Hash, error) {
	s.puts++
	h := hash.Of(data)
	s.chunks[h] = data
	return h, nil
}

// threadedStore is a memStore that hashes on other goroutines.
type threadedStore struct{ *memStore }

func (s threadedStore) PutLater(chunks [][]byte) func(context.Context) ([]hash.Hash, error) {
	done := make(chan []hash.Hash, 1)
	go func() {
		var addresses []hash.Hash
		for _, data := range chunks {
			addresses = append(addresses, hash.Of(data))
		}
		done <- addresses
	}()
	return func(ctx context.Context) ([]hash.Hash, error) {
		for _, data := range chunks {
			if _, err := s.Put(ctx, data); err != nil {
				return nil, err
			}
		}
		return <-done, nil
	}
}

// model is an oracle: a plain map.
type model map[string]string

func (m model) clone() model {
	c := make(model, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

func (m model) keys() []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (m model) items() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for _, k := range m.keys() {
			if !yield(Item{Key: []byte(k), Value: []byte(m[k])}, nil) {
				return
			}
		}
	}
}

func (m model) apply(edits []Edit) {
	for _, e := range edits {
		if e.Value == nil {
			delete(m, string(e.Key))
		} else {
			m[string(e.Key)] = string(e.Value)
		}
	}
}

// build returns the tree of a model.
func (m model) build(t testing.TB, cfg *Config, s Store) Tree {
	t.Helper()
	tree, err := Build(context.Background(), cfg, s, m.items())
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// randomOf returns a generator whose seed the test prints when it fails.
func randomOf(t testing.TB, seed uint64) *rand.Rand {
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// items collects a sequence.
func items(t testing.TB, seq iter.Seq2[Item, error]) []Item {
	t.Helper()
	var all []Item
	for item, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, item)
	}
	return all
}

// wantItems checks that a tree holds what a model does.
func wantItems(t testing.TB, tree Tree, m model) {
	t.Helper()
	got := items(t, tree.Items(context.Background(), Range{}))
	keys := m.keys()
	if len(got) != len(keys) {
		t.Fatalf("tree has %d items, want %d", len(got), len(keys))
	}
	for i, k := range keys {
		if string(got[i].Key) != k || !bytes.Equal(got[i].Value, []byte(m[k])) {
			t.Fatalf("item %d is %x, want %x", i, got[i].Key, k)
		}
	}
}
