package vdb

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/vdbgo/vdb/prolly"
)

// tableMove collects the edits that take tables, their triggers, and views from one
// root value to another.
type tableMove struct {
	source, target prolly.Tree
	edits          map[string]prolly.Edit // by key
}

// add moves the table or view of a name.
func (m *tableMove) add(ctx context.Context, name string) error {
	found := false
	for _, key := range [][]byte{tableKey(name), []byte(viewPrefix + fold(name))} {
		entry, there, err := m.source.Get(ctx, key)
		if err != nil {
			return err
		}
		_, here, err := m.target.Get(ctx, key)
		if err != nil {
			return err
		}
		if there || here {
			m.edits[string(key)] = prolly.Edit{Key: key, Value: entry}
			found = true
		}
	}
	if !found {
		return fmt.Errorf("table %s: %w", name, ErrNotFound)
	}
	return nil
}

// addTriggers moves the triggers of tables: those that the target alone has go.
func (m *tableMove) addTriggers(ctx context.Context, s prolly.Store, tables map[string]bool) error {
	for change, err := range prolly.Diff(ctx, m.target, m.source, triggerKeys) {
		if err != nil {
			return err
		}
		stands := change.To
		if stands == nil {
			stands = change.From
		}
		o, err := loadObject(ctx, s, stands)
		if err != nil {
			return err
		}
		if tables[fold(o.Table)] {
			m.edits[string(change.Key)] = prolly.Edit{Key: bytes.Clone(change.Key), Value: bytes.Clone(change.To)}
		}
	}
	return nil
}

// objectsThen returns the edits that make views what they are in another version,
// and the triggers of tables. It takes the names that are views and no tables off
// the list.
func (tx *Tx) objectsThen(was *Snapshot, names map[string]prolly.Edit) ([]prolly.Edit, error) {
	m := &tableMove{source: was.root, target: tx.root, edits: map[string]prolly.Edit{}}
	tables := map[string]bool{}
	for name := range names {
		tables[name] = true
		if err := m.add(tx.ctx, name); err != nil {
			return nil, err
		}
		if _, isTable := m.edits[string(tableKey(name))]; isTable {
			delete(m.edits, string(tableKey(name)))
		} else {
			delete(names, name)
		}
	}
	if err := m.addTriggers(tx.ctx, tx.store, tables); err != nil {
		return nil, err
	}
	return slices.Collect(maps.Values(m.edits)), nil
}

// triggersOf returns the edits that remove a table's triggers.
func (tx *Tx) triggersOf(table string) ([]prolly.Edit, error) {
	m := &tableMove{source: prolly.New(tablesConfig, tx.store), target: tx.root, edits: map[string]prolly.Edit{}}
	err := m.addTriggers(tx.ctx, tx.store, map[string]bool{fold(table): true})
	return slices.Collect(maps.Values(m.edits)), err
}
