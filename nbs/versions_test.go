package nbs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

// versioned writes commits as a database does: each leads to a node, which leads to
// leaves, and to the commits before. The store's root leads to the branches.
type versioned struct {
	*graph
	random   *rand.Rand
	branches []branch
	commits  uint64
	old      [][]byte // leaves of the past, which may come again
}

type branch struct {
	head   hash.Hash
	leaves [][]byte
}

const commitMark = 'C'

// made is the form of the test's chunks that links reads.
func made(content string, to ...hash.Hash) []byte {
	data := []byte{byte(len(to))}
	for _, h := range to {
		data = append(data, h[:]...)
	}
	return append(data, content...)
}

// versionsOf is the test's nbs.VersionsFunc.
func versionsOf(data []byte, leads []hash.Hash) ([]hash.Hash, hash.Hash) {
	content := data[1+int(data[0])*hash.Size:]
	if len(content) == 0 || content[0] != commitMark || len(leads) < 2 {
		return leads, hash.Hash{}
	}
	return leads[:1], leads[1]
}

func openVersions(t *testing.T, dir string) *nbs.Store {
	t.Helper()
	return openLinked(t, dir, nbs.Options{Versions: versionsOf, CollectGrowth: -1})
}

func newVersioned(seed uint64) *versioned {
	h := &versioned{graph: &graph{chunks: map[hash.Hash][]byte{}}, random: rand.New(rand.NewPCG(seed, 1))}
	b := branch{}
	for i := range uint64(20) {
		b.leaves = append(b.leaves, made("leaf "+string(nbstest.Chunk(i, 1500))))
	}
	h.branches = []branch{b}
	return h
}

// change changes a leaf of a branch: some bytes, its length, to what it was once, or
// adds or removes one.
func (h *versioned) change(b *branch) {
	b.leaves = slices.Clone(b.leaves)
	i := h.random.IntN(len(b.leaves))
	h.old = append(h.old, b.leaves[i])
	leaf := slices.Clone(b.leaves[i])
	at := 1 + h.random.IntN(len(leaf)-1)
	some := fmt.Appendf(nil, "%d", h.random.IntN(100_000))
	switch h.random.IntN(12) {
	case 0:
		leaf = slices.Insert(leaf, at, some...)
	case 1:
		leaf = slices.Clone(h.old[h.random.IntN(len(h.old))])
	case 2:
		b.leaves = slices.Insert(b.leaves, i, made("leaf "+string(some)))
	case 3:
		if len(b.leaves) > 3 {
			b.leaves = slices.Delete(b.leaves, i, i+1)
			return
		}
	default:
		copy(leaf[at:], some)
	}
	b.leaves[i] = leaf
}

// commit adds a commit to branch n, perhaps one that follows another branch, too.
func (h *versioned) commit(t *testing.T, s *nbs.Store, n int) {
	t.Helper()
	ctx := t.Context()
	w := s.NewWriter()
	put := func(data []byte) hash.Hash {
		address, err := h.put(ctx, w, data)
		must(t, err)
		return address
	}
	b := &h.branches[n]
	h.change(b)
	var leaves []hash.Hash
	for _, leaf := range b.leaves {
		leaves = append(leaves, put(leaf))
	}
	h.commits++
	to := []hash.Hash{put(made("node", leaves...))}
	if !b.head.IsZero() {
		to = append(to, b.head)
	}
	if other := h.branches[h.random.IntN(len(h.branches))].head; h.random.IntN(10) == 0 && !other.IsZero() {
		to = append(to, other)
	}
	b.head = put(made(fmt.Sprintf("%c commit %d", commitMark, h.commits), to...))
	must(t, s.Commit(ctx, w, func(ctx context.Context, _ hash.Hash) (hash.Hash, error) { return h.put(ctx, w, h.root()) }))
}

func (h *versioned) root() []byte {
	var heads []hash.Hash
	for _, b := range h.branches {
		if !b.head.IsZero() {
			heads = append(heads, b.head)
		}
	}
	return made("root", heads...)
}

// fork adds a branch, or forgets one.
func (h *versioned) fork() {
	i := h.random.IntN(len(h.branches))
	if h.branches[i].head.IsZero() {
		return
	}
	if len(h.branches) < 5 {
		h.branches = append(h.branches, h.branches[i])
	} else {
		h.branches = slices.Delete(h.branches, i, i+1)
	}
}

