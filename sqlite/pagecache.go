package sqlite

import (
	"sync"
	"sync/atomic"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/btree"
)

// pageCache keeps rendered pages, for all connections of a database: it takes the
// place that the operating system's page cache has for a file. A page that is found
// is found without a lock, through the slots of its rendering; one that was not
// asked for again since the hand of the clock last passed goes first.
type pageCache struct {
	mu     sync.Mutex
	limit  int // pages
	pages  []*cachedPage
	hand   int
	byLeaf map[leafKey]*cachedPage
}

// cachedPage is a page in the cache, or one that was.
type cachedPage struct {
	data atomic.Pointer[[]byte] // nil when it has gone
	used atomic.Bool
	leaf leafKey // zero: the page is for its rendering alone
}

// leafKey says all on which a leaf page depends that nothing spills from. Such a
// page is the same in all renderings that have the node.
type leafKey struct {
	node hash.Hash
	form vdb.EngineForm
	last bool // of its tree
}

func newPageCache(bytes int) *pageCache {
	return &pageCache{limit: max(bytes/btree.PageBytes, 16), byLeaf: map[leafKey]*cachedPage{}}
}

// leaf returns the page of a leaf that some rendering has shown, if it is there.
func (c *pageCache) leaf(key leafKey) (*cachedPage, []byte) {
	if key == (leafKey{}) {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.byLeaf[key]
	if !ok {
		return nil, nil
	}
	p.used.Store(true)
	return p, *p.data.Load()
}

// put adds a page, for which another one goes if the cache is full.
func (c *pageCache) put(key leafKey, data []byte) *cachedPage {
	p := &cachedPage{leaf: key}
	p.data.Store(&data)
	c.mu.Lock()
	defer c.mu.Unlock()
	if key != (leafKey{}) {
		c.byLeaf[key] = p
	}
	if len(c.pages) < c.limit {
		c.pages = append(c.pages, p)
		return p
	}
	for c.pages[c.hand].used.Swap(false) {
		c.hand = (c.hand + 1) % c.limit
	}
	c.drop(c.pages[c.hand])
	c.pages[c.hand] = p
	c.hand = (c.hand + 1) % c.limit
	return p
}

func (c *pageCache) drop(p *cachedPage) {
	p.data.Store(nil)
	if c.byLeaf[p.leaf] == p {
		delete(c.byLeaf, p.leaf)
	}
}

// slots lead from the page numbers of a rendering to what the cache has of it.
type slots []atomic.Pointer[[slotsInBlock]atomic.Pointer[cachedPage]]

// slotsInBlock is how many slots are made at once.
const slotsInBlock = 256

// newSlots returns slots for the pages up to a number.
func newSlots(pages uint32) slots { return make(slots, pages/slotsInBlock+1) }

// page returns a page if the cache still has it, else nil.
func (s slots) page(number uint32) []byte {
	if int(number/slotsInBlock) >= len(s) {
		return nil
	}
	block := s[number/slotsInBlock].Load()
	if block == nil {
		return nil
	}
	p := block[number%slotsInBlock].Load()
	if p == nil {
		return nil
	}
	data := p.data.Load()
	if data == nil {
		return nil
	}
	if !p.used.Load() {
		p.used.Store(true)
	}
	return *data
}

// set leads a number, which has a slot, to a page.
func (s slots) set(number uint32, p *cachedPage) {
	at := &s[number/slotsInBlock]
	block := at.Load()
	if block == nil {
		at.CompareAndSwap(nil, new([slotsInBlock]atomic.Pointer[cachedPage]))
		block = at.Load()
	}
	block[number%slotsInBlock].Store(p)
}
