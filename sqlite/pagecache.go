package sqlite

import (
	"container/list"
	"sync"

	"github.com/vdbgo/vdb/internal/btree"
)

// pageCache keeps rendered pages, for all connections of a database: it takes the
// place that the operating system's page cache has for a file. The page that was
// used longest ago goes first.
type pageCache struct {
	mu    sync.Mutex
	limit int // pages
	pages map[pageKey]*list.Element
	order list.List // of *cachedPage, latest first
}

type pageKey struct {
	r      *rendering
	number uint32
}

type cachedPage struct {
	key  pageKey
	data []byte
}

func newPageCache(bytes int) *pageCache {
	return &pageCache{limit: max(bytes/btree.PageBytes, 16), pages: map[pageKey]*list.Element{}}
}

func (c *pageCache) get(r *rendering, number uint32) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.pages[pageKey{r, number}]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cachedPage).data
}

func (c *pageCache) put(r *rendering, number uint32, data []byte) {
	key := pageKey{r, number}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.pages[key]; ok {
		return
	}
	c.pages[key] = c.order.PushFront(&cachedPage{key, data})
	if c.order.Len() > c.limit {
		last := c.order.Back()
		delete(c.pages, last.Value.(*cachedPage).key)
		c.order.Remove(last)
	}
}
