package vdb

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// mergeState is a merge in progress. It is a chunk that the branch's state leads
// to: the addresses below, then the rest as JSON.
type mergeState struct {
	theirs, ours hash.Hash // the commits that are merged
	// base and result are what the merge of the commits was made from and gave.
	base, result version
	// before is the working set as it was, merged as the merge, and what resolved
	// it, has left it; others may have written since.
	before, merged version
	// conflicts is a tree from a table's folded name to its schema and the tree
	// of its rows in conflict, as listedAddresses reads it.
	conflicts hash.Hash
	mergeDetails
}

// mergeDetails is what a mergeState has beside addresses.
type mergeDetails struct {
	Message     Message          `json:"message"`
	Squash      bool             `json:"squash,omitempty"`
	TheirsLater bool             `json:"theirs_later,omitempty"`
	Violated    bool             `json:"violated,omitempty"` // rows may break rules
	Schemas     []schemaConflict `json:"schemas,omitempty"`
	// Accepted are violations that the merge may be committed with.
	Accepted []string `json:"accepted,omitempty"`
}

// schemaConflict is a conflict of a table's schema.
type schemaConflict struct {
	ID     string `json:"id"` // the table's identity
	Table  string `json:"table"`
	Reason string `json:"reason"`
}

func (c schemaConflict) conflict() Conflict { return Conflict{Table: c.Table, Reason: c.Reason} }

func (m *mergeState) addresses() []*hash.Hash {
	return []*hash.Hash{
		&m.theirs, &m.ours, &m.base.root, &m.base.ids, &m.result.root, &m.result.ids,
		&m.before.root, &m.before.ids, &m.merged.root, &m.merged.ids, &m.conflicts,
	}
}

func (m *mergeState) save(ctx context.Context, s prolly.Store) (hash.Hash, error) {
	var addresses []hash.Hash
	for _, a := range m.addresses() {
		addresses = append(addresses, *a)
	}
	payload, err := json.Marshal(m.mergeDetails)
	if err != nil {
		return hash.Hash{}, err
	}
	return s.Put(ctx, chunk.Encode(chunk.Merge, addresses, payload))
}

func loadMergeState(ctx context.Context, s chunkReader, h hash.Hash) (*mergeState, error) {
	data, err := s.Get(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("merge in progress: %w", err)
	}
	addresses, payload, err := chunk.Decode(chunk.Merge, data)
	if err != nil {
		return nil, fmt.Errorf("merge in progress: %w", err)
	}
	m := &mergeState{}
	slots := m.addresses()
	if len(addresses) != len(slots) {
		return nil, fmt.Errorf("merge in progress: it has %d addresses", len(addresses))
	}
	for i, slot := range slots {
		*slot = addresses[i]
	}
	if err := json.Unmarshal(payload, &m.mergeDetails); err != nil {
		return nil, fmt.Errorf("merge in progress: %w", err)
	}
	return m, nil
}

// open tells whether conflicts remain.
func (m *mergeState) open() bool { return !m.conflicts.IsZero() || len(m.Schemas) > 0 }

// violations returns the rows of a working set that break a rule because of the
// merge.
func (m *mergeState) violations(ctx context.Context, db *DB, s prolly.Store, working version) ([]Violation, error) {
	if !m.Violated {
		return nil, nil
	}
	violations, err := db.violations(ctx, s, m.before, working, true)
	if err != nil {
		return nil, err
	}
	return m.unaccepted(violations), nil
}

// settled tells by its error whether the merge cannot be committed yet.
func (m *mergeState) settled(ctx context.Context, db *DB, s prolly.Store, working version) error {
	if m.open() {
		return fmt.Errorf("conflicts remain: %w", ErrMerging)
	}
	violations, err := m.violations(ctx, db, s, working)
	if err != nil || len(violations) == 0 {
		return err
	}
	return fmt.Errorf("%w: %w", ErrMerging, &ConstraintError{Op: "commit merge", Violations: violations})
}

// describe makes a draft the merge's commit: what its message leaves open is the
// merge's.
func (m *mergeState) describe(d *commitDraft) {
	if !m.Squash {
		d.parents = append(d.parents, m.theirs)
	}
	own, kept := &d.message, m.Message
	if own.Text == "" {
		own.Text = kept.Text
	}
	if own.Author == "" {
		own.Author = kept.Author
	}
	if own.Committer == "" {
		own.Committer = kept.Committer
	}
	if own.Time.IsZero() {
		own.Time, own.CommitTime = kept.Time, kept.CommitTime
	}
}