// TestVersions collects a history with branches, merges and contents that come again,
// now and then and in many tables, and reads all of it, and nothing else, back.
func TestVersions(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			fsys := faultfs.New() // quicker than a disk
			open := func() *nbs.Store {
				return openLinked(t, faultDir, nbs.Options{FS: fsys, Versions: versionsOf, CollectGrowth: -1})
			}
			s := open()
			h := newVersioned(seed)
			for range 25 {
				for range 1 + h.random.IntN(25) {
					h.commit(t, s, h.random.IntN(len(h.branches)))
				}
				if h.random.IntN(3) == 0 {
					h.fork()
				}
				full := h.random.IntN(5) == 0
				if _, err := s.Collect(t.Context(), &nbs.CollectOptions{Full: full}); err != nil {
					t.Fatal(err)
				}
				root, err := s.Root(t.Context())
				must(t, err)
				if full {
					h.wantOnly(t, s, root)
				}
				if h.random.IntN(4) == 0 {
					must(t, s.Close())
					s = open()
				}
				h.wantBelow(t, s, root)
			}
			for d, err := range s.Check(t.Context(), nil) {
				t.Error(d, err)
			}
			must(t, s.Close())
		})
	}
}

// TestVersionsAreSmall checks what packs are for, after a collection of what is
// new, and after one of all.
func TestVersionsAreSmall(t *testing.T) {
	dir := t.TempDir()
	s := openVersions(t, dir)
	h := newVersioned(1)
	const commits = 600
	for range 2 {
		for range commits / 2 {
			h.commit(t, s, 0)
		}
		_, err := s.Collect(t.Context(), nil)
		must(t, err)
	}
	minor := bytesOf(t, dir)
	_, err := s.Collect(t.Context(), &nbs.CollectOptions{Full: true})
	must(t, err)
	all := bytesOf(t, dir)
	t.Logf("%d bytes a commit after collections of what was new, %d after one of all", minor/commits, all/commits)
	if minor/commits > 500 || all > minor {
		t.Error("that is too much")
	}
	root, err := s.Root(t.Context())
	must(t, err)
	h.wantBelow(t, s, root)
	h.wantStored(t, s, root, true)
	must(t, s.Close())
}

// TestStored reads what is in journals, tables and packs as it is stored there.
func TestStored(t *testing.T) {
	s := openVersions(t, t.TempDir())
	h := newVersioned(1)
	for n := range 3 {
		for range 40 {
			h.commit(t, s, 0)
		}
		root, err := s.Root(t.Context())
		must(t, err)
		h.wantStored(t, s, root, n > 0)
		_, err = s.Collect(t.Context(), &nbs.CollectOptions{Full: n == 1})
		must(t, err)
		h.wantStored(t, s, root, true)
	}
	must(t, s.Close())
}

// wantStored checks all that a root leads to as it is stored, and that the store tells of
// leaves, and of none else, if it can know of any.
func (g *graph) wantStored(t *testing.T, s *nbs.Store, root hash.Hash, leaves bool) {
	t.Helper()
	var hashes []hash.Hash
	for address := range g.below(root) {
		hashes = append(hashes, address)
	}
	all, err := s.StoredAll(t.Context(), hashes)
	must(t, err)
	told := 0
	for i, address := range hashes {
		c, err := s.Stored(t.Context(), address)
		must(t, err)
		if c.Hash != all[i].Hash || c.Codec != all[i].Codec || string(c.Payload) != string(all[i].Payload) {
			t.Fatalf("chunk %s is another among several", address)
		}
		got, err := c.Data()
		if err != nil || string(got) != string(g.chunks[address]) {
			t.Fatalf("chunk %s as it is stored: %v", address, err)
		}
		leads, err := links(nil, address, got)
		must(t, err)
		if c.Leaf() {
			told++
			if len(leads) > 0 {
				t.Fatalf("chunk %s is said to lead to none, and leads to %d", address, len(leads))
			}
		}
	}
	if leaves != (told > 0) {
		t.Errorf("%d leaves are told of", told)
	}
	if _, err := s.StoredAll(t.Context(), append(hashes, hash.Hash{1})); !errors.Is(err, nbs.ErrNotFound) {
		t.Errorf("a chunk that is not there gave %v", err)
	}
}

// bytesOf is the size of the tables in a directory.
func bytesOf(t *testing.T, dir string) (n int64) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "table-*"))
	must(t, err)
	for _, name := range tables {
		info, err := os.Stat(name)
		must(t, err)
		n += info.Size()
	}
	return n
}
