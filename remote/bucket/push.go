package bucket

import (
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/remote"
)

// Push implements remote.Remote. Chunks go into new tables, then the manifest is replaced,
// on the condition that it is still the one that was read. Whoever loses the race looks
// whether the updates are still allowed and tries again; nothing is uploaded twice. A push
// that is cut leaves nothing that anybody sees, and the next one finds tables that were
// written whole.
func (b *Bucket) Push(ctx context.Context, req remote.PushRequest) error {
	if err := b.push(ctx, req); err != nil {
		return fmt.Errorf("bucket: push: %w", err)
	}
	return nil
}

func (b *Bucket) push(ctx context.Context, req remote.PushRequest) error {
	m, err := b.load(ctx)
	if err != nil {
		return err
	}
	if m.version == "" {
		if err := b.probe(ctx); err != nil {
			return err
		}
	}
	p := &pushing{b: b, req: req, commits: map[hash.Hash]*commit{}, tags: map[hash.Hash]hash.Hash{}}
	if err := p.mayMove(m); err != nil {
		return err
	}
	if m, err = b.tidy(ctx, m); err != nil {
		return err
	}
	tables, err := p.upload(ctx)
	if err != nil {
		return err
	}
	_, err = b.swap(ctx, m, func(m *manifest) error {
		m.addTables(tables)
		m.addGrafts(req.Grafts)
		return p.move(ctx, m)
	})
	return err
}

// probe sees that the server takes conditions seriously, before the first write.
func (b *Bucket) probe(ctx context.Context) (err error) {
	key := b.prefix + "probe-" + b.random()
	if err := b.objects.Put(ctx, key, []byte("probe\n"), Condition{}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.objects.Delete(ctx, key)) }()
	for _, c := range []Condition{{Absent: true}, {Version: `"00000000000000000000000000000000"`}} {
		switch err := b.objects.Put(ctx, key, []byte("probe\n"), c); {
		case err == nil:
			return errUnconditional
		case !errors.Is(err, ErrChanged):
			return err
		}
	}
	return nil
}

// pushing is one push.
type pushing struct {
	b       *Bucket
	req     remote.PushRequest
	commits map[hash.Hash]*commit // that were sent
	tags    map[hash.Hash]hash.Hash
}

// commit is what is needed of one to see what it descends from.
type commit struct {
	hash    hash.Hash
	parents []hash.Hash
	height  uint64
}

// upload writes the chunks.
func (p *pushing) upload(ctx context.Context) ([]tableRef, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u := p.b.newUploader()
	err := p.addAll(ctx, u)
	if err != nil {
		cancel()
		u.running.Wait()
		return nil, err
	}
	return u.finish(ctx)
}

func (p *pushing) addAll(ctx context.Context, u *uploader) error {
	if p.req.Chunks == nil {
		return nil
	}
	for c, err := range p.req.Chunks {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		data, err := c.Data()
		if err == nil {
			err = p.note(c.Hash, data)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", err, remote.ErrProtocol)
		}
		if err := u.add(ctx, c, data); err != nil {
			return err
		}
	}
	return nil
}

// note remembers what updates are judged by.
func (p *pushing) note(h hash.Hash, data []byte) error {
	switch chunk.KindOf(data) {
	case chunk.Commit:
		c, err := decodeCommit(h, data)
		p.commits[h] = c
		return err
	case chunk.Tag:
		to, err := decodeTag(h, data)
		p.tags[h] = to
		return err
	}
	return nil
}

func decodeCommit(h hash.Hash, data []byte) (*commit, error) {
	addresses, payload, err := chunk.Decode(chunk.Commit, data)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", h, err)
	}
	height, n := binary.Uvarint(payload)
	if len(addresses) < chunk.CommitParents || n <= 0 {
		return nil, fmt.Errorf("commit %s is cut short", h)
	}
	return &commit{h, addresses[chunk.CommitParents:], height}, nil
}

func decodeTag(h hash.Hash, data []byte) (hash.Hash, error) {
	addresses, _, err := chunk.Decode(chunk.Tag, data)
	if err != nil || len(addresses) != 1 {
		return hash.Hash{}, fmt.Errorf("tag %s has %d addresses: %w", h, len(addresses), err)
	}
	return addresses[0], nil
}

// mayMove refuses early what will not be allowed.
func (p *pushing) mayMove(m *manifest) error {
	rejected := &remote.RejectedError{}
	for _, u := range p.req.Updates {
		if err := p.mayMoveRef(m, u); err != nil {
			rejected.Rejected = append(rejected.Rejected, remote.Rejection{Ref: u.Name, Reason: err})
		}
	}
	if len(rejected.Rejected) > 0 {
		return rejected
	}
	switch {
	case !p.req.Root.IsZero() && m.Root.IsZero() && len(m.Refs) > 0:
		return fmt.Errorf("%s has branches that were pushed, and does not become a backup; choose another prefix", p.b.name)
	case p.req.Root.IsZero() && !m.Root.IsZero():
		return fmt.Errorf("%s is a backup, and takes no branches; choose another prefix", p.b.name)
	case m.Database != "" && p.req.Database != m.Database:
		return fmt.Errorf("%s: %w", p.b.name, remote.ErrOtherDatabase)
	}
	return nil
}

