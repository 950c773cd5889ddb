package vdb

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/prolly"
)

// merger makes, of two versions and the one that both come from, a version with
// the changes of both. Tables and columns are matched by their identities, so
// that renames merge with edits; rows by their keys, cell by cell.
//
// Where the sides collide the merged version is as ours, or as take or resolve
// decide; what they leave undecided is listed by conflictList.
type merger struct {
	db                 *DB
	ctx                context.Context
	store              prolly.Store
	base, ours, theirs version
	theirsLater        bool
	// strict: two transactions made the sides. What both did equally collides
	// too, lest an update be lost: each has read the state without the other's.
	strict bool
	// replay: theirs makes a change again that ours may have already, as a revert
	// does. Rows without a primary key that both sides added under one rowid are
	// one row if they are equal; else they are two.
	replay bool
	// take decides all conflicts for one side.
	take Side
	// resolve decides conflicts of rows, by folded table name.
	resolve map[string]func(Conflict) (Row, error)
	// schemaTake decides conflicts of schemas, by table identity.
	schemaTake map[string]Side

	sides   [3]mergeSide
	renamed bool // the sides' identities differ
	nulls   bool // schemas differ, so a cell of one side may be a NULL that the result forbids
	tables  []*tableMerge
	virtual virtualTables
	objects []prolly.Edit // that make ours' objects the merged ones
	schemas []schemaConflict
	listed  []Conflict // conflicts of rows, up to maxListed
}

// maxListed bounds the conflicts in a *ConflictError.
const maxListed = 10_000

// mergeSide is one of the versions.
type mergeSide struct {
	*Snapshot
	ids *identities
}

// tableMerge is a table, by its identity, on the sides of a merge.
type tableMerge struct {
	id    string
	sides [3]*tableSide // nil is absent

	plan  tablePlan
	from  int    // the side whose table is taken whole
	name  string // the merged name, folded
	shape *identitySchema
	rows  *rowMerge
	entry tableEntry // the result, unless absent
}

type tablePlan uint8

const (
	planAbsent tablePlan = iota
	planWhole            // as on side from
	planMerge
)

// tableSide is a table on one side.
type tableSide struct {
	name  string // folded
	raw   []byte // its entry
	ids   tableIdentity
	view  *tableView
	shape *identitySchema
}

// run returns the merged version.
func (m *merger) run() (version, error) {
	switch {
	case m.theirs == m.base:
		return m.ours, nil
	case m.ours == m.base:
		return m.theirs, nil
	}
	if err := m.open(); err != nil {
		return version{}, err
	}
	for _, step := range []func() error{m.pair, m.planAll, m.planVirtual, m.settleNames, m.mergeAll, m.finishAll, m.mergeObjects} {
		if err := step(); err != nil {
			return version{}, err
		}
	}
	merged, err := m.save()
	if err != nil {
		return version{}, err
	}
	return m.mergeVirtual(merged)
}

// conflictList returns the conflicts that remain, at most maxListed of them.
//
//go:noinline // a program is smaller by its copies
func (m *merger) conflictList() []Conflict {
	var all []Conflict
	for _, c := range m.schemas {
		all = append(all, c.conflict())
	}
	return append(all, m.listed...)
}

// violations returns the rows that changed since from, a side, and break a rule
// in the merged version. As the sides are sound, NULLs are looked for only where
// they can have come up.
func (m *merger) violations(from, merged version) ([]Violation, error) {
	return m.db.violations(m.ctx, m.store, from, merged, m.nulls)
}

// verify is violations as an error.
func (m *merger) verify(from, merged version) error { return orViolations(m.violations(from, merged)) }

func (m *merger) open() error {
	for i, v := range [3]version{m.base, m.ours, m.theirs} {
		ids, err := loadIdentities(m.ctx, m.store, v.ids)
		if err != nil {
			return err
		}
		m.sides[i] = mergeSide{Snapshot: m.db.newSnapshot(m.ctx, m.store, v), ids: ids}
	}
	m.renamed = m.base.ids != m.ours.ids || m.base.ids != m.theirs.ids
	return nil
}

