package nbs

import (
	"sync"
	"sync/atomic"

	"github.com/vdbgo/vdb/hash"
)

// cache holds decompressed chunks up to a budget of bytes. It is a set of
// shards, each of which evicts by S3-FIFO: a chunk that is used once passes
// through a small queue, so that a scan does not displace what is used often.
// See Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023.
//
// A hit takes the read lock of one shard and allocates nothing.
type cache struct {
	shards [cacheShards]cacheShard
}

const (
	cacheShards        = 64
	cacheOverheadBytes = 160 // of an item and its place in the map, roughly
	cacheMaxUses       = 3
)

type cacheShard struct {
	mu     sync.RWMutex
	items  map[hash.Hash]*cacheItem
	small  cacheQueue // what is new
	main   cacheQueue // what was used again while in small, or soon after
	ghosts ghostQueue // addresses of what small has dropped last
	budget int64

	hits, misses atomic.Int64
	_            [64]byte // keeps the counters of two shards apart
}

type cacheItem struct {
	address hash.Hash
	data    []byte
	uses    atomic.Int32
	next    *cacheItem
}

func (i *cacheItem) bytes() int64 { return int64(cap(i.data)) + cacheOverheadBytes }

// cacheQueue is first in, first out.
type cacheQueue struct {
	first, last *cacheItem
	bytes       int64
}

// newCache returns a cache, nil when the budget is negative. A nil cache holds
// nothing.
func newCache(budgetBytes int64) *cache {
	if budgetBytes < 0 {
		return nil
	}
	c := &cache{}
	for i := range c.shards {
		c.shards[i].items = map[hash.Hash]*cacheItem{}
		c.shards[i].budget = budgetBytes / cacheShards
	}
	return c
}

func (c *cache) shard(h hash.Hash) *cacheShard { return &c.shards[h[hash.Size-1]%cacheShards] }

func (c *cache) get(h hash.Hash) ([]byte, bool) {
	if c == nil {
		return nil, false
	}
	s := c.shard(h)
	s.mu.RLock()
	item := s.items[h]
	s.mu.RUnlock()
	if item == nil {
		s.misses.Add(1)
		return nil, false
	}
	s.hits.Add(1)
	if item.uses.Load() < cacheMaxUses {
		item.uses.Add(1)
	}
	return item.data, true
}

// put adds a chunk. One that is larger than half a shard would only push out
// others.
func (c *cache) put(h hash.Hash, data []byte) { c.add(h, data, false) }

// putWritten adds a chunk that has just been written: mostly the new state of one that
// is in use. It is kept as one that was used again: in the small queue it would not
// last until a random update comes to it.
func (c *cache) putWritten(h hash.Hash, data []byte) { c.add(h, data, true) }

func (c *cache) add(h hash.Hash, data []byte, written bool) {
	if c == nil {
		return
	}
	s := c.shard(h)
	item := &cacheItem{address: h, data: data}
	if item.bytes() > s.budget/2 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items[h] != nil {
		return
	}
	s.items[h] = item
	if s.ghosts.take(h) || written {
		s.main.push(item)
	} else {
		s.small.push(item)
	}
	for s.small.bytes+s.main.bytes > s.budget {
		s.evict()
	}
}

// evict drops one item, or moves one on.
func (s *cacheShard) evict() {
	if s.small.first != nil && (s.small.bytes > s.budget/10 || s.main.first == nil) {
		s.evictSmall()
		return
	}
	item := s.main.pop()
	if item.uses.Load() > 0 {
		item.uses.Add(-1)
		s.main.push(item)
		return
	}
	delete(s.items, item.address)
}

func (s *cacheShard) evictSmall() {
	item := s.small.pop()
	if item.uses.Load() > 0 {
		item.uses.Store(0)
		s.main.push(item)
		return
	}
	delete(s.items, item.address)
	s.ghosts.push(item.address, len(s.items))
}

func (q *cacheQueue) push(item *cacheItem) {
	item.next = nil
	if q.last == nil {
		q.first = item
	} else {
		q.last.next = item
	}
	q.last = item
	q.bytes += item.bytes()
}

func (q *cacheQueue) pop() *cacheItem {
	item := q.first
	q.first = item.next
	if q.first == nil {
		q.last = nil
	}
	q.bytes -= item.bytes()
	return item
}

// ghostQueue remembers addresses, first in, first out.
type ghostQueue struct {
	set   map[hash.Hash]struct{}
	order []hash.Hash
}

// push adds an address, and forgets the oldest beyond limit. take leaves its
// address in order, where it is skipped when its turn comes.
func (g *ghostQueue) push(h hash.Hash, limit int) {
	if g.set == nil {
		g.set = map[hash.Hash]struct{}{}
	}
	g.set[h] = struct{}{}
	g.order = append(g.order, h)
	for len(g.order) > max(limit, 16) {
		delete(g.set, g.order[0])
		g.order = g.order[1:]
	}
}

func (g *ghostQueue) take(h hash.Hash) bool {
	if _, ok := g.set[h]; !ok {
		return false
	}
	delete(g.set, h)
	return true
}

// fill adds the cache's figures to stats.
func (c *cache) fill(stats *Stats) {
	if c == nil {
		return
	}
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		stats.CacheBytes += s.small.bytes + s.main.bytes
		stats.CacheChunks += int64(len(s.items))
		s.mu.RUnlock()
		stats.CacheHits += s.hits.Load()
		stats.CacheMisses += s.misses.Load()
	}
}
