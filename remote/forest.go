package remote

import (
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
)

// firstOther is the kind from which on chunks are not nodes of trees or blobs.
const firstOther = chunk.Root

// Kinds of nodes, see docs/FORMAT.md.
const (
	treeNode  chunk.Kind = 2 // above the leaves
	blobLeaf  chunk.Kind = 3
	blobIndex chunk.Kind = 4
)

// levelOf returns the level of a tree's or blob's node, 0 for its leaves.
func levelOf(data []byte) int {
	if len(data) < 3 || chunk.KindOf(data) >= firstOther {
		return 0
	}
	return int(data[2])
}

// forest sends what the chunks in news lead to and those in olds do not, and the
// news. crossings says how far it is to leaves of rows.
func (w *walker) forest(news, olds []hash.Hash, crossings int) error {
	if w.send == nil && crossings < belowTable {
		return nil
	}
	news = w.unsent(news, olds)
	var trees []hash.Hash
	for _, h := range news {
		data, err := w.source.Get(w.ctx, h)
		if err != nil {
			return err
		}
		switch kind := chunk.KindOf(data); {
		case kind < firstOther:
			trees = append(trees, h)
		case kind == chunk.Commit:
			err = w.commits([]hash.Hash{h})
		default:
			err = w.other(h, data, olds)
		}
		if err != nil {
			return err
		}
	}
	return w.trees(trees, olds, crossings)
}

// unsent returns each of news once that is neither sent nor in olds.
func (w *walker) unsent(news, olds []hash.Hash) []hash.Hash {
	if len(news) == 0 {
		return nil
	}
	without := make(map[hash.Hash]struct{}, len(olds)+len(news))
	for _, h := range olds {
		without[h] = struct{}{}
	}
	kept := make([]hash.Hash, 0, len(news))
	for _, h := range news {
		_, known := without[h]
		_, sent := w.sent[h]
		if !known && !sent {
			without[h] = struct{}{}
			kept = append(kept, h)
		}
	}
	return kept
}

// other sends a chunk that is neither a node nor a commit.
func (w *walker) other(h hash.Hash, data []byte, olds []hash.Hash) error {
	refs, err := chunk.References(nil, data)
	if err != nil {
		return err
	}
	if len(refs) > 0 {
		var below []hash.Hash
		for _, o := range olds {
			data, err := w.source.Get(w.ctx, o)
			if err == nil && chunk.KindOf(data) >= firstOther {
				below, err = chunk.References(below, data)
			}
			if err != nil {
				return err
			}
		}
		crossings := belowCommit
		if chunk.KindOf(data) == chunk.Root {
			crossings = belowRoot
		}
		if err := w.forest(refs, below, crossings); err != nil {
			return err
		}
	}
	return w.out(h, belowTable)
}

// layer is the nodes of one level of both sides.
type layer struct{ news, olds []hash.Hash }

// trees sends what differs between two lists of trees, going down both level by
// level: a node that both have, anywhere on its level, is left out with all below.
func (w *walker) trees(news, olds []hash.Hash, crossings int) error {
	if len(news) == 0 {
		return nil
	}
	if len(olds) == 0 {
		return w.wholeTrees(news, crossings)
	}
	layers, err := w.layers(news, olds)
	if err != nil {
		return err
	}
	for level := len(layers) - 1; level > 0; level-- {
		if err := w.descend(layers, level, crossings); err != nil {
			return err
		}
	}
	if err := w.leaves(&layers[0], crossings); err != nil {
		return err
	}
	for level := 1; level < len(layers); level++ {
		for _, h := range layers[level].news {
			if err := w.out(h, crossings); err != nil {
				return err
			}
		}
	}
	return nil
}

// layers sorts roots by their levels.
func (w *walker) layers(news, olds []hash.Hash) ([]layer, error) {
	layers := make([]layer, 1)
	at := func(h hash.Hash) (*layer, error) {
		data, err := w.source.Get(w.ctx, h)
		if err != nil || chunk.KindOf(data) >= firstOther {
			return &layer{}, err
		}
		level := levelOf(data)
		for len(layers) <= level {
			layers = append(layers, layer{})
		}
		return &layers[level], nil
	}
	for _, h := range news {
		l, err := at(h)
		if err != nil {
			return nil, err
		}
		l.news = append(l.news, h)
	}
	for _, h := range olds {
		l, err := at(h)
		if err != nil {
			return nil, err
		}
		l.olds = append(l.olds, h)
	}
	return layers, nil
}

// descend puts the children of a level's nodes that only one side has into the
// next layer. What remains in the layer's news is to be sent after them.
func (w *walker) descend(layers []layer, level, crossings int) error {
	here, below := &layers[level], &layers[level-1]
	w.subtract(here)
	if !anyOlds(layers[:level+1]) {
		if err := w.wholeTrees(here.news, crossings); err != nil {
			return err
		}
		here.news = nil
		return nil
	}
	var err error
	if below.news, err = w.references(below.news, here.news); err != nil || !anyNews(layers[:level]) {
		return err
	}
	below.olds, err = w.references(below.olds, here.olds)
	return err
}

func anyOlds(layers []layer) bool {
	return slices.ContainsFunc(layers, func(l layer) bool { return len(l.olds) > 0 })
}

func anyNews(layers []layer) bool {
	return slices.ContainsFunc(layers, func(l layer) bool { return len(l.news) > 0 })
}