// pair lists the tables that may differ from ours in the result.
func (m *merger) pair() error {
	if m.renamed {
		return m.pairByIdentity()
	}
	for change, err := range prolly.Diff(m.ctx, m.sides[atBase].root, m.sides[atTheirs].root, tableKeys) {
		if err != nil {
			return err
		}
		ours, _, err := m.sides[atOurs].root.Get(m.ctx, change.Key)
		if err != nil {
			return err
		}
		name := string(change.Key[len(tableKeyPrefix):])
		t := &tableMerge{id: m.sides[atOurs].ids.table(name)}
		for i, raw := range [][]byte{change.From, ours, change.To} {
			if raw != nil {
				t.sides[i] = m.side(i, name, raw)
			}
		}
		m.tables = append(m.tables, t)
	}
	return nil
}

func (m *merger) side(i int, name string, raw []byte) *tableSide {
	return &tableSide{name: name, raw: raw, ids: m.sides[i].ids.Tables[name]}
}

// pairByIdentity lists all tables.
func (m *merger) pairByIdentity() error {
	byID := map[string]*tableMerge{}
	for i := range m.sides {
		for item, err := range m.sides[i].root.Items(m.ctx, tableKeys) {
			if err != nil {
				return err
			}
			name := string(item.Key[len(tableKeyPrefix):])
			id := m.sides[i].ids.table(name)
			if byID[id] == nil {
				byID[id] = &tableMerge{id: id}
				m.tables = append(m.tables, byID[id])
			}
			byID[id].sides[i] = m.side(i, name, item.Value)
		}
	}
	return nil
}

func (m *merger) planAll() error {
	for _, t := range m.tables {
		if err := m.planTable(t); err != nil {
			return fmt.Errorf("table %s: %w", t.anyName(), err)
		}
	}
	return nil
}

// anyName is what some side calls the table: ours before theirs.
func (t *tableMerge) anyName() string {
	for _, i := range []int{atOurs, atTheirs, atBase} {
		if t.sides[i] != nil {
			return t.sides[i].name
		}
	}
	return t.id
}

func (m *merger) planTable(t *tableMerge) error {
	base, ours, theirs := t.sides[atBase], t.sides[atOurs], t.sides[atTheirs]
	switch {
	case ours != nil && strings.HasPrefix(ours.name, statisticsPrefix):
		t.takeWhole(atOurs)
		return nil
	case sameTable(base, theirs):
		t.takeWhole(atOurs)
		return nil
	case sameTable(base, ours):
		t.takeWhole(atTheirs)
		return nil
	case ours == nil && theirs == nil:
		return nil
	case ours == nil || theirs == nil:
		return m.planDropped(t)
	}
	return m.planMerge(t)
}

// statisticsPrefix begins the names of the tables in which SQLite keeps what ANALYZE
// has found. Each side's describe its own rows; none is worth a conflict.
const statisticsPrefix = "sqlite_stat"

func sameTable(a, b *tableSide) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.name == b.name && bytes.Equal(a.raw, b.raw) && maps.Equal(a.ids.Columns, b.ids.Columns)
}

// takeWhole takes the table as one side has it.
func (t *tableMerge) takeWhole(side int) {
	t.plan, t.from = planWhole, side
	if t.sides[side] == nil {
		t.plan = planAbsent
	} else {
		t.name = t.sides[side].name
	}
}

// preference is the side that a colliding schema follows, and whether that was
// decided by someone.
func (m *merger) preference(t *tableMerge) (side int, decided bool) {
	take := m.take
	if s, ok := m.schemaTake[t.id]; ok {
		take = s
	}
	if take == Theirs {
		return atTheirs, true
	}
	return atOurs, take == Ours
}

// collide reports a conflict of schemas, unless it has been decided.
func (m *merger) collide(t *tableMerge, reason string) {
	if _, decided := m.preference(t); !decided {
		m.schemas = append(m.schemas, schemaConflict{ID: t.id, Table: t.title(), Reason: reason})
	}
}

// title is the table's name as some side spells it.
func (t *tableMerge) title() string {
	for _, i := range []int{atOurs, atTheirs, atBase} {
		if s := t.sides[i]; s != nil && s.view != nil {
			return s.view.schema.Name
		}
	}
	return t.anyName()
}

