package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/btree"
	"github.com/vdbgo/vdb/internal/record"
)

// The sequence table, in which SQLite counts for AUTOINCREMENT, is not versioned:
// its rows are the numbers of the whole database, of the tables that the version
// has. So branches do not give out the same rowids.

const sequenceTable = "sqlite_sequence"

func isSequenceTable(name string) bool { return strings.EqualFold(name, sequenceTable) }

// sequenceRoot returns the root page of the sequence table, or 0.
func (s *snapshot) sequenceRoot() uint32 {
	next := 0
	for _, t := range s.contents.Tables {
		if isSequenceTable(t.Schema().Name) {
			return s.trees[next].number(0)
		}
		next += 1 + len(t.Schema().Indexes)
	}
	return 0
}

// counted returns the snapshot with the numbers as they are now.
func (s *snapshot) counted(ctx context.Context, e vdb.Engine) (*snapshot, error) {
	root := s.sequenceRoot()
	if root == 0 {
		return s, nil
	}
	now, err := e.Sequences(ctx, s.sequences)
	if err != nil || s.sequences != nil && now.Equal(s.sequences) {
		return s, err
	}
	w := &rowWriter{numbering: s.numbering, next: s.place(s.pages) + 1, pages: map[uint32][]byte{}}
	for i, name := range s.counting(now) {
		w.row(int64(i+1), record.AppendSQLite(nil, []record.Value{record.Text(name), record.Int(now.Last[strings.ToLower(name)])}))
	}
	kind, cells, err := w.pack(0)
	if err != nil {
		return nil, err
	}
	if w.pages[root], err = fill(root, kind, make([]byte, btree.PageBytes), cells); err != nil {
		return nil, err
	}
	c := *s
	c.sequences, c.pages = now, s.fileNumber(w.next-1)
	c.at = s.over.add(w.pages)
	return &c, nil
}

// counting lists the tables that have a number, in the order of their names.
func (s *snapshot) counting(q *vdb.Sequences) []string {
	var names []string
	for _, t := range s.contents.Tables {
		if _, ok := q.Last[strings.ToLower(t.Schema().Name)]; ok {
			names = append(names, t.Schema().Name)
		}
	}
	return names
}

// editSequences finds what a transaction has written to the sequence table.
func (c *commit) editSequences(edit *vdb.EngineEdit, dropped []string) error {
	root := c.base.sequenceRoot()
	if root == 0 {
		var err error
		if root, err = c.newSequenceRoot(); err != nil || root == 0 {
			return err
		}
	} else if !c.dirty.Touched(root) {
		return nil
	}
	seen := map[string]int64{}
	if c.base.sequences != nil {
		for _, name := range c.base.counting(c.base.sequences) {
			seen[strings.ToLower(name)] = c.base.sequences.Last[strings.ToLower(name)]
		}
	}
	is, err := c.readSequences(root)
	if err != nil {
		return err
	}
	for name, to := range is {
		if from, ok := seen[name]; !ok || from != to {
			edit.Sequences = append(edit.Sequences, vdb.SequenceEdit{Table: name, To: &to, Seen: ok, From: from})
		}
	}
	for name, from := range seen {
		if _, ok := is[name]; !ok {
			gone := slices.ContainsFunc(dropped, func(d string) bool { return strings.EqualFold(d, name) })
			edit.Sequences = append(edit.Sequences, vdb.SequenceEdit{Table: name, Seen: true, From: from, Dropped: gone})
		}
	}
	return nil
}

// newSequenceRoot finds the sequence table that the transaction has made.
func (c *commit) newSequenceRoot() (uint32, error) {
	if !c.schema {
		return 0, nil
	}
	for item, err := range btree.Walk(btree.Side{Source: c, Root: 1}) {
		if err != nil {
			return 0, err
		}
		payload, err := item.Payload(c, nil, nil)
		if err != nil {
			return 0, err
		}
		if row, err := parseSchemaRow(payload); err == nil && row.kind == "table" && isSequenceTable(row.name) {
			return row.root, nil
		}
	}
	return 0, nil
}

// readSequences reads the sequence table as the transaction has left it.
func (c *commit) readSequences(root uint32) (map[string]int64, error) {
	last := map[string]int64{}
	for item, err := range btree.Walk(btree.Side{Source: c, Root: root}) {
		if err != nil {
			return nil, err
		}
		payload, err := item.Payload(c, nil, nil)
		if err != nil {
			return nil, err
		}
		vals, err := record.Parse(payload, nil)
		if err != nil {
			return nil, err
		}
		if len(vals) == 2 && vals[0].Kind() == record.KindText && vals[1].Kind() == record.KindInteger {
			last[strings.ToLower(vals[0].Text())] = vals[1].Int()
		}
	}
	return last, nil
}
