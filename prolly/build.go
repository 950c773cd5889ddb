package prolly

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/vdbgo/vdb/hash"
)

// ErrOrder is wrapped by errors about keys that do not ascend strictly.
var ErrOrder = errors.New("keys do not ascend")

// ErrTooLarge is wrapped by errors about keys or values of more than 256 MiB.
var ErrTooLarge = errors.New("key or value is too large")

// Build writes a tree of items, whose keys ascend strictly. An item's bytes are
// borrowed until the next one is asked for.
func Build(ctx context.Context, cfg *Config, s Store, items iter.Seq2[Item, error]) (Tree, error) {
	b := newBuilder(cfg, s)
	var last []byte
	first := true
	for item, err := range items {
		if err != nil {
			return Tree{}, fmt.Errorf("prolly: build: %w", err)
		}
		if !first && bytes.Compare(last, item.Key) >= 0 {
			return Tree{}, fmt.Errorf("prolly: build: %w: %x after %x", ErrOrder, item.Key, last)
		}
		if err := b.row(ctx, item.Key, item.Value); err != nil {
			return Tree{}, fmt.Errorf("prolly: build: %w", err)
		}
		last, first = append(last[:0], item.Key...), false
	}
	return b.tree(ctx, "build")
}

// builder makes a tree from left to right, out of rows and of whole subtrees of
// other trees. Build, Edit and Merge all feed one; since it alone decides where
// nodes end, the tree depends on the contents only, however they arrive.
//
// A subtree is taken whole only where its nodes are the ones that its rows
// would make: where every level below it has just ended a node, and where its
// own end is one that the rule made. The last node of a tree just stops, so a
// subtree at the right edge is held back until it is known what follows it:
// nothing, and it is taken whole after all, or something, and it is opened.
type builder struct {
	cfg     *Config
	store   Store
	levels  []chunker
	held    subtree
	holds   bool
	heldKey []byte // buffer
	scratch []byte // for keys that have to be put together
	spliced bool   // a subtree was taken whole
	leaves  leaves // that the builder has made, and does not know the addresses of
}

// subtree is a node of a tree that the builder's store has.
type subtree struct {
	entry
	level int
	edge  bool // last node of its level in its tree
}

func newBuilder(cfg *Config, s Store) *builder {
	b := &builder{}
	b.begin(cfg, s)
	return b
}

// begin makes a builder ready, which may have buffers of an earlier use.
func (b *builder) begin(cfg *Config, s Store) {
	if cfg == nil {
		cfg = &Config{}
	}
	if b.levels == nil {
		b.levels = make([]chunker, 0, usualHeight)
	}
	b.cfg, b.store = cfg, s
	b.leaves.store, _ = s.(laterStore)
}

// end leaves nothing but buffers for the next use.
func (b *builder) end() {
	for i := range b.levels {
		b.levels[i].trim()
	}
	b.leaves.end()
	*b = builder{levels: b.levels[:0], heldKey: b.heldKey, scratch: b.scratch, leaves: b.leaves}
	if max(cap(b.heldKey), cap(b.scratch)) > keptBytes {
		b.heldKey, b.scratch = nil, nil
	}
}

// row takes an item, with a key above all before.
func (b *builder) row(ctx context.Context, key, value []byte) error {
	if b.holds {
		if err := b.release(ctx); err != nil {
			return err
		}
	}
	return b.put(ctx, key, value)
}

func (b *builder) put(ctx context.Context, key, value []byte) error {
	if len(key) > maxItemBytes || len(value) > maxItemBytes {
		return fmt.Errorf("%w: %d + %d bytes", ErrTooLarge, len(key), len(value))
	}
	if b.at(0).addRow(b.cfg, key, value) {
		return b.flush(ctx, 0)
	}
	return nil
}

// rows takes items i to j of a leaf.
func (b *builder) rows(ctx context.Context, n *Node, i, j int) error {
	if b.holds && i < j {
		if err := b.release(ctx); err != nil {
			return err
		}
	}
	return b.copy(ctx, n, i, j)
}

// copy takes elements i to j of a node: the items of a leaf, or whole children
// of an internal node, none of them at the edge and between nodes.
func (b *builder) copy(ctx context.Context, n *Node, i, j int) error {
	for i < j {
		c := b.at(n.level)
		k, cut, err := c.reach(b.cfg, n, i, j)
		if err == nil {
			err = c.take(n, i, k)
		}
		if err == nil && cut {
			err = b.flush(ctx, n.level)
		}
		if err != nil {
			return err
		}
		i = k
	}
	return nil
}

// subtrees takes whole children i to j of a node, which is at the edge or not.
func (b *builder) subtrees(ctx context.Context, n *Node, i, j int, edge bool) error {
	if b.holds && i < j {
		if err := b.release(ctx); err != nil {
			return err
		}
	}
	inner := j // children before this one are not at the edge
	if edge && j == n.count {
		inner--
	}
	for ; i < j; i++ {
		if i < inner && b.between(n.level-1) {
			b.spliced = true
			if err := b.copy(ctx, n, i, inner); err != nil || inner == j {
				return err
			}
			i = inner
		}
		t := n.subtree(&b.scratch, i, edge)
		if err := b.splice(ctx, &t); err != nil {
			return err
		}
	}
	return nil
}

