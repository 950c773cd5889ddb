package sqlite

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/btree"
	"github.com/vdbgo/vdb/internal/record"
)

// schemaRow is a row of SQLite's schema table.
type schemaRow struct {
	kind, name, table string
	root              uint32
	sql               string // empty is NULL: an index that a constraint makes
}

// schemaRows lists a version's objects: each table before its indexes, then what
// has no pages. roots has the root pages of those that have.
func schemaRows(c *vdb.Contents, roots []uint32) []schemaRow {
	var rows []schemaRow
	next := 0
	root := func() uint32 { next++; return roots[next-1] }
	for _, t := range c.Tables {
		s := t.Schema()
		rows = append(rows, schemaRow{"table", s.Name, s.Name, root(), tableSQL(s)})
		for i := range s.Indexes {
			rows = append(rows, schemaRow{"index", s.Indexes[i].Name, s.Name, root(), indexSQL(s, i)})
		}
	}
	for _, o := range c.Objects {
		table := o.Table
		if table == "" {
			table = o.Name
		}
		rows = append(rows, schemaRow{o.Type, o.Name, table, 0, o.SQL})
	}
	return rows
}

// record returns the row as SQLite stores it.
func (r *schemaRow) record() []byte {
	sql := record.Null()
	if r.sql != "" {
		sql = record.Text(r.sql)
	}
	return record.AppendSQLite(nil, []record.Value{
		record.Text(r.kind), record.Text(r.name), record.Text(r.table), record.Int(int64(r.root)), sql,
	})
}

// renderSchema makes page 1 and what the schema table takes beyond it, from the
// place next on, and counts the pages.
func (r *rendering) renderSchema(next uint32) error {
	roots := make([]uint32, len(r.trees))
	for i, t := range r.trees {
		roots[i] = t.number(0)
	}
	w := &rowWriter{numbering: r.numbering, next: next, pages: map[uint32][]byte{}}
	sum := sha256.New()
	for i, row := range schemaRows(r.contents, roots) {
		rec := row.record()
		sum.Write(rec)
		w.row(int64(i+1), rec)
	}
	sum.Sum(r.schemaSum[:0])
	kind, cells, err := w.pack(btree.FileHeader)
	if err != nil {
		return err
	}
	r.pages = r.fileNumber(w.next - 1) // page 1 is written last: it has the count
	if w.pages[1], err = fill(1, kind, r.header(), cells); err != nil {
		return err
	}
	r.schema = w.pages
	return nil
}

// rowWriter packs rows into the pages of a table b-tree.
type rowWriter struct {
	numbering
	next  uint32 // place
	cells []schemaCell
	pages map[uint32][]byte
}

// schemaCell is a cell with the largest rowid below it.
type schemaCell struct {
	rowid int64
	data  []byte
}

func (w *rowWriter) take() uint32 {
	w.next++
	return w.fileNumber(w.next - 1)
}

// row adds a row, and writes its overflow pages.
func (w *rowWriter) row(rowid int64, rec []byte) {
	local, spills := btree.Local(btree.TableLeaf, int64(len(rec)))
	cell := btree.AppendVarint(nil, uint64(len(rec)))
	cell = btree.AppendVarint(cell, uint64(rowid))
	cell = append(cell, rec[:local]...)
	if spills {
		rest := rec[local:]
		number := w.take()
		cell = binary.BigEndian.AppendUint32(cell, number)
		for len(rest) > 0 {
			page := make([]byte, btree.PageBytes)
			rest = rest[copy(page[4:], rest):]
			w.pages[number] = page
			if len(rest) > 0 {
				number = w.take()
				binary.BigEndian.PutUint32(page, number)
			}
		}
	}
	w.cells = append(w.cells, schemaCell{rowid, cell})
}

// pack packs level upon level until what is left fits the root page, of which head
// bytes are taken.
func (w *rowWriter) pack(head int) (kind btree.Kind, cells []schemaCell, err error) {
	kind, cells = btree.TableLeaf, w.cells
	for !fitPage(head, cells) {
		if cells, err = w.level(kind, cells); err != nil {
			return kind, nil, err
		}
		kind = btree.TableInterior
	}
	return kind, cells, nil
}

func fitPage(head int, cells []schemaCell) bool {
	room := btree.PageBytes - head - 12
	for _, c := range cells {
		room -= max(len(c.data), 4) + 2
	}
	return room >= 0
}

// level packs cells into pages and returns the cells of the level above.
func (w *rowWriter) level(kind btree.Kind, cells []schemaCell) ([]schemaCell, error) {
	var above []schemaCell
	for len(cells) > 0 {
		n, room := 0, btree.PageBytes-12
		for n < len(cells) && room >= max(len(cells[n].data), 4)+2 {
			room -= max(len(cells[n].data), 4) + 2
			n++
		}
		if !kind.IsLeaf() && len(cells)-n == 1 {
			n-- // lest a page have one child
		}
		number := w.take()
		page, err := fill(number, kind, make([]byte, btree.PageBytes), cells[:n])
		if err != nil {
			return nil, err
		}
		w.pages[number] = page
		cell := binary.BigEndian.AppendUint32(nil, number)
		above = append(above, schemaCell{cells[n-1].rowid, btree.AppendVarint(cell, uint64(cells[n-1].rowid))})
		cells = cells[n:]
	}
	return above, nil
}

// fill makes a page. The last child of an interior page stands in its header.
func fill(number uint32, kind btree.Kind, data []byte, cells []schemaCell) ([]byte, error) {
	b := btree.NewBuilder(number, kind, data)
	right := uint32(0)
	if !kind.IsLeaf() {
		right = binary.BigEndian.Uint32(cells[len(cells)-1].data)
		cells = cells[:len(cells)-1]
	}
	for _, c := range cells {
		if err := b.Add(c.data); err != nil {
			return nil, err
		}
	}
	return b.Finish(right), nil
}
