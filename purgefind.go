package vdb

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
)

// purgeTable is a table of one version that may have rows to purge.
type purgeTable struct {
	id    string
	view  *tableView
	conds []condition
	lacks bool // a column of the conditions: its rows are those of other versions
}

// space tells which keys are of the same table and compare with each other.
func (t purgeTable) space() purgeSpace {
	return purgeSpace{t.id, fmt.Sprint(t.view.kind, t.view.key)}
}

// selects tells whether a row is to be purged for what it holds.
func (t purgeTable) selects(x *purge, key, rec []byte) (bool, error) {
	if t.lacks {
		return false, nil
	}
	row, err := t.view.decode(nil, key, slices.Clone(rec))
	if err != nil {
		return false, err
	}
	for i := range t.conds {
		if ok, err := t.conds[i].holds(x.ctx, t.view, row); !ok || err != nil {
			return false, err
		}
	}
	if x.Match == nil {
		return true, nil
	}
	whole, err := t.view.row(x.ctx, key, rec)
	return err == nil && x.Match(whole), err
}

// tables returns the tables of a version that the conditions fit.
func (x *purge) tables(s *Snapshot) ([]purgeTable, error) {
	names, err := s.Tables()
	if err != nil {
		return nil, err
	}
	ids, err := loadIdentities(x.ctx, s.store, s.version.ids)
	if err != nil {
		return nil, err
	}
	virtual, err := s.virtualTables()
	if err != nil {
		return nil, err
	}
	wanted, err := virtual.rowsOf(x.Table)
	if err != nil {
		return nil, err
	}
	var found []purgeTable
	for _, name := range names {
		id := ids.table(name)
		if x.Table != "" && !sameName(name, wanted) && !x.ids[id] || virtual.deriving(name) != nil {
			continue
		}
		var kept *virtualTable
		if !sameName(name, x.Table) {
			kept = virtual.keptIn(name)
		}
		t, err := s.table(name)
		if err != nil {
			return nil, err
		}
		conds, err := conditionsOf(t, x.Where, func(column string) (int, bool) {
			column = kept.column(column)
			i := slices.IndexFunc(t.schema.Columns, func(c Column) bool {
				return sameName(c.Name, column) || ids.column(name, c.Name) == fold(column)
			})
			return i, i >= 0
		})
		if err != nil {
			return nil, err
		}
		x.hasTable, x.hasColumns = true, x.hasColumns || conds != nil
		found = append(found, purgeTable{id: id, view: t, conds: conds, lacks: conds == nil})
	}
	return found, nil
}

// learnFrom notes what tables were first called that have the name on a branch now,
// or had it first.
func (x *purge) learnFrom(_ *refs, item prolly.Item) error {
	if x.Table == "" || !strings.HasPrefix(string(item.Key), headsPrefix) {
		return nil
	}
	x.ids[fold(x.Table)] = true
	state, err := decodeBranchState(item.Value)
	if err != nil {
		return err
	}
	virtual, err := x.db.newSnapshot(x.ctx, x.w, state.working).virtualTables()
	if err != nil {
		return err
	}
	wanted, err := virtual.rowsOf(x.Table)
	if err != nil {
		return err
	}
	ids, err := loadIdentities(x.ctx, x.w, state.working.ids)
	if err == nil {
		x.ids[ids.table(wanted)] = true
	}
	return err
}

// findAll looks for rows in all that r leads to and that has not been looked at.
func (x *purge) findAll(r *refs) error {
	for _, visit := range []func(*refs, prolly.Item) error{x.learnFrom, x.findFrom} {
		for item, err := range r.tree.Items(x.ctx, prolly.Range{}) {
			if err != nil {
				return err
			}
			if err := visit(r, item); err != nil {
				return fmt.Errorf("ref %s: %w", item.Key, err)
			}
		}
	}
	return nil
}

// findFrom looks for rows in what a ref leads to.
func (x *purge) findFrom(r *refs, item prolly.Item) error {
	switch key := string(item.Key); {
	case strings.HasPrefix(key, headsPrefix):
		state, err := decodeBranchState(item.Value)
		if err != nil {
			return err
		}
		if err := x.findIn(state.head); err != nil {
			return err
		}
		head, err := loadCommit(x.ctx, x.w, state.head)
		if err != nil {
			return err
		}
		if err := x.find(head.version(), state.staged); err != nil {
			return err
		}
		return x.find(head.version(), state.working)
	case strings.HasPrefix(key, tagsPrefix):
		tag, err := loadTag(x.ctx, r.store, key, item.Value)
		if err != nil {
			return err
		}
		return x.findIn(tag.Commit)
	}
	return x.findTracked(item.Value)
}

// findTracked looks for rows in the commit that a ref of a remote names.
func (x *purge) findTracked(value []byte) error {
	if len(value) != 1+hash.Size {
		return nil
	}
	h := hash.Hash(value[1:])
	data, err := x.w.Get(x.ctx, h)
	if err != nil || chunk.KindOf(data) != chunk.Commit {
		return err
	}
	return x.findIn(h)
}

