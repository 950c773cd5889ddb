package vdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// refs is the tree of all refs, branches with their working sets and tags, and the
// log of how they moved. The store's root leads to both.
type refs struct {
	store prolly.Store
	tree  prolly.Tree
	root  hash.Hash
	log   reflog
	// settled are the patches of branches that were settled to make these refs.
	settled map[hash.Hash]version
}

// Prefixes of a ref's key, git's own.
const (
	headsPrefix = "heads/"
	tagsPrefix  = "tags/"
)

// branchState is what a branch points to.
type branchState struct {
	head    hash.Hash
	working version
	staged  version
	merge   hash.Hash // a merge in progress, or zero
}

func (s *branchState) slots() [6]*hash.Hash {
	return [6]*hash.Hash{&s.head, &s.working.root, &s.working.ids, &s.staged.root, &s.staged.ids, &s.merge}
}

// encode lists each distinct address once, as listedAddresses reads it, then
// for each slot the number of its address; 0 is the zero address.
func (s branchState) encode() []byte {
	addresses := s.slots()
	var slots [len(addresses)]byte
	data := make([]byte, 1, 1+len(addresses)*(hash.Size+1))
	for i, h := range addresses {
		switch first := slices.IndexFunc(addresses[:i], func(d *hash.Hash) bool { return *d == *h }); {
		case h.IsZero():
		case first >= 0:
			slots[i] = slots[first]
		default:
			data[0]++
			slots[i] = data[0]
			data = append(data, h[:]...)
		}
	}
	return append(data, slots[:]...)
}

func decodeBranchState(data []byte) (branchState, error) {
	var s branchState
	slots := s.slots()
	if len(data) == 0 || len(data) != 1+int(data[0])*hash.Size+len(slots) {
		return s, fmt.Errorf("a branch's state of %d bytes is damaged", len(data))
	}
	n := int(data[0])
	for i, slot := range data[1+n*hash.Size:] {
		if int(slot) > n {
			return s, fmt.Errorf("a branch's state has %d addresses, not %d", n, slot)
		}
		if slot > 0 {
			*slots[i] = hash.Hash(data[1+(int(slot)-1)*hash.Size:])
		}
	}
	return s, nil
}