// subtree takes a whole node, with keys above all before.
func (b *builder) subtree(ctx context.Context, t *subtree) error {
	if b.holds {
		if err := b.release(ctx); err != nil {
			return err
		}
	}
	return b.splice(ctx, t)
}

func (b *builder) splice(ctx context.Context, t *subtree) error {
	if !b.between(t.level) {
		return b.open(ctx, t)
	}
	if t.edge {
		b.held, b.holds = *t, true
		b.held.key = append(b.heldKey[:0], t.key...)
		b.heldKey = b.held.key
		return nil
	}
	b.spliced = true
	return b.child(ctx, t.level+1, &t.entry)
}

// between tells whether a node has just ended on level and on all below.
func (b *builder) between(level int) bool {
	for i := range min(level+1, len(b.levels)) {
		if !b.levels[i].empty() {
			return false
		}
	}
	return true
}

// release opens the subtree that is held back: something follows it. Each turn
// may hold back the last child of the one before.
func (b *builder) release(ctx context.Context) error {
	for b.holds {
		t := b.held
		b.holds = false
		if err := b.open(ctx, &t); err != nil {
			return err
		}
	}
	return nil
}

// open takes what is in a node piece by piece.
func (b *builder) open(ctx context.Context, t *subtree) error {
	var n Node
	if err := load(ctx, b.store, t.hash, t.level, &n); err != nil {
		return err
	}
	if t.level == 0 {
		return b.copy(ctx, &n, 0, n.count)
	}
	return b.subtrees(ctx, &n, 0, n.count, t.edge)
}

// child takes a child of an internal node on level.
func (b *builder) child(ctx context.Context, level int, e *entry) error {
	if b.at(level).addChild(b.cfg, e) {
		return b.flush(ctx, level)
	}
	return nil
}

// at returns the chunker of a level.
func (b *builder) at(level int) *chunker {
	for len(b.levels) <= level {
		l := len(b.levels)
		if l == cap(b.levels) {
			b.levels = append(b.levels, chunker{})
		}
		b.levels = b.levels[:l+1]
		b.levels[l].start(b.cfg, l)
	}
	return &b.levels[level]
}

// flush writes the node that a level has collected and hands it to the level
// above.
func (b *builder) flush(ctx context.Context, level int) error {
	c := &b.levels[level]
	if level == 1 {
		if err := b.settle(ctx); err != nil {
			return err
		}
	}
	e, err := b.write(ctx, c)
	if err != nil {
		return err
	}
	// The key stays readable in the chunker's buffer until its next item.
	e.key = c.keys.last()
	c.reset()
	return b.child(ctx, level+1, &e)
}

// write encodes and stores a chunker's node.
func (b *builder) write(ctx context.Context, c *chunker) (entry, error) {
	data := c.encode(b.cfg)
	e := entry{child: child{weight: c.weight, pages: 1, rows: uint64(c.count())}}
	if c.level > 0 {
		rows, pages := c.children.sums()
		e.rows, e.pages = rows, pages+1
	} else if c.spills && b.cfg.Pages != nil {
		var n Node
		if err := n.open(data); err != nil {
			return entry{}, err
		}
		e.pages = max(b.cfg.Pages(n), 1)
	}
	if c.level == 0 && b.leaves.store != nil {
		b.later(data)
		return e, nil
	}
	h, err := b.store.Put(ctx, data)
	if err != nil {
		return entry{}, fmt.Errorf("write node on level %d: %w", c.level, err)
	}
	e.hash = h
	return e, nil
}

// tree ends the tree and returns it.
func (b *builder) tree(ctx context.Context, verb string) (Tree, error) {
	root, err := b.finish(ctx)
	if err != nil {
		return Tree{}, fmt.Errorf("prolly: %s: %w", verb, err)
	}
	return Tree{cfg: b.cfg, store: b.store, root: root}, nil
}

// finish ends the last node of each level. The root is the lowest level that
// has one node.
func (b *builder) finish(ctx context.Context) (hash.Hash, error) {
	if b.holds {
		b.spliced, b.holds = true, false
		if err := b.child(ctx, b.held.level+1, &b.held.entry); err != nil {
			return hash.Hash{}, err
		}
	}
	for level := 0; level < len(b.levels); level++ {
		c := &b.levels[level]
		if level == 1 {
			if err := b.settle(ctx); err != nil {
				return hash.Hash{}, err
			}
		}
		if level > 0 && level == len(b.levels)-1 && c.count() == 1 {
			return b.lowest(ctx, hash.Hash(c.children.hashes))
		}
		if c.empty() {
			continue
		}
		if err := b.flush(ctx, level); err != nil {
			return hash.Hash{}, err
		}
	}
	return hash.Hash{}, nil
}

// lowest descends from a root that was taken whole while it has but one child,
// as the last node of a level may.
func (b *builder) lowest(ctx context.Context, root hash.Hash) (hash.Hash, error) {
	for b.spliced {
		var n Node
		if err := load(ctx, b.store, root, anyLevel, &n); err != nil {
			return hash.Hash{}, err
		}
		if n.level == 0 || n.count > 1 {
			break
		}
		root = n.child(0)
	}
	return root, nil
}