// planDropped is for a table that one side has dropped: it stays dropped if the
// other has left it alone.
func (m *merger) planDropped(t *tableMerge) error {
	there, reason := atTheirs, "dropped by ours, changed by theirs"
	if t.sides[atOurs] != nil {
		there, reason = atOurs, "changed by ours, dropped by theirs"
	}
	if err := m.load(t); err != nil {
		return err
	}
	was, is := t.sides[atBase], t.sides[there]
	if was.view.entry.rows == is.view.entry.rows && sameSchema(was.shape, is.shape) {
		return nil
	}
	m.collide(t, reason)
	side, _ := m.preference(t)
	t.takeWhole(side)
	return nil
}

// load opens the table on each side.
func (m *merger) load(t *tableMerge) error {
	for i, s := range t.sides {
		if s == nil || s.view != nil {
			continue
		}
		e, err := decodeTableEntry(s.raw)
		if err != nil {
			return err
		}
		if s.view, err = m.sides[i].openTable(e); err != nil {
			return err
		}
		s.shape = m.sides[i].ids.shape(s.view.layout)
	}
	return nil
}

// planMerge merges the table's schema and sees whether its rows can be.
func (m *merger) planMerge(t *tableMerge) error {
	if err := m.load(t); err != nil {
		return err
	}
	base, ours, theirs := t.sides[atBase], t.sides[atOurs], t.sides[atTheirs]
	t.plan, t.name = planMerge, ours.name
	if !m.renamed && ours.view.entry.schema == theirs.view.entry.schema && base != nil && base.view.entry.schema == ours.view.entry.schema {
		t.shape = ours.shape
		t.rows = newRowMerge(m, t, ours.view.layout)
		return nil
	}
	return m.planSchema(t)
}

func (m *merger) planSchema(t *tableMerge) error {
	base, ours, theirs := t.sides[atBase], t.sides[atOurs], t.sides[atTheirs]
	var was *identitySchema
	if base != nil {
		was = base.shape
	}
	prefer, _ := m.preference(t)
	m.nulls = true
	sm := schemaMerge{base: was, ours: ours.shape, theirs: theirs.shape, prefer: prefer,
		edited: func(id string, side int) (int, error) { return m.editedCells(t, id, side) }}
	if err := sm.run(); err != nil {
		return err
	}
	t.shape = sm.merged
	reasons := sm.reasons
	m.mergeName(t)
	collided, err := m.texts(t, reasons)
	if err != nil {
		return err
	}
	if len(collided) > 0 || len(reasons) > 0 && (ours.shape.hasTexts() || theirs.shape.hasTexts()) {
		return m.undecided(t, append(reasons, collided...))
	}
	l, err := newLayout(t.shape.named(spelled))
	if err == nil {
		t.rows = newRowMerge(m, t, l)
		err = t.rows.keyChanges()
	}
	if err != nil {
		reasons = append(reasons, err.Error())
		t.takeWhole(prefer)
	}
	for _, reason := range reasons {
		m.collide(t, reason)
	}
	return nil
}

// undecided takes the whole table as one side has it: what SQL says of the other's
// cannot be put together with it.
func (m *merger) undecided(t *tableMerge, reasons []string) error {
	prefer, _ := m.preference(t)
	t.takeWhole(prefer)
	for _, reason := range reasons {
		m.collide(t, reason)
	}
	return nil
}

// editedCells counts the rows in which a side changed a column since base.
func (m *merger) editedCells(t *tableMerge, id string, side int) (int, error) {
	was, is := t.sides[atBase], t.sides[side]
	if was.view.config != is.view.config {
		return 0, nil // other keys: there are no rows to compare
	}
	before, after := was.shape.position(id), is.shape.position(id)
	n := 0
	for change, err := range prolly.Diff(m.ctx, was.view.rows.tree, is.view.rows.tree, allKeys) {
		if err != nil {
			return 0, err
		}
		if change.From == nil || change.To == nil {
			continue
		}
		from, err := was.view.decode(nil, change.Key, change.From)
		if err != nil {
			return 0, err
		}
		to, err := is.view.decode(nil, change.Key, change.To)
		if err != nil {
			return 0, err
		}
		if !from[before].Equal(to[after]) {
			n++
		}
	}
	return n, nil
}

