package vdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/prolly"
)

// planVirtual finds the virtual tables that both sides have written, and takes what
// they derive as one side has it. Two transactions must not both have written it.
func (m *merger) planVirtual() error {
	if m.strict || !slices.ContainsFunc(m.tables, func(t *tableMerge) bool { return t.plan == planMerge }) {
		return nil
	}
	objects, err := m.sides[atOurs].virtualObjects()
	if err != nil || len(objects) == 0 {
		return err
	}
	theirs, err := m.sides[atTheirs].virtualObjects()
	if err != nil {
		return err
	}
	for _, o := range objects {
		if !slices.Contains(theirs, o) {
			continue
		}
		if err := m.planOneVirtual(&o); err != nil {
			return fmt.Errorf("table %s: %w", o.Name, err)
		}
	}
	return nil
}

func (m *merger) planOneVirtual(o *Object) error {
	if !slices.ContainsFunc(m.tables, func(t *tableMerge) bool { return t.plan == planMerge && o.owns(t.name) }) {
		return nil
	}
	v, err := o.virtual()
	if err != nil {
		return err
	}
	var derived []*tableMerge
	written := false
	for _, t := range m.tables {
		if slices.ContainsFunc(v.Derived, func(name string) bool { return fold(name) == t.anyName() }) {
			derived, written = append(derived, t), written || t.plan == planMerge
		}
	}
	if !written {
		return nil
	}
	side := atOurs
	if v.Source == "" && !v.Rows {
		side = m.collideVirtual(o, "written by both sides, and what it holds cannot be merged")
	} else {
		m.virtual = append(m.virtual, virtualTable{*o, v})
	}
	for _, t := range derived {
		t.takeWhole(side)
	}
	return nil
}

// collideVirtual reports that a virtual table collides, unless that has been decided,
// and returns the side that it follows.
func (m *merger) collideVirtual(o *Object, reason string) (side int) {
	id := objectID(o.key())
	side, decided := m.preference(&tableMerge{id: id})
	if !decided {
		m.schemas = append(m.schemas, schemaConflict{ID: id, Table: o.Name, Reason: reason})
	}
	return side
}

// mergeVirtual has SQL finish, in the merged version, the virtual tables that both
// sides have written.
func (m *merger) mergeVirtual(merged version) (version, error) {
	for _, t := range m.virtual {
		var next version
		var err error
		if t.Source != "" {
			next, err = m.db.rebuildVirtual(m.ctx, m.store, merged, t.Name)
		} else {
			next, err = m.mergeVirtualRows(&t, merged)
		}
		switch {
		case err == nil:
			merged = next
		case errors.Is(err, ErrInvalid): // it may be in disorder since before the merge
			m.collideVirtual(&t.Object, err.Error())
		default:
			return version{}, fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return merged, nil
}

// mergeVirtualRows brings what theirs has changed to the rows, which are ours.
func (m *merger) mergeVirtualRows(t *virtualTable, merged version) (version, error) {
	side, _ := m.preference(&tableMerge{id: objectID(t.key())})
	v := &VirtualRows{Table: t.Name, Theirs: side == atTheirs}
	before, err := m.sides[atBase].virtualObjects()
	if err != nil {
		return version{}, err
	}
	if slices.Contains(before, t.Object) {
		base, err := m.db.sqlOn(m.ctx, m.store, m.base, t.Name)
		if err != nil {
			return version{}, err
		}
		defer base.Close()
		v.Base = base
	}
	theirs, err := m.db.sqlOn(m.ctx, m.store, m.theirs, t.Name)
	if err != nil {
		return version{}, err
	}
	defer theirs.Close()
	v.From = theirs
	merged, err = m.db.changeInSQL(m.ctx, m.store, merged, t.Name, func(sql SQL) error { return sql.MergeRows(m.ctx, v) })
	if err == nil && len(v.Collided) > 0 {
		m.collideVirtual(&t.Object, fmt.Sprintf("changed by both sides in rows %s", formatRowids(v.Collided)))
	}
	return merged, err
}

// formatRowids names the first of many.
func formatRowids(ids []int64) string {
	const named = 10
	text := strings.Trim(fmt.Sprint(ids[:min(len(ids), named)]), "[]")
	text = strings.ReplaceAll(text, " ", ", ")
	if more := len(ids) - named; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// rebuildVirtual has a virtual table derived anew of its source.
func (db *DB) rebuildVirtual(ctx context.Context, s prolly.Store, v version, table string) (version, error) {
	return db.changeInSQL(ctx, s, v, table, func(sql SQL) error { return sql.Rebuild(ctx, table) })
}

// changeInSQL returns the version that SQL makes of v.
func (db *DB) changeInSQL(ctx context.Context, s prolly.Store, v version, table string, change func(SQL) error) (version, error) {
	tx := db.txOn(ctx, s, v)
	sql, err := tx.session(table)
	if err != nil {
		return version{}, err
	}
	defer sql.Close()
	if err := change(sql); err != nil {
		return version{}, err
	}
	if err := sql.Take(ctx); err != nil {
		return version{}, err
	}
	return tx.save()
}

// sqlOn opens SQL on a version, to read it.
func (db *DB) sqlOn(ctx context.Context, s prolly.Store, v version, table string) (SQL, error) {
	return db.txOn(ctx, s, v).session(table)
}

// txOn is a transaction for SQL alone: it is not committed.
func (db *DB) txOn(ctx context.Context, s prolly.Store, v version) *Tx {
	return &Tx{Snapshot: db.newSnapshot(ctx, s, v), branch: MainBranch, touched: map[*tableView]bool{}}
}
