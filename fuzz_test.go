package vdb

import (
	"bytes"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
)

// seeds are chunks of each kind.
func seeds(f *testing.F) {
	c := &Commit{Root: hash.Of(nil), Parents: []hash.Hash{hash.Of([]byte{1})}, Author: "Audit", Text: "text", Height: 7}
	f.Add(c.encode())
	schema, err := encodeSchema(&Schema{
		Name: "t", Columns: []Column{{Name: "id", Type: "INTEGER"}, {Name: "a", Default: "'x'"}}, PrimaryKey: []string{"id"},
		Indexes:     []Index{{Name: "i", Columns: []IndexColumn{{Name: "a", Desc: true}}}},
		ForeignKeys: []ForeignKey{{Columns: []string{"a"}, Parent: "t"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(schema)
	f.Add(branchState{head: hash.Of(nil), working: version{root: hash.Of([]byte{2})}}.encode())
	f.Add(tableEntry{schema: hash.Of(nil), indexes: []hash.Hash{{}, hash.Of([]byte{3})}}.encode())
	f.Add((&Tag{Commit: hash.Of(nil), Tagger: "Audit", Text: "v1"}).encode())
	tree := patchTree{count: 2, edits: []byte("\x01a\x02v\x01b\x00")}
	p := &patch{
		before: hash.Of(nil), depth: 1, bytes: 12, branch: "main", sequences: map[string]int64{"t": 7},
		edits: tree.append([]byte("\x01t\x01"), 1),
	}
	data, err := p.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
}

// FuzzDecoders gives the decoders bytes of any kind: they must not panic, and
// what they accept must encode to the same bytes.
func FuzzDecoders(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := decodeCommit(hash.Of(data), data); err == nil {
			if again, err := decodeCommit(c.Hash, c.encode()); err != nil || again.Text != c.Text || again.Height != c.Height {
				t.Errorf("commit %+v reads back as %+v, %v", c, again, err)
			}
		}
		if s, err := decodeSchema(data); err == nil {
			if _, err := newLayout(s); err != nil {
				return
			}
			again, err := encodeSchema(s)
			if err != nil {
				t.Fatal(err)
			}
			if twice, err := decodeSchema(again); err != nil || len(twice.Columns) != len(s.Columns) {
				t.Errorf("schema %+v reads back as %+v, %v", s, twice, err)
			}
		}
		if e, err := decodeTableEntry(data); err == nil && !bytes.Equal(e.encode(), data) {
			t.Errorf("table entry %x encodes as %x", data, e.encode())
		}
		if s, err := decodeBranchState(data); err == nil {
			if again, err := decodeBranchState(s.encode()); err != nil || again != s {
				t.Errorf("branch state %+v reads back as %+v, %v", s, again, err)
			}
		}
		fuzzPatch(t, data)
		listedAddresses(data, nil)
		conflictAddresses(data, nil)
		for _, decode := range []func() error{
			func() error { _, err := decodeTagRef(data); return err },
			func() error { _, _, err := chunk.Decode(chunk.Root, data); return err },
			func() error { _, err := parseLiteral(string(data)); return err },
		} {
			_ = decode()
		}
		name, steps := splitRevision(string(data))
		if name+steps != string(data) {
			t.Errorf("revision %q is split into %q and %q", data, name, steps)
		}
		if checkRefName(string(data)) == nil && steps != "" {
			t.Errorf("a branch may be called %q, which is a revision with steps", data)
		}
	})
}

// fuzzPatch reads a patch, whose edits must be whole.
func fuzzPatch(t *testing.T, data []byte) {
	p, err := decodePatch(hash.Of(data), data)
	if err != nil {
		return
	}
	if again, err := p.encode(); err != nil || len(again) == 0 {
		t.Errorf("patch %+v: %v", p, err)
	}
	b := &branchPatches{tables: map[string]map[int][]prolly.Edit{}}
	if b.add(p) != nil {
		return
	}
	for name, trees := range b.tables {
		for place, edits := range trees {
			if place < 0 || place > maxIndexes {
				t.Errorf("table %s has a tree at %d", name, place)
			}
			for i, e := range lastOfEach(edits) {
				if e.Key == nil {
					t.Errorf("edit %d of table %s, tree %d, has no key", i, name, place)
				}
			}
		}
	}
}
