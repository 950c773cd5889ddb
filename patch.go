package vdb

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
)

// patch is a store root that says what a small transaction has changed since the root
// before it, which is a list of all refs or another patch. To append one costs what its
// edits take; the trees are edited when somebody wants them, for many patches at once
// (see settle). What it stands for is a function of the root before and its edits, so
// that everybody who settles it comes to the same trees.
type patch struct {
	hash   hash.Hash // its own address
	before hash.Hash
	// depth and bytes are of the patches since the last list of refs, with this one.
	depth, bytes uint64
	branch       string
	// sequences are those of the database from then on; nil if they are as before.
	sequences map[string]int64
	edits     []byte // encoded, see patchEdits
	// values are the addresses of long values that the edits hold.
	values []hash.Hash
}

const (
	// maxPatchBytes bounds the edits of one patch: who changes more edits the trees.
	maxPatchBytes = 512 << 10
	// maxPatchValues is how many long values a patch can lead to: a chunk counts its
	// addresses in one byte.
	maxPatchValues = 250
	// maxPatchedBytes and maxPatches bound the patches that follow each other, and so
	// what a reader may have to do for its first read.
	maxPatchedBytes, maxPatches = 2 << 20, 4096
)

// encode lays a patch out as a chunk:
//
//	addresses: the root before, long values …
//	depth (uvarint) | bytes (uvarint) | branch (string) | sequences (JSON as a string, or "") | edits
func (p *patch) encode() ([]byte, error) {
	payload := make([]byte, 0, 4*binary.MaxVarintLen64+len(p.branch)+len(p.edits))
	payload = binary.AppendUvarint(payload, p.depth)
	payload = binary.AppendUvarint(payload, p.bytes)
	payload = appendString(payload, p.branch)
	var counted []byte
	if p.sequences != nil {
		var err error
		if counted, err = json.Marshal(p.sequences); err != nil {
			return nil, err
		}
	}
	payload = appendString(payload, string(counted))
	payload = append(payload, p.edits...)
	return chunk.Encode(chunk.Patch, append([]hash.Hash{p.before}, p.values...), payload), nil
}

func decodePatch(h hash.Hash, data []byte) (*patch, error) {
	addresses, payload, err := chunk.Split(chunk.Patch, data)
	if err != nil {
		return nil, err
	}
	if len(addresses) == 0 {
		return nil, fmt.Errorf("patch %s follows nothing", h)
	}
	f := fields{data: payload}
	p := &patch{hash: h, before: hash.Hash(addresses), depth: f.uint(), bytes: f.uint(), branch: f.string()}
	if counted := f.string(); counted != "" && f.err == nil {
		f.err = json.Unmarshal([]byte(counted), &p.sequences)
	}
	if p.edits = f.data; f.err != nil {
		return nil, fmt.Errorf("patch %s: %w", h, f.err)
	}
	return p, nil
}

// isPatch tells a patch from a list of refs.
func isPatch(data []byte) bool { return chunk.KindOf(data) == chunk.Patch }

// patches yields the patches from a root back to until or to the refs that they were made
// to, whose address it returns.
func patches(ctx context.Context, s chunkReader, root, until hash.Hash, each func(*patch) (more bool)) (base hash.Hash, err error) {
	for root != until && !root.IsZero() {
		data, err := s.Get(ctx, root)
		if err != nil || !isPatch(data) {
			return root, err
		}
		p, err := decodePatch(root, data)
		if err != nil {
			return root, err
		}
		if !each(p) {
			break
		}
		root = p.before
	}
	return root, nil
}

// patchedRefs returns the refs of a root or, if it is a patch, those that it and the ones
// before it have been made to: it moves no ref to another commit.
func patchedRefs(ctx context.Context, s prolly.Store, root hash.Hash) (*refs, error) {
	base, err := patches(ctx, s, root, hash.Hash{}, func(*patch) bool { return true })
	if err != nil {
		return nil, err
	}
	return loadRefs(ctx, s, base)
}

// The edits of a patch are, for each table that it changes,
//
//	name (string) | trees (uvarint) | for each tree: place | count | count edits
//
// the place being 0 for the rows and i+1 for index i, and an edit
//
//	key (string) | length of the value + 1, or 0 for none (uvarint) | value

// errNoPatch says that edits are not for a patch.
var errNoPatch = errors.New("too much for a patch")

// patchEdits encodes what a transaction has changed. Long values are written to w.
func (edit *EngineEdit) patchEdits(ctx context.Context, w prolly.Store) (edits []byte, values []hash.Hash, err error) {
	for i := range edit.Tables {
		if edits, values, err = edit.Tables[i].appendPatch(ctx, w, edits, values); err != nil {
			return nil, nil, err
		}
	}
	return edits, values, nil
}

func (t *EngineTableEdit) appendPatch(ctx context.Context, w prolly.Store, edits []byte, values []hash.Hash) ([]byte, []hash.Hash, error) {
	trees := make([]patchTree, 1+len(t.Indexes))
	n := 0
	for i := range trees {
		if err := t.encodeTree(ctx, w, i, &trees[i]); err != nil {
			return nil, nil, err
		}
		if trees[i].count > 0 {
			n++
		}
	}
	if n == 0 {
		return edits, values, nil
	}
	edits = appendString(edits, t.Table.view.schema.Name)
	edits = binary.AppendUvarint(edits, uint64(n))
	for i := range trees {
		if trees[i].count > 0 {
			edits, values = trees[i].append(edits, i), append(values, trees[i].values...)
		}
	}
	if len(edits) > maxPatchBytes || len(values) > maxPatchValues {
		return nil, nil, errNoPatch
	}
	return edits, values, nil
}

