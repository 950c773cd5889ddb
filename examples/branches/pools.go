package main

import (
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
)

// pools has a *sql.DB for each branch that was asked for. A connection's branch is its
// pool's: no request can be served from another customer's. Many goroutines may use it.
type pools struct {
	db *vdb.DB

	mu       sync.Mutex
	byBranch map[string]*sql.DB
}

// branch returns the pool of a branch. One whose connections are idle costs next to
// nothing.
func (p *pools) branch(name string) *sql.DB {
	p.mu.Lock()
	defer p.mu.Unlock()
	pool, ok := p.byBranch[name]
	if !ok {
		pool = sqlite.OpenDB(p.db, name)
		pool.SetMaxOpenConns(4)
		pool.SetConnMaxIdleTime(time.Minute)
		p.byBranch[name] = pool
	}
	return pool
}

func (p *pools) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	for _, pool := range p.byBranch {
		err = errors.Join(err, pool.Close())
	}
	return err
}