// findIn looks for rows in a commit and those before it, the oldest first.
func (x *purge) findIn(head hash.Hash) error {
	for stack := []hash.Hash{head}; len(stack) > 0; {
		h := stack[len(stack)-1]
		if x.visited[h] {
			stack = stack[:len(stack)-1]
			continue
		}
		c, err := loadCommit(x.ctx, x.w, h)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(c.Parents, func(p hash.Hash) bool { return !x.visited[p] }); i >= 0 {
			stack = append(stack, c.Parents[i])
			continue
		}
		if err := x.findCommit(c); err != nil {
			return fmt.Errorf("commit %s: %w", h, err)
		}
		x.visited[h], x.order = true, append(x.order, h)
		stack = stack[:len(stack)-1]
	}
	return nil
}

func (x *purge) findCommit(c *Commit) error {
	before := version{}
	if len(c.Parents) > 0 {
		p, err := loadCommit(x.ctx, x.w, c.Parents[0])
		if err != nil {
			return err
		}
		before = p.version()
	}
	return x.find(before, c.version())
}

// find looks for rows in a version. What it shares with the one before it has been
// looked at.
func (x *purge) find(before, v version) error {
	if before == v {
		return x.ctx.Err()
	}
	was, err := x.tables(x.db.newSnapshot(x.ctx, x.w, before))
	if err != nil {
		return err
	}
	is, err := x.tables(x.db.newSnapshot(x.ctx, x.w, v))
	if err != nil {
		return err
	}
	for _, t := range is {
		i := slices.IndexFunc(was, func(old purgeTable) bool {
			return old.id == t.id && old.view.entry.schema == t.view.entry.schema
		})
		from := prolly.New(t.view.config, x.w)
		if i >= 0 {
			from = was[i].view.rows.tree
		}
		if err := x.findRows(from, t); err != nil {
			return fmt.Errorf("table %s: %w", t.view.schema.Name, err)
		}
	}
	return nil
}

func (x *purge) findRows(from prolly.Tree, t purgeTable) error {
	keys := x.rows[t.space()]
	for change, err := range prolly.Diff(x.ctx, from, t.view.rows.tree, prolly.Range{}) {
		if err != nil {
			return err
		}
		if change.To == nil {
			continue
		}
		known := keys[string(change.Key)]
		selected, err := t.selects(x, change.Key, change.To)
		if err != nil {
			return err
		}
		if !selected && (!known || t.view.kind == keyRowid) {
			continue
		}
		if !known {
			if keys == nil {
				keys = keySet{}
				x.rows[t.space()] = keys
			}
			keys[string(change.Key)] = true
			x.found++
		}
		if err := x.needles.add(x, t, change); err != nil {
			return err
		}
	}
	return nil
}

// needles are the bytes that are to go: records of rows, and their longer values.
type needles struct {
	all     [][]byte
	value   []Value          // nil where the needle is a record
	by      map[uint64][]int // by their first bytes
	present map[string]bool
}

const (
	needleBytes    = 8       // the shortest that is looked for
	needleMaxBytes = 1 << 10 // of a longer one, its beginning
)

func (n *needles) add(x *purge, t purgeTable, change prolly.Change) error {
	n.put(change.To, Value{})
	row, err := t.view.row(x.ctx, change.Key, change.To)
	if err != nil {
		return err
	}
	for _, v := range row {
		if k := v.Kind(); k == KindText || k == KindBlob {
			n.put(v.Bytes(), v)
		}
	}
	return nil
}

func (n *needles) put(b []byte, v Value) {
	b = b[:min(len(b), needleMaxBytes)]
	if len(b) < needleBytes || n.present[string(b)] {
		return
	}
	if n.by == nil {
		n.by, n.present = map[uint64][]int{}, map[string]bool{}
	}
	first := binary.LittleEndian.Uint64(b)
	n.present[string(b)] = true
	n.by[first] = append(n.by[first], len(n.all))
	n.all, n.value = append(n.all, slices.Clone(b)), append(n.value, v)
}

// in calls found for each needle in data until it returns true, and tells whether it
// has.
func (n *needles) in(data []byte, found func(needle int) bool) bool {
	for i := 0; i+needleBytes <= len(data); i++ {
		for _, k := range n.by[binary.LittleEndian.Uint64(data[i:])] {
			b := n.all[k]
			if len(data)-i >= len(b) && string(data[i:i+len(b)]) == string(b) && found(k) {
				return true
			}
		}
	}
	return false
}

// values returns the values among the needles that were seen.
func (n *needles) values(seen map[int]bool) []Value {
	var all []Value
	for k, v := range n.value {
		if seen[k] && !v.IsNull() {
			all = append(all, v)
		}
	}
	return all
}