// encodeTree encodes the edits of the rows, or of index place-1.
func (t *EngineTableEdit) encodeTree(ctx context.Context, w prolly.Store, place int, tree *patchTree) error {
	items, config := t.Rows, t.Table.view.config
	if place > 0 {
		items, config = t.Indexes[place-1], t.Table.view.index[place-1].config
	}
	if items == nil {
		return nil
	}
	return tree.encode(ctx, w, config, items)
}

// patchTree is the edits of one tree on their way into a patch.
type patchTree struct {
	count  int
	edits  []byte
	values []hash.Hash
}

func (t *patchTree) encode(ctx context.Context, w prolly.Store, config *prolly.Config, items EngineItems) error {
	var offsets []int
	for e, err := range items(ctx, w) {
		if err != nil {
			return err
		}
		t.count++
		t.edits = binary.AppendUvarint(t.edits, uint64(len(e.Key)))
		t.edits = append(t.edits, e.Key...)
		if e.Value == nil {
			t.edits = append(t.edits, 0)
			continue
		}
		t.edits = binary.AppendUvarint(t.edits, uint64(len(e.Value))+1)
		t.edits = append(t.edits, e.Value...)
		if config != nil && config.Addresses != nil {
			offsets = config.Addresses(e.Value, offsets[:0])
			for _, at := range offsets {
				t.values = append(t.values, hash.Hash(e.Value[at:]))
			}
		}
		if len(t.edits) > maxPatchBytes || len(t.values) > maxPatchValues {
			return errNoPatch
		}
	}
	return nil
}

// append adds the edits of the tree at a place to those of its table.
func (t *patchTree) append(dst []byte, place int) []byte {
	dst = binary.AppendUvarint(dst, uint64(place))
	dst = binary.AppendUvarint(dst, uint64(t.count))
	return append(dst, t.edits...)
}

// branchPatches are the edits that patches make to a branch, the last one of each key.
type branchPatches struct {
	newest hash.Hash // patch of the branch
	tables map[string]map[int][]prolly.Edit
}

// add adds the edits of the patch that comes next.
func (b *branchPatches) add(p *patch) error {
	b.newest = p.hash
	f := fields{data: p.edits}
	for len(f.data) > 0 && f.err == nil {
		name := f.string()
		trees := b.tables[name]
		if trees == nil {
			trees = map[int][]prolly.Edit{}
			b.tables[name] = trees
		}
		for n := f.uint(); n > 0 && f.err == nil; n-- {
			place := f.uint()
			if place > maxIndexes {
				f.fail()
				break
			}
			edits := trees[int(place)]
			for count := f.uint(); count > 0 && f.err == nil; count-- {
				edits = append(edits, f.edit())
			}
			trees[int(place)] = edits
		}
	}
	if f.err != nil {
		return fmt.Errorf("patch %s: %w", p.hash, f.err)
	}
	return nil
}

// edit reads an edit of a patch. Its bytes are those of the payload.
func (f *fields) edit() prolly.Edit {
	e := prolly.Edit{Key: f.bytes(f.uint())}
	if n := f.uint(); n > 0 {
		e.Value = f.bytes(n - 1)
	}
	return e
}

// lastOfEach sorts edits by their keys, and keeps the last one of each.
func lastOfEach(edits []prolly.Edit) []prolly.Edit {
	slices.SortStableFunc(edits, compareKeys)
	kept := edits[:0]
	for i, e := range edits {
		if i+1 == len(edits) || compareKeys(e, edits[i+1]) != 0 {
			kept = append(kept, e)
		}
	}
	return kept
}

// apply makes the edits to a version of the branch. Nodes are put into s.
func (b *branchPatches) apply(ctx context.Context, db *DB, s prolly.Store, v version) (version, error) {
	snap := db.newSnapshot(ctx, s, v)
	var entries []prolly.Edit
	for name, trees := range b.tables {
		t, err := snap.loadTable(name)
		if err != nil {
			return version{}, fmt.Errorf("table %s: %w", name, err)
		}
		if err := t.patch(ctx, trees); err != nil {
			return version{}, fmt.Errorf("table %s: %w", name, err)
		}
		entries = append(entries, prolly.Edit{Key: tableKey(name), Value: t.entry.encode()})
	}
	sortEdits(entries)
	root, err := snap.root.Apply(ctx, entries)
	return version{root: root.Hash(), ids: v.ids}, err
}

// patch makes edits to the table's trees, by their places.
func (t *tableView) patch(ctx context.Context, trees map[int][]prolly.Edit) error {
	for place, edits := range trees {
		var err error
		switch {
		case place == 0:
			t.rows.tree, err = t.rows.tree.Apply(ctx, lastOfEach(edits))
			t.entry.rows = t.rows.tree.Hash()
		case place <= len(t.indexes):
			x := &t.indexes[place-1]
			x.tree, err = x.tree.Apply(ctx, lastOfEach(edits))
			t.entry.indexes[place-1] = x.tree.Hash()
		default:
			err = fmt.Errorf("a patch of index %d of %d", place, len(t.indexes))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
