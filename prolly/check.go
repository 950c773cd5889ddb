package prolly

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/vdbgo/vdb/hash"
)

// Check reads the whole tree and reports the first thing that is wrong: a node
// that is missing or does not decode, keys out of order, sums that do not add
// up, or a tree that is not the one that Build would make of its items. Errors
// wrap ErrCorrupt, or are the store's.
func Check(ctx context.Context, t Tree) error {
	if t.IsEmpty() {
		return nil
	}
	if err := t.checkNode(ctx, t.root, nil, nil); err != nil {
		return fail("check", err)
	}
	rebuilt, err := Build(ctx, t.cfg, discard{}, t.Items(ctx, Range{}))
	if err != nil {
		return fail("check", err)
	}
	if rebuilt.root != t.root {
		return fail("check", corruptf("tree %s has the items of tree %s", t.root, rebuilt.root))
	}
	return nil
}

// checkNode checks a node and all below it. The keys are above after, unless it
// is nil. want is what the parent says, nil for the root.
func (t Tree) checkNode(ctx context.Context, h hash.Hash, after []byte, want *subtree) error {
	level := anyLevel
	if want != nil {
		level = want.level
	}
	var n Node
	if err := t.load(ctx, h, level, &n); err != nil {
		return err
	}
	if got := hash.Of(n.data); got != h {
		return fmt.Errorf("node %s: %w", h, corruptf("its address is %s", got))
	}
	if err := n.validate(); err != nil {
		return fmt.Errorf("node %s: %w", h, err)
	}
	if after != nil && n.compare(0, after) <= 0 {
		return fmt.Errorf("node %s: %w", h, corruptf("keys below the node before"))
	}
	if want != nil {
		if err := t.checkEntry(&n, want); err != nil {
			return fmt.Errorf("node %s: %w", h, err)
		}
	}
	return t.checkChildren(ctx, &n, after)
}

// checkEntry checks a node against what its parent says of it.
func (t Tree) checkEntry(n *Node, want *subtree) error {
	switch {
	case !bytes.Equal(n.Key(n.count-1), want.key):
		return corruptf("last key %x, parent says %x", n.Key(n.count-1), want.key)
	case n.rows() != want.rows:
		return corruptf("%d rows, parent says %d", n.rows(), want.rows)
	case t.cfg.pages(n) != want.pages:
		return corruptf("%d pages, parent says %d", t.cfg.pages(n), want.pages)
	}
	return nil
}

func (t Tree) checkChildren(ctx context.Context, n *Node, after []byte) error {
	if n.level == 0 {
		return nil
	}
	for i := range n.count {
		var scratch []byte
		child := subtree{entry: n.entry(&scratch, i), level: n.level - 1}
		if err := t.checkNode(ctx, child.hash, after, &child); err != nil {
			return err
		}
		after = child.key
	}
	return nil
}

// discard is a store that only computes addresses.
type discard struct{}

func (discard) Put(_ context.Context, data []byte) (hash.Hash, error) { return hash.Of(data), nil }

func (discard) Get(_ context.Context, h hash.Hash) ([]byte, error) {
	return nil, errors.New("prolly: nothing is kept to be read")
}