// spelled calls a foreign key's parent what its side calls it.
func spelled(fk identityForeignKey) (string, []string) { return fk.parent, fk.parentColumns }

// mergeName merges the table's name.
func (m *merger) mergeName(t *tableMerge) {
	base, ours, theirs := t.sides[atBase], t.sides[atOurs], t.sides[atTheirs]
	side := atOurs
	if base != nil && ours.shape.name != theirs.shape.name {
		switch base.shape.name {
		case theirs.shape.name:
		case ours.shape.name:
			side = atTheirs
		default:
			m.collide(t, fmt.Sprintf("renamed by both sides, to %s and to %s", ours.shape.name, theirs.shape.name))
			side, _ = m.preference(t)
		}
	}
	t.name, t.shape.name = t.sides[side].name, t.sides[side].shape.name
}

// settleNames resolves tables that came to have the same name: those which ours
// has keep the names they have there, others are left out.
func (m *merger) settleNames() error {
	for attempt := 0; m.renamed; attempt++ {
		a, b := m.sameNames()
		if a == nil {
			break
		}
		keep, decided := m.preference(a)
		if !decided {
			m.schemas = append(m.schemas, schemaConflict{ID: a.id, Table: a.name, Reason: "both sides have a table of that name, and they are not the same"})
		}
		if attempt > len(m.tables) {
			keep = atOurs // lest tables that prefer different sides go round
		}
		for _, t := range []*tableMerge{a, b} {
			if err := m.fallBack(t, keep); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *merger) sameNames() (a, b *tableMerge) {
	seen := map[string]*tableMerge{}
	for _, t := range m.tables {
		if t.plan == planAbsent {
			continue
		}
		if other := seen[t.name]; other != nil {
			return other, t
		}
		seen[t.name] = t
	}
	return nil, nil
}

// fallBack gives a table the name that it has on a side, or leaves it out.
func (m *merger) fallBack(t *tableMerge, side int) error {
	if t.sides[side] == nil {
		t.plan = planAbsent
		return nil
	}
	if err := m.load(t); err != nil {
		return err
	}
	t.name = t.sides[side].name
	if t.plan == planMerge {
		t.shape.name = t.sides[side].shape.name
	}
	return nil
}

// spelling is the merged name as the side that it comes from spells it.
func (t *tableMerge) spelling() string {
	if t.plan == planMerge {
		return t.shape.name
	}
	for _, side := range []int{t.from, atOurs, atTheirs} {
		if s := t.sides[side]; s != nil && s.name == t.name {
			return s.shape.name
		}
	}
	return t.name
}

func (m *merger) mergeAll() error {
	for _, t := range m.tables {
		if t.plan != planMerge {
			continue
		}
		if err := t.rows.run(); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
		t.entry = t.rows.entry
	}
	return nil
}

// finishAll writes the merged schemas. Those of tables taken whole may have to
// follow what the other side has renamed.
func (m *merger) finishAll() error {
	for _, t := range m.tables {
		if m.renamed && t.plan != planAbsent {
			if err := m.load(t); err != nil {
				return fmt.Errorf("table %s: %w", t.name, err)
			}
		}
	}
	for _, t := range m.tables {
		var err error
		switch t.plan {
		case planMerge:
			err = m.finishMerged(t)
		case planWhole:
			err = m.finishWhole(t)
		}
		if err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	return nil
}

func (m *merger) finishMerged(t *tableMerge) error {
	for _, side := range []*tableSide{t.sides[atOurs], t.sides[atTheirs]} {
		if m.hasMerged(side, t.shape) {
			t.entry.schema = side.view.entry.schema
			return nil
		}
	}
	return m.putReferring(t, t.shape.named(m.parentOf))
}

// hasMerged tells whether a side has the merged schema already, which it may
// spell in a way of its own.
func (m *merger) hasMerged(side *tableSide, merged *identitySchema) bool {
	return merged == side.shape || merged.name == side.shape.name && sameSchema(merged, side.shape) &&
		!slices.ContainsFunc(side.shape.foreignKeys, m.renames)
}

// renames tells whether the merged version has another name for what a foreign
// key refers to.
func (m *merger) renames(fk identityForeignKey) bool {
	name, columns := m.parentOf(fk)
	return !sameName(name, fk.parent) || !slices.EqualFunc(columns, fk.parentColumns, sameName)
}

func (m *merger) putSchema(t *tableMerge, s *Schema) error {
	data, err := encodeSchema(s)
	if err == nil {
		t.entry.schema, err = m.store.Put(m.ctx, data)
	}
	return err
}

// finishWhole renames what a table taken whole calls by a name that the other
// side changed.
func (m *merger) finishWhole(t *tableMerge) error {
	side := t.sides[t.from]
	e, err := decodeTableEntry(side.raw)
	if err != nil {
		return err
	}
	t.entry = e
	if !m.renamed {
		return nil
	}
	s := side.view.schema.Clone()
	changed := t.name != side.name
	if changed {
		s.Name = t.spelling()
	}
	for i, fk := range side.shape.foreignKeys {
		if m.renames(fk) {
			s.ForeignKeys[i].Parent, s.ForeignKeys[i].ParentColumns = m.parentOf(fk)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	return m.putReferring(t, s)
}

// putReferring is putSchema of a table whose SQL may call what its foreign keys refer
// to by names of before.
func (m *merger) putReferring(t *tableMerge, s *Schema) error {
	if m.renamed && s.SQL != "" && len(s.ForeignKeys) > 0 {
		sql, err := evaluator(s.Name)
		if err != nil {
			return err
		}
		if err := sql.Refer(s); err != nil {
			return err
		}
	}
	return m.putSchema(t, s)
}

// parentOf returns what the parent of a foreign key, and its columns, are called
// in the merged version.
func (m *merger) parentOf(fk identityForeignKey) (string, []string) {
	if !m.renamed {
		return spelled(fk)
	}
	i := slices.IndexFunc(m.tables, func(t *tableMerge) bool { return t.id == fk.Parent && t.plan != planAbsent })
	if i < 0 {
		return spelled(fk)
	}
	t := m.tables[i]
	name, shape := fk.parent, t.shape
	if t.plan == planWhole {
		shape = t.sides[t.from].shape
	}
	if fold(name) != t.name {
		name = t.spelling()
	}
	columns := slices.Clone(fk.parentColumns)
	for i, id := range fk.ParentColumns {
		if c := shape.column(id); c != nil && !sameName(c.Name, columns[i]) {
			columns[i] = c.Name
		}
	}
	return name, columns
}

// save writes the merged root value and identities.
func (m *merger) save() (version, error) {
	edits := m.objects
	for _, t := range m.tables {
		if ours := t.sides[atOurs]; ours != nil && (t.plan == planAbsent || ours.name != t.name) {
			edits = append(edits, prolly.Edit{Key: tableKey(ours.name)})
		}
	}
	for _, t := range m.tables {
		if t.plan != planAbsent {
			edits = append(edits, prolly.Edit{Key: tableKey(t.name), Value: t.entry.encode()})
		}
	}
	root, err := m.sides[atOurs].root.Apply(m.ctx, lastEdits(edits))
	if err != nil || !m.renamed {
		return version{root: root.Hash(), ids: m.ours.ids}, err
	}
	ids, err := m.mergedIdentities().store(m.ctx, m.store)
	return version{root: root.Hash(), ids: ids}, err
}

func (m *merger) mergedIdentities() *identities {
	ids := &identities{}
	for _, t := range m.tables {
		switch t.plan {
		case planWhole:
			ids.put(t.name, tableIdentity{Columns: maps.Clone(t.sides[t.from].ids.Columns)})
		case planMerge:
			for _, c := range t.shape.columns {
				ids.setColumn(t.name, c.Name, c.id)
			}
		}
		if t.plan != planAbsent {
			ids.setTable(t.name, t.id)
		}
	}
	return ids
}