// subtract removes from a layer what both sides have, and what was sent.
func (w *walker) subtract(l *layer) {
	news := make(map[hash.Hash]struct{}, len(l.news))
	for _, h := range l.news {
		news[h] = struct{}{}
	}
	l.news = w.unsent(l.news, l.olds)
	l.olds = slices.DeleteFunc(l.olds, func(h hash.Hash) bool {
		_, both := news[h]
		return both
	})
}

// references appends the addresses that chunks hold to dst.
func (w *walker) references(dst, chunks []hash.Hash) ([]hash.Hash, error) {
	for _, h := range chunks {
		data, err := w.source.Get(w.ctx, h)
		if err == nil {
			dst, err = chunk.References(dst, data)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// leaves sends the leaves that differ, after what their values refer to.
func (w *walker) leaves(l *layer, crossings int) error {
	w.subtract(l)
	if w.send != nil || crossings > belowTable {
		values, err := w.references(nil, l.news)
		if err != nil {
			return err
		}
		var olds []hash.Hash
		if len(values) > 0 {
			if olds, err = w.references(nil, l.olds); err != nil {
				return err
			}
		}
		if err := w.forest(values, olds, crossings-1); err != nil {
			return err
		}
	}
	for _, h := range l.news {
		if err := w.leafOut(h, crossings); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) wholeTrees(news []hash.Hash, crossings int) error {
	for _, h := range news {
		if err := w.whole(h, crossings); err != nil {
			return err
		}
	}
	return nil
}

// whole sends a tree or blob, or a chunk that a leaf refers to, with all below.
func (w *walker) whole(h hash.Hash, crossings int) error {
	if _, sent := w.sent[h]; sent || w.send == nil && crossings < belowTable {
		return nil
	}
	c, data, err := w.read(h)
	if err != nil {
		return err
	}
	if chunk.KindOf(data) >= firstOther {
		return w.forest([]hash.Hash{h}, nil, crossings)
	}
	refs, err := chunk.References(nil, data)
	if err != nil {
		return err
	}
	switch level := levelOf(data); {
	case level == 0:
		err = w.wholeTrees(refs, crossings-1)
	case level == 1:
		err = w.wholeLeaves(refs, crossings)
	default:
		err = w.wholeTrees(refs, crossings)
	}
	if err != nil {
		return err
	}
	w.sent[h] = struct{}{}
	return w.pass(c, crossings)
}

// leavesAtOnce is how many leaves are read at once.
const leavesAtOnce = 64

// wholeLeaves sends the leaves below a node with all below. Those of trees stand there
// once, and are not remembered.
func (w *walker) wholeLeaves(leaves []hash.Hash, crossings int) error {
	leaves = slices.DeleteFunc(leaves, func(h hash.Hash) bool {
		_, sent := w.sent[h]
		return sent
	})
	if w.send == nil && crossings == belowTable {
		w.count += int64(len(leaves))
		return nil
	}
	for some := range slices.Chunk(leaves, leavesAtOnce) {
		all, err := w.readAll(some)
		if err != nil {
			return err
		}
		for _, c := range all {
			if _, sent := w.sent[c.Hash]; sent {
				continue // the same value has stood before
			}
			if err := w.wholeLeaf(c, crossings); err != nil {
				return err
			}
			if crossings < belowTable {
				w.sent[c.Hash] = struct{}{}
			}
		}
	}
	return nil
}

// readAll returns chunks as they are stored, if they are to be sent.
func (w *walker) readAll(hashes []hash.Hash) ([]Chunk, error) {
	if w.send != nil {
		return w.source.StoredAll(w.ctx, hashes)
	}
	all := make([]Chunk, len(hashes))
	for i, h := range hashes {
		data, err := w.source.Get(w.ctx, h)
		if err != nil {
			return nil, err
		}
		all[i] = Chunk{Hash: h, Payload: data}
	}
	return all, nil
}

// wholeLeaf sends a leaf, after what its values refer to.
func (w *walker) wholeLeaf(c Chunk, crossings int) error {
	if c.Leaf() {
		return w.pass(c, crossings)
	}
	var err error
	if w.room, err = c.Unchecked(w.room[:0]); err != nil {
		return err
	}
	refs, err := chunk.References(nil, w.room)
	if err != nil {
		return err
	}
	if err := w.wholeTrees(refs, crossings-1); err != nil {
		return err
	}
	return w.pass(c, crossings)
}

// read returns a chunk as it is stored, if it is to be sent, and its bytes, which are
// good until the next call.
func (w *walker) read(h hash.Hash) (Chunk, []byte, error) {
	if w.send == nil {
		data, err := w.source.Get(w.ctx, h)
		return Chunk{}, data, err
	}
	c, err := w.source.Stored(w.ctx, h)
	if err != nil {
		return c, nil, err
	}
	w.room, err = c.Unchecked(w.room[:0])
	return c, w.room, err
}

// out sends a chunk of which all below has been sent.
func (w *walker) out(h hash.Hash, crossings int) error {
	w.sent[h] = struct{}{}
	return w.leafOut(h, crossings)
}

// leafOut is out for a leaf, which is not remembered.
func (w *walker) leafOut(h hash.Hash, crossings int) error {
	if w.send == nil {
		w.count++
		return nil
	}
	c, err := w.source.Stored(w.ctx, h)
	if err != nil {
		return err
	}
	return w.pass(c, crossings)
}

// pass hands a chunk to the receiver.
func (w *walker) pass(c Chunk, crossings int) error {
	if w.send == nil {
		w.count++
		return nil
	}
	if crossings < belowTable && w.more != nil {
		w.more(1)
	}
	return w.send(c)
}
