package prolly

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/hash"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// TestKeyHashVectors freezes the hash that boundaries rest on.
func TestKeyHashVectors(t *testing.T) {
	for _, v := range []struct {
		level int
		key   string
		want  uint32
	}{
		{0, "", 0x365c405b},
		{0, "a", 0x13ea62d6},
		{0, "abc", 0xb85207e0},
		{0, "abcd", 0x2e0ba119},
		{0, "12345678", 0xf7e2b508},
		{1, "12345678", 0x60c6eb5f},
		{2, "123456789", 0x7fbe8018},
		{0, "a key of more than sixteen bytes", 0xc342283e},
	} {
		rule := newRule(v.level, 0, 0, 4096)
		if got := keyHash(rule.seed, []byte(v.key)); got != v.want {
			t.Errorf("{%d, %q, %#x}", v.level, v.key, got)
		}
	}
}

// frozen are trees whose addresses must never change.
func frozen() []struct {
	name string
	cfg  *Config
	m    model
} {
	w := workloads()
	small, large, wide := model{}, model{}, model{}
	for i := range 60 {
		small[fmt.Sprintf("key %02d", i)] = strings.Repeat("v", i%9)
	}
	for i := range 5000 {
		key := binary.BigEndian.AppendUint64(nil, uint64(i*i))
		large[string(key)] = strings.Repeat(string(key), i%20)
	}
	for i := range 5 {
		wide[fmt.Sprint(i)] = strings.Repeat("w", 30_000*i)
	}
	return []struct {
		name string
		cfg  *Config
		m    model
	}{{"tiny", &w[0].cfg, small}, {"measured", &w[2].cfg, small}, {"default", nil, large}, {"wide", nil, wide}}
}