func (p *pushing) mayMoveRef(m *manifest, u remote.Update) error {
	kind, name, _ := strings.Cut(u.Name, "/")
	old := m.ref(u.Name).Hash
	switch {
	case kind != "heads" && kind != "tags" || name == "":
		return fmt.Errorf("%q is neither heads/NAME nor tags/NAME", u.Name)
	case u.Rule != remote.Force && old != u.Old:
		return remote.ErrMoved
	case u.Rule == remote.FastForward && kind == "tags" && !old.IsZero() && old != u.New:
		return fmt.Errorf("there is another tag of that name: %w", remote.ErrNotFastForward)
	}
	return nil
}

// move makes all updates, or none.
func (p *pushing) move(ctx context.Context, m *manifest) (err error) {
	if err := p.mayMove(m); err != nil {
		return err
	}
	s, err := p.b.newSource(ctx, m, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	rejected := &remote.RejectedError{}
	for _, u := range p.req.Updates {
		err := p.moveRef(ctx, m, s, u)
		if errors.Is(err, remote.ErrNotFastForward) {
			rejected.Rejected = append(rejected.Rejected, remote.Rejection{Ref: u.Name, Reason: err})
		} else if err != nil {
			return err
		}
	}
	if len(rejected.Rejected) > 0 {
		return rejected
	}
	if !p.req.Root.IsZero() {
		m.Root, m.Database = p.req.Root, p.req.Database
	}
	return nil
}

func (p *pushing) moveRef(ctx context.Context, m *manifest, s *source, u remote.Update) error {
	ref := remote.Ref{Name: u.Name, Hash: u.New, Commit: u.New}
	if u.New.IsZero() {
		m.set(ref)
		return nil
	}
	var err error
	if strings.HasPrefix(u.Name, "tags/") {
		if ref.Commit, err = p.tagged(ctx, s, u.New); err != nil {
			return err
		}
	}
	to, err := p.load(ctx, s, ref.Commit)
	if err != nil {
		return fmt.Errorf("the new commit of %s: %w", u.Name, err)
	}
	if u.Rule == remote.FastForward && !u.Old.IsZero() && ref.Commit == u.New {
		descends, err := p.descends(ctx, m, s, to, u.Old)
		if err != nil {
			return err
		}
		if !descends {
			return remote.ErrNotFastForward
		}
	}
	m.set(ref)
	return nil
}

// tagged returns the commit of a tag.
func (p *pushing) tagged(ctx context.Context, s *source, h hash.Hash) (hash.Hash, error) {
	if to, sent := p.tags[h]; sent {
		return to, nil
	}
	data, err := s.Get(ctx, h)
	if err != nil {
		return hash.Hash{}, err
	}
	return decodeTag(h, data)
}

// load returns a commit that was sent, or is in the bucket.
func (p *pushing) load(ctx context.Context, s *source, h hash.Hash) (*commit, error) {
	if c := p.commits[h]; c != nil {
		return c, nil
	}
	data, err := s.Get(ctx, h)
	if err != nil {
		return nil, err
	}
	return decodeCommit(h, data)
}

// descends tells whether old is c or an ancestor of it. What was sent is gone through
// first: there it is found, as a rule.
func (p *pushing) descends(ctx context.Context, m *manifest, s *source, c *commit, old hash.Hash) (bool, error) {
	if p.sentFrom(c, old) {
		return true, nil
	}
	from, err := p.load(ctx, s, old)
	if err != nil {
		return false, err
	}
	queue, seen := byHeight{c}, map[hash.Hash]bool{c.hash: true}
	for len(queue) > 0 && queue[0].height > from.height {
		parents, err := p.parents(ctx, m, heap.Pop(&queue).(*commit))
		if err != nil {
			return false, err
		}
		for _, h := range parents {
			if h == old {
				return true, nil
			}
			if seen[h] {
				continue
			}
			seen[h] = true
			parent, err := p.load(ctx, s, h)
			if err != nil {
				return false, err
			}
			heap.Push(&queue, parent)
		}
	}
	return c.hash == old, nil
}

// parents are those of a commit that the bucket has.
func (p *pushing) parents(ctx context.Context, m *manifest, c *commit) ([]hash.Hash, error) {
	if g, cut, err := m.graftAt(ctx, c.hash); cut || err != nil {
		return g.Parents, err
	}
	return c.parents, nil
}

// sentFrom looks for old behind c among the parents of commits that were sent.
func (p *pushing) sentFrom(c *commit, old hash.Hash) bool {
	todo, seen := []*commit{c}, map[hash.Hash]bool{}
	for len(todo) > 0 {
		c, todo = todo[len(todo)-1], todo[:len(todo)-1]
		for _, h := range c.parents {
			if h == old {
				return true
			}
			if sent := p.commits[h]; sent != nil && !seen[h] {
				seen[h] = true
				todo = append(todo, sent)
			}
		}
	}
	return false
}

// byHeight is a heap with the commit of the greatest height on top.
type byHeight []*commit

func (h byHeight) Len() int           { return len(h) }
func (h byHeight) Less(i, j int) bool { return h[i].height > h[j].height }
func (h byHeight) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *byHeight) Push(x any) { *h = append(*h, x.(*commit)) }

// Pop implements heap.Interface.
func (h *byHeight) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
