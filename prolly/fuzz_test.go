package prolly

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
)

// FuzzDecodeNode accepts what it accepts only if every access is in bounds.
func FuzzDecodeNode(f *testing.F) {
	for _, frozen := range frozen() {
		s := newStore()
		frozen.m.build(f, frozen.cfg, s)
		for _, chunk := range s.chunks {
			if len(chunk) < 10_000 {
				f.Add(chunk)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, err := range Addresses(data) {
			if err != nil {
				break
			}
		}
		var n Node
		if n.open(data) == nil {
			n.search([]byte("some key"))
		}
		n, err := DecodeNode(data)
		if err != nil {
			return
		}
		for i := range n.Len() {
			key := n.Key(i)
			if n.search(key) != i || !n.matches(i, key) {
				t.Fatalf("key %d is found at %d", i, n.search(key))
			}
			if n.Level() == 0 && n.Value(i) == nil {
				t.Fatalf("value %d is nil", i)
			}
		}
	})
}

// FuzzEdits reads a sequence of batches out of bytes, and compares the tree
// with the one that Build makes.
func FuzzEdits(f *testing.F) {
	f.Add([]byte("\x01\x05hello\x02world"), uint8(0))
	f.Add(bytes.Repeat([]byte{7, 200, 3, 9, 0}, 40), uint8(2))
	f.Fuzz(func(t *testing.T, script []byte, kind uint8) {
		w := workloads()[int(kind)%3]
		tree, m := New(&w.cfg, newStore()), model{}
		for len(script) > 0 {
			var edits []Edit
			edits, script = scripted(script)
			m.apply(edits)
			tree = tree.mustApply(t, edits)
		}
		if built := m.build(t, &w.cfg, newStore()); built.Hash() != tree.Hash() {
			t.Fatalf("edited to %s, built %s", tree.Hash(), built.Hash())
		}
	})
}

// scripted reads a batch: each two bytes are a key and a value's length (from
// 250 on: delete), a key of 0 ends the batch.
func scripted(script []byte) ([]Edit, []byte) {
	batch, deleted := model{}, map[string]bool{}
	for len(script) >= 2 && script[0] != 0 {
		key := string(script[:1]) + string(bytes.Repeat(script[:1], int(script[0]%3)))
		batch[key] = string(bytes.Repeat(script[1:2], int(script[1])))
		deleted[key] = script[1] >= 250
		script = script[2:]
	}
	var edits []Edit
	for _, k := range batch.keys() {
		e := Edit{Key: []byte(k), Value: []byte(batch[k])}
		if deleted[k] {
			e.Value = nil
		}
		edits = append(edits, e)
	}
	return edits, script[min(1, len(script)):]
}

// FuzzMerge compares Merge with the row-by-row oracle, on three versions that
// come out of a seed.
func FuzzMerge(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, kind uint8) {
		w := workloads()[int(kind)%3]
		w.mergeEqualsRowByRow(t, rand.New(rand.NewPCG(seed, 1)), 4)
	})
}

// TestFuzzScriptMakesTrees keeps the fuzz scripts honest: they do make trees.
func TestFuzzScriptMakesTrees(t *testing.T) {
	edits, rest := scripted([]byte("\x01\x05\x02\xff\x00\x03\x01"))
	if len(edits) != 2 || edits[1].Value != nil || !bytes.Equal(rest, []byte{3, 1}) {
		t.Fatalf("script gives %v, rest %x", edits, rest)
	}
	tree := New(nil, newStore()).mustApply(t, edits)
	if n, err := tree.Count(context.Background()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
}