// TestGoldenShapes compares the small trees' nodes, and all trees' addresses,
// with testdata/shapes.txt; go test -run Golden -rewrite writes it.
func TestGoldenShapes(t *testing.T) {
	const file = "testdata/shapes.txt"
	var b strings.Builder
	for _, f := range frozen() {
		s := newStore()
		tree := f.m.build(t, f.cfg, s)
		fmt.Fprintf(&b, "%s %s\n", f.name, tree.Hash())
		if len(f.m) <= 60 {
			describe(t, &b, s, tree.Hash(), "  ")
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("shapes differ from %s:\n%s", file, b.String())
	}
}

func describe(t *testing.T, b *strings.Builder, s *memStore, h hash.Hash, indent string) {
	n, err := DecodeNode(s.chunks[h])
	if err != nil {
		t.Fatal(err)
	}
	last := n.Len() - 1
	fmt.Fprintf(b, "%slevel %d: %q–%q, %d items, %d rows, %d bytes\n",
		indent, n.Level(), n.Key(0), n.Key(last), n.Len(), n.CountThrough(last), len(n.Bytes()))
	for i := range n.Len() {
		if n.Level() > 0 {
			describe(t, b, s, n.Child(i), indent+"  ")
		}
	}
}

// TestLeafSizes holds the distribution that the boundary rule promises.
func TestLeafSizes(t *testing.T) {
	s := newStore()
	if _, err := Build(context.Background(), nil, s, benchItems(200_000)); err != nil {
		t.Fatal(err)
	}
	var count, sum, squares float64
	for _, chunk := range s.chunks {
		if n, err := DecodeNode(chunk); err != nil {
			t.Fatal(err)
		} else if n.Level() > 0 {
			continue
		}
		size := float64(len(chunk))
		count, sum, squares = count+1, sum+size, squares+size*size
	}
	mean := sum / count
	cv := math.Sqrt(squares/count-mean*mean) / mean
	t.Logf("%.0f leaves, mean %.0f bytes, coefficient of variation %.3f", count, mean, cv)
	if mean < 3500 || mean > 4500 || cv < 0.25 || cv > 0.34 {
		t.Errorf("mean %.0f bytes, coefficient of variation %.3f", mean, cv)
	}
}

// TestWorkIsLocal counts chunks: what reads and writes must not grow with the
// tree, whatever becomes of the code.
func TestWorkIsLocal(t *testing.T) {
	ctx, s := context.Background(), newStore()
	base, err := Build(ctx, nil, s, benchItems(200_000))
	if err != nil {
		t.Fatal(err)
	}
	height, err := base.Height(ctx)
	if err != nil {
		t.Fatal(err)
	}
	counted := func(work func()) (gets, puts int) {
		s.gets, s.puts = 0, 0
		work()
		return s.gets, s.puts
	}
	limit := func(what string, got, most int) {
		t.Logf("%s: %d, at most %d", what, got, most)
		if got > most {
			t.Errorf("%s: %d, want at most %d", what, got, most)
		}
	}
	var ours, theirs Tree
	_, puts := counted(func() { ours = base.mustApply(t, benchRow(300, 1)) })
	limit("nodes written by an update", puts, height)
	leaves := 0
	inserts := uint64(200)
	for i := range inserts {
		_, puts := counted(func() { base.mustApply(t, benchRow(2*i*997+1, 1)) })
		leaves += puts - height + 1
	}
	limit("leaves written by 200 inserts", leaves, 300)
	theirs = base.mustApply(t, benchRow(390_000, 1))
	gets, _ := counted(func() { changes(t, base, ours, Range{}) })
	limit("nodes read by a diff of one change", gets, 2*height)
	gets, puts = counted(func() {
		if _, err := Merge(ctx, base, ours, theirs, resolveByVerdict); err != nil {
			t.Fatal(err)
		}
	})
	limit("nodes read by a merge of two changes", gets, 3*height)
	limit("nodes written by a merge of two changes", puts, height)
	theirs = base.mustApply(t, benchEdits(100_000, 0, 50_000))
	gets, puts = counted(func() {
		if _, err := Merge(ctx, base, ours, theirs, resolveByVerdict); err != nil {
			t.Fatal(err)
		}
	})
	limit("nodes read by a merge with 100,000 clustered changes", gets, 5*height)
	limit("nodes written by it", puts, 2*height)
}

func benchRow(key uint64, mark byte) []Edit {
	value := make([]byte, 100)
	value[50] = mark
	return []Edit{{Key: benchKey(key), Value: value}}
}

// TestPagesAddUp compares the cumulative page counts with a sum over the nodes.
func TestPagesAddUp(t *testing.T) {
	ctx := context.Background()
	for _, w := range workloads() {
		r, m, s := randomOf(t, 9), model{}, newStore()
		for len(m) < 100 {
			m.apply(w.edits(r, m))
		}
		tree := m.build(t, &w.cfg, s)
		want := uint64(0)
		for _, chunk := range s.chunks {
			n, err := DecodeNode(chunk)
			if err != nil {
				t.Fatal(err)
			}
			if n.Level() == 0 && w.cfg.Pages != nil {
				want += pagesOf(n)
			} else {
				want++
			}
		}
		if pages, err := tree.Pages(ctx); err != nil || pages != want {
			t.Errorf("%s: Pages = %d, %v, want %d", w.name, pages, err, want)
		}
	}
}

// TestLeavesListAddresses finds a blob through the leaf that refers to it.
func TestLeavesListAddresses(t *testing.T) {
	ctx, s := context.Background(), newStore()
	blob, _, err := WriteBlob(ctx, s, strings.NewReader(strings.Repeat("far away ", 4000)))
	if err != nil {
		t.Fatal(err)
	}
	cfg := &Config{LeafTarget: 256, LeafMax: 400, Addresses: func(value []byte, offsets []int) []int {
		if len(value) == 3+hash.Size {
			return append(offsets, 3)
		}
		return offsets
	}}
	m := model{}
	for i := range 200 {
		m[fmt.Sprintf("%04d", i)] = "plain"
	}
	tree := m.build(t, cfg, s)
	m["0077"] = "at:" + string(blob[:])
	tree = tree.mustApply(t, []Edit{{Key: []byte("0077"), Value: []byte(m["0077"])}})
	if tree.Hash() != m.build(t, cfg, newStore()).Hash() {
		t.Fatal("a reference changes the tree's history")
	}
	if err := Check(ctx, tree); err != nil {
		t.Fatal(err)
	}
	nodes := &memStore{chunks: s.chunks}
	alone := reachable(t, nodes, blob)
	withTree := reachable(t, nodes, tree.Hash())
	m["0077"] = "plain"
	if without := reachable(t, nodes, m.build(t, cfg, s).Hash()); withTree != without+alone {
		t.Fatalf("%d chunks with the blob, %d without, %d in it", withTree, without, alone)
	}
}
