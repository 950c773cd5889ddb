package prolly

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/vdbgo/vdb/hash"
)

// ErrOutOfRange is wrapped by At's error when the tree has no such ordinal.
var ErrOutOfRange = errors.New("ordinal out of range")

// Store is where a tree's chunks are.
type Store interface {
	// Get returns the chunk at an address; a missing one is an error. The bytes
	// must never change, as what a Tree returns aliases them.
	Get(ctx context.Context, h hash.Hash) ([]byte, error)

	// Put stores a chunk, of which it takes ownership, and returns its address.
	Put(ctx context.Context, data []byte) (hash.Hash, error)
}

// A Store may have this method too: it begins to Put chunks on another goroutine,
// which need not be finished when it returns. put waits for that, and returns their
// addresses, in order; it is called at most once, and between other calls. A tree of
// which many leaves are written is then made on two goroutines.
type laterStore interface {
	PutLater(chunks [][]byte) (put func(context.Context) ([]hash.Hash, error))
}

// Tree is an immutable ordered map from keys to values, both byte strings. It is
// a small value: copy it freely. Any number of goroutines may use it if its
// store allows so. Keys and values that it returns alias its chunks: they must
// not be modified, and may be kept.
type Tree struct {
	cfg   *Config
	store Store
	root  hash.Hash
}

// Item is a key with its value.
type Item struct{ Key, Value []byte }

// Range is the keys from From on and before To. A nil bound leaves an end open.
type Range struct{ From, To []byte }

// New returns the empty tree.
//
//go:noinline // a program is smaller by its copies
func New(cfg *Config, s Store) Tree { return Load(cfg, s, hash.Hash{}) }

// Load returns the tree with a root address; the zero Hash is the empty tree's.
// It reads nothing.
//
//go:noinline // a program is smaller by its copies
func Load(cfg *Config, s Store, root hash.Hash) Tree {
	if cfg == nil {
		cfg = &Config{}
	}
	return Tree{cfg: cfg, store: s, root: root}
}

// Hash returns the root's address. Trees of one Config are equal if and only if
// their addresses are.
func (t Tree) Hash() hash.Hash { return t.root }

// Node returns the node at an address within the tree: the root's, or a child's
// of a node that Node returned.
func (t Tree) Node(ctx context.Context, h hash.Hash) (Node, error) {
	var n Node
	if err := t.load(ctx, h, anyLevel, &n); err != nil {
		return Node{}, fail("read node", err)
	}
	return n, nil
}

// Store returns where the tree's chunks are.
func (t Tree) Store() Store { return t.store }

// WithStore returns the same tree, read from and edited into another store.
func (t Tree) WithStore(s Store) Tree { return Load(t.cfg, s, t.root) }

// IsEmpty tells whether the tree has no items.
func (t Tree) IsEmpty() bool { return t.root.IsZero() }

// Count returns the number of items. It reads one chunk.
func (t Tree) Count(ctx context.Context) (uint64, error) {
	if t.IsEmpty() {
		return 0, nil
	}
	var n Node
	if err := t.load(ctx, t.root, anyLevel, &n); err != nil {
		return 0, fmt.Errorf("prolly: count: %w", err)
	}
	return n.rows(), nil
}

// Pages returns the number of pages that the tree renders to: its nodes, and
// what the rows that spill take beside. It reads one chunk.
func (t Tree) Pages(ctx context.Context) (uint64, error) {
	if t.IsEmpty() {
		return 0, nil
	}
	var n Node
	if err := t.load(ctx, t.root, anyLevel, &n); err != nil {
		return 0, fmt.Errorf("prolly: count pages: %w", err)
	}
	return t.cfg.pages(&n), nil
}

// pages returns the number of pages that a node and all below it render to.
func (c *Config) pages(n *Node) uint64 {
	if n.level > 0 {
		return n.PagesThrough(n.count-1) + 1
	}
	if c.Measure == nil || c.Pages == nil {
		return 1
	}
	var scratch []byte
	for i := range n.count {
		if _, spills := c.Measure(n.key(&scratch, i), n.value(i)); spills {
			return max(c.Pages(*n), 1)
		}
	}
	return 1
}

