package vdb

import (
	"fmt"

	"github.com/vdbgo/vdb/hash"
)

// TableHash addresses a table's contents: its schema, rows and indexes. Tables of
// equal contents have equal hashes, however they came about. It does not see what
// a transaction has written itself.
func (s *Snapshot) TableHash(table string) (Hash, error) {
	op := "hash of table " + table
	entry, ok, err := s.root.Get(s.ctx, tableKey(table))
	if err == nil && !ok {
		err = fmt.Errorf("table %s: %w", table, ErrNotFound)
	}
	if err != nil {
		return Hash{}, opError(op, err)
	}
	return hash.Of(entry), nil
}