func loadRefs(ctx context.Context, s prolly.Store, root hash.Hash) (*refs, error) {
	r := &refs{store: s, root: root, tree: prolly.New(refsConfig, s)}
	if root.IsZero() {
		return r, nil
	}
	data, err := s.Get(ctx, root)
	if err == nil {
		err = r.decode(data)
	}
	if err == nil {
		err = r.learnGrafts(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("read refs: %w", err)
	}
	return r, nil
}

// errPatched says that a root is a patch of the refs before it.
var errPatched = errors.New("the root is a patch")

// decode reads the store's root.
func (r *refs) decode(data []byte) error {
	if isPatch(data) {
		return errPatched
	}
	addresses, payload, err := chunk.Split(chunk.Root, data)
	if err != nil {
		return err
	}
	if len(addresses) != 3*hash.Size {
		return fmt.Errorf("chunk of kind %#x has %d bytes of addresses", chunk.Root, len(addresses))
	}
	r.tree = prolly.Load(refsConfig, r.store, hash.Hash(addresses))
	f := fields{data: payload}
	r.log.newest, r.log.older = hash.Hash(addresses[hash.Size:]), hash.Hash(addresses[2*hash.Size:])
	r.log.count = f.uint()
	r.log.recent = slices.Clip(f.data) // others read the chunk, too
	return f.err
}

// isNew tells whether nothing has been stored yet.
func (r *refs) isNew() bool { return r.root.IsZero() }

// save writes the store's root.
func (r *refs) save(ctx context.Context) (hash.Hash, error) { return r.store.Put(ctx, r.encode()) }

func (r *refs) encode() []byte {
	payload := binary.AppendUvarint(make([]byte, 0, binary.MaxVarintLen64+len(r.log.recent)), r.log.count)
	payload = append(payload, r.log.recent...)
	return chunk.Encode(chunk.Root, []hash.Hash{r.tree.Hash(), r.log.newest, r.log.older}, payload)
}

func (r *refs) branch(ctx context.Context, name string) (branchState, error) {
	data, ok, err := r.tree.Get(ctx, []byte(headsPrefix+name))
	if err != nil {
		return branchState{}, fmt.Errorf("branch %s: %w", name, err)
	}
	if !ok {
		return branchState{}, fmt.Errorf("branch %s: %w", name, ErrNotFound)
	}
	return decodeBranchState(data)
}

func (r *refs) setBranch(ctx context.Context, name string, s branchState) error {
	return r.edit(ctx, prolly.Edit{Key: []byte(headsPrefix + name), Value: s.encode()})
}

func (r *refs) deleteBranch(ctx context.Context, name string) error {
	return r.edit(ctx, prolly.Edit{Key: []byte(headsPrefix + name)})
}

// tag returns the address of a tag's chunk.
func (r *refs) tag(ctx context.Context, name string) (hash.Hash, error) {
	data, ok, err := r.tree.Get(ctx, []byte(tagsPrefix+name))
	if err != nil {
		return hash.Hash{}, fmt.Errorf("tag %s: %w", name, err)
	}
	if !ok {
		return hash.Hash{}, fmt.Errorf("tag %s: %w", name, ErrNotFound)
	}
	return decodeTagRef(data)
}

func decodeTagRef(data []byte) (hash.Hash, error) {
	if len(data) != 1+hash.Size || data[0] != 1 {
		return hash.Hash{}, fmt.Errorf("a tag of %d bytes is damaged", len(data))
	}
	return hash.Hash(data[1:]), nil
}

func (r *refs) setTag(ctx context.Context, name string, h hash.Hash) error {
	return r.edit(ctx, prolly.Edit{Key: []byte(tagsPrefix + name), Value: append([]byte{1}, h[:]...)})
}

func (r *refs) deleteTag(ctx context.Context, name string) error {
	return r.edit(ctx, prolly.Edit{Key: []byte(tagsPrefix + name)})
}

// edit changes what leads to commits. One that was squashed is kept from then on.
func (r *refs) edit(ctx context.Context, e prolly.Edit) error {
	m, err := r.note(ctx, e)
	if err != nil {
		return err
	}
	leadsTo := []hash.Hash{m.To}
	for i := 0; len(e.Value) > 0 && i < int(e.Value[0]); i++ {
		leadsTo = append(leadsTo, hash.Hash(e.Value[1+i*hash.Size:]))
	}
	for _, h := range leadsTo {
		if err := r.bringBack(ctx, h); err != nil {
			return err
		}
	}
	return r.set(ctx, e)
}

// set changes what the reflog does not follow.
func (r *refs) set(ctx context.Context, e prolly.Edit) (err error) {
	if err := r.keep(ctx, e); err != nil {
		return err
	}
	r.tree, err = r.tree.Apply(ctx, []prolly.Edit{e})
	return err
}

// keep makes sure that what a ref is about to lead to is there, and has not been
// collected since somebody found it.
func (r *refs) keep(ctx context.Context, e prolly.Edit) error {
	w, writes := r.store.(*nbs.Writer)
	if !writes || len(e.Value) == 0 {
		return nil
	}
	was, _, err := r.tree.Get(ctx, e.Key)
	if err != nil {
		return err
	}
	for i := range int(e.Value[0]) {
		h := e.Value[1+i*hash.Size:][:hash.Size]
		if bytes.Contains(was, h) {
			continue
		}
		if err := w.Keep(ctx, hash.Hash(h)); err != nil {
			return err
		}
	}
	return nil
}

// names lists the refs below a prefix in order, with their values.
func (r *refs) names(ctx context.Context, prefix string) iter.Seq2[prolly.Item, error] {
	end := []byte(prefix)
	end[len(end)-1]++
	return func(yield func(prolly.Item, error) bool) {
		for item, err := range r.tree.Items(ctx, prolly.Range{From: []byte(prefix), To: end}) {
			if err == nil {
				item.Key = item.Key[len(prefix):]
			}
			if !yield(item, err) {
				return
			}
		}
	}
}
