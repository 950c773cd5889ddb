package vdb

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// rewrittenKey is where the refs have a tree from the hash of each commit that was
// purged to the one that took its place. Its values are no addresses to a tree: the
// list keeps no commit from being collected.
const rewrittenKey = "rewritten"

var rewrittenConfig = &prolly.Config{}

// rewritten returns the tree, which may be empty.
func (r *refs) rewritten(ctx context.Context) (prolly.Tree, error) {
	value, ok, err := r.tree.Get(ctx, []byte(rewrittenKey))
	if err != nil || !ok {
		return prolly.New(rewrittenConfig, r.store), err
	}
	if len(value) != 1+hash.Size {
		return prolly.Tree{}, fmt.Errorf("list of rewritten commits of %d bytes is damaged", len(value))
	}
	return prolly.Load(rewrittenConfig, r.store, hash.Hash(value[1:])), nil
}

// mayCome returns remote.ErrPurged if one of the commits has been rewritten: it comes from
// where the rows were not purged.
func mayCome(ctx context.Context, rewritten prolly.Tree, commits ...hash.Hash) error {
	for _, h := range commits {
		is, found, err := rewritten.Get(ctx, h[:])
		if err != nil {
			return err
		}
		if found {
			return fmt.Errorf("commit %s, here %s: %w", h, hash.Hash(is), remote.ErrPurged)
		}
	}
	return nil
}

// noteRewritten adds commits to the list.
func (r *refs) noteRewritten(ctx context.Context, moved map[Hash]Hash) error {
	if len(moved) == 0 {
		return nil
	}
	tree, err := r.rewritten(ctx)
	if err != nil {
		return err
	}
	var edits []prolly.Edit
	for was, is := range moved {
		edits = append(edits, prolly.Edit{Key: bytes.Clone(was[:]), Value: bytes.Clone(is[:])})
	}
	sortEdits(edits)
	if tree, err = tree.Apply(ctx, edits); err != nil {
		return err
	}
	h := tree.Hash()
	return r.set(ctx, prolly.Edit{Key: []byte(rewrittenKey), Value: append([]byte{1}, h[:]...)})
}

// wasRewritten returns an error that names the commit which took the place of the one
// whose hash begins with these digits; nil if none did.
func (r *refs) wasRewritten(ctx context.Context, digits string) error {
	tree, err := r.rewritten(ctx)
	if err != nil || tree.IsEmpty() || len(digits) < minPrefix || len(digits) > 2*hash.Size {
		return err
	}
	from, err := hash.Parse(digits + strings.Repeat("0", 2*hash.Size-len(digits)))
	if err != nil {
		return nil // it is no hash
	}
	for item, err := range tree.Items(ctx, prolly.Range{From: from[:]}) {
		if err != nil {
			return err
		}
		if was := hash.Hash(item.Key); strings.HasPrefix(was.String(), digits) {
			return fmt.Errorf("rows were purged from commit %s, which is now %s: %w", was, hash.Hash(item.Value), ErrNotFound)
		}
		break
	}
	return nil
}