// Height returns the number of levels: 0 for the empty tree, 1 for a leaf.
func (t Tree) Height(ctx context.Context) (int, error) {
	if t.IsEmpty() {
		return 0, nil
	}
	var n Node
	if err := t.load(ctx, t.root, anyLevel, &n); err != nil {
		return 0, fmt.Errorf("prolly: measure height: %w", err)
	}
	return n.level + 1, nil
}

// Get returns a key's value, never nil if the key is there.
func (t Tree) Get(ctx context.Context, key []byte) (value []byte, ok bool, err error) {
	level := anyLevel
	var n Node
	for h := t.root; !h.IsZero(); {
		if err := t.load(ctx, h, level, &n); err != nil {
			return nil, false, fmt.Errorf("prolly: look up %x: %w", key, err)
		}
		i := n.search(key)
		if i == n.count {
			break
		}
		if n.level == 0 {
			if !n.matches(i, key) {
				break
			}
			if value = n.value(i); value == nil {
				return nil, false, fail("look up", corruptf("value of %x", key))
			}
			return value, true, nil
		}
		h, level = n.child(i), n.level-1
	}
	return nil, false, nil
}

// CountRange returns the number of items in a range. It reads two paths.
func (t Tree) CountRange(ctx context.Context, r Range) (uint64, error) {
	var from uint64
	var err error
	if r.From != nil {
		if from, err = t.Rank(ctx, r.From); err != nil {
			return 0, err
		}
	}
	to, err := t.rankOr(ctx, r.To)
	if err != nil {
		return 0, err
	}
	return max(to, from) - from, nil
}

func (t Tree) rankOr(ctx context.Context, key []byte) (uint64, error) {
	if key == nil {
		return t.Count(ctx)
	}
	return t.Rank(ctx, key)
}

// Rank returns the number of items with lower keys.
func (t Tree) Rank(ctx context.Context, key []byte) (uint64, error) {
	var rank uint64
	level := anyLevel
	var n Node
	for h := t.root; !h.IsZero(); {
		if err := t.load(ctx, h, level, &n); err != nil {
			return 0, fmt.Errorf("prolly: rank %x: %w", key, err)
		}
		i := n.search(key)
		if i > 0 {
			rank += n.CountThrough(i - 1)
		}
		if n.level == 0 || i == n.count {
			break
		}
		h, level = n.child(i), n.level-1
	}
	return rank, nil
}

// At returns the item that has ordinal items before it.
func (t Tree) At(ctx context.Context, ordinal uint64) (Item, error) {
	level, rest := anyLevel, ordinal
	var n Node
	for h := t.root; !h.IsZero(); {
		if err := t.load(ctx, h, level, &n); err != nil {
			return Item{}, fmt.Errorf("prolly: read item %d: %w", ordinal, err)
		}
		if rest >= n.rows() {
			break
		}
		if n.level == 0 {
			return Item{Key: n.Key(int(rest)), Value: n.value(int(rest))}, nil
		}
		i := sort.Search(n.count, func(i int) bool { return n.sum(0, i) > rest })
		if i > 0 {
			rest -= n.sum(0, i-1)
		}
		h, level = n.child(i), n.level-1
	}
	return Item{}, fmt.Errorf("prolly: read item %d: %w", ordinal, ErrOutOfRange)
}

// anyLevel stands for the level of a root, which only its chunk tells.
const anyLevel = -1

func (t *Tree) load(ctx context.Context, h hash.Hash, level int, n *Node) error {
	return load(ctx, t.store, h, level, n)
}

// load reads a node, which must be on level.
func load(ctx context.Context, s Store, h hash.Hash, level int, n *Node) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	data, err := s.Get(ctx, h)
	if err == nil {
		err = n.open(data)
	}
	if err == nil && level != anyLevel && n.level != level {
		err = corruptf("level %d under level %d", n.level, level+1)
	}
	if err != nil {
		return fmt.Errorf("read node %s: %w", h, err)
	}
	return nil
}