// conflictTable is the rows of one table that are in conflict.
type conflictTable struct {
	name  string // folded
	cells cellMerge
	rows  prolly.Tree
}

// tables yields the tables that have rows in conflict.
func (m *mergeState) tables(ctx context.Context, db *DB, s prolly.Store) iter.Seq2[*conflictTable, error] {
	return func(yield func(*conflictTable, error) bool) {
		for item, err := range prolly.Load(tablesConfig, s, m.conflicts).Items(ctx, allKeys) {
			var t *conflictTable
			if err == nil {
				t, err = m.table(ctx, db, s, item)
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
}

func (m *mergeState) table(ctx context.Context, db *DB, s prolly.Store, item prolly.Item) (*conflictTable, error) {
	e, err := decodeTableEntry(item.Value)
	if err != nil {
		return nil, err
	}
	l, err := db.layout(ctx, s, e.schema)
	if err != nil {
		return nil, err
	}
	return &conflictTable{
		name:  string(item.Key),
		cells: cellMerge{ctx: ctx, view: &tableView{layout: l, store: s, entry: e}, theirsLater: m.TheirsLater},
		rows:  prolly.Load(conflictsConfig, s, e.rows),
	}, nil
}

// setTable records the rows of a table that are in conflict; an empty tree takes
// the table off the list.
func (m *mergeState) setTable(ctx context.Context, s prolly.Store, name string, schema hash.Hash, rows prolly.Tree) error {
	edit := prolly.Edit{Key: []byte(name)}
	if !rows.IsEmpty() {
		edit.Value = tableEntry{schema: schema, rows: rows.Hash()}.encode()
	}
	tree, err := prolly.Load(tablesConfig, s, m.conflicts).Apply(ctx, []prolly.Edit{edit})
	m.conflicts = tree.Hash()
	return err
}

// record takes over the conflicts that a merger has left undecided.
func (m *mergeState) record(r *merger) error {
	m.Schemas = r.schemas
	for _, t := range r.tables {
		if t.plan != planMerge || len(t.rows.conflicts) == 0 {
			continue
		}
		if err := m.recordRows(r, t); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	return nil
}

func (m *mergeState) recordRows(r *merger, t *tableMerge) error {
	edits := make([]prolly.Edit, len(t.rows.conflicts))
	for i, c := range t.rows.conflicts {
		edits[i] = prolly.Edit{Key: c.key, Value: c.encode()}
	}
	sortEdits(edits)
	rows, err := prolly.New(conflictsConfig, r.store).Apply(r.ctx, edits)
	if err != nil {
		return err
	}
	return m.setTable(r.ctx, r.store, t.name, t.entry.schema, rows)
}

// encode lays out the three records, each after its length plus one; 0 stands
// for a row that is absent.
func (c rowConflict) encode() []byte {
	var data []byte
	for _, rec := range [][]byte{c.base, c.ours, c.theirs} {
		if rec == nil {
			data = append(data, 0)
			continue
		}
		data = binary.AppendUvarint(data, uint64(len(rec))+1)
		data = append(data, rec...)
	}
	return data
}

func decodeRowConflict(key, data []byte) (rowConflict, error) {
	c := rowConflict{key: key}
	for _, rec := range []*[]byte{&c.base, &c.ours, &c.theirs} {
		var ok bool
		if *rec, data, ok = cutRecord(data); !ok {
			return rowConflict{}, fmt.Errorf("conflict of row %x is damaged", key)
		}
	}
	if len(data) > 0 {
		return rowConflict{}, fmt.Errorf("conflict of row %x has %d bytes too many", key, len(data))
	}
	return c, nil
}

// cutRecord cuts the first record off data.
func cutRecord(data []byte) (rec, rest []byte, ok bool) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n)+1 {
		return nil, nil, false
	}
	if data = data[n:]; size == 0 {
		return nil, data, true
	}
	return data[: size-1 : size-1], data[size-1:], true
}

// conflictAddresses finds the addresses in the records of a conflict.
func conflictAddresses(value []byte, offsets []int) []int {
	rest := value
	for len(rest) > 0 {
		rec, after, ok := cutRecord(rest)
		if !ok {
			return offsets
		}
		start := len(value) - len(after) - len(rec)
		for _, offset := range record.Addresses(rec, nil) {
			offsets = append(offsets, start+offset)
		}
		rest = after
	}
	return offsets
}
