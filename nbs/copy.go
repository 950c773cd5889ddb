package nbs

import (
	"context"
	"runtime"
	"slices"
)

// copier copies chunks into a table, packed as they should be there. It checks
// every chunk on its way: damage must not get a new checksum.
type copier struct {
	table   *tableWriter
	buf     []byte
	builder packBuilder
}

// newCopier returns a copier. leads may be nil: then nobody knows which chunks lead to no
// other one.
func newCopier(w *tableWriter, leads LeadsToFunc) *copier {
	return &copier{table: w, builder: packBuilder{leads: leads}}
}

// copyChunks copies all chunks of a source, in the order in which it has them, and
// packs as they are.
func (s *Store) copyChunks(ctx context.Context, w *tableWriter, from source) error {
	cp := newCopier(w, nil)
	hold := s.Hold() // the files stay open
	defer runtime.KeepAlive(hold)
	y := s.newYielder()
	w.yields = y
	for all := from.inFileOrder(); len(all) > 0; {
		if err := y.pause(ctx); err != nil {
			return err
		}
		n := 1
		for n < len(all) && all[n].offset == all[0].offset {
			n++
		}
		if err := cp.copyRecord(from.file, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// copyRecord copies what the index knows of one record.
func (c *copier) copyRecord(file *chunkFile, entries []entry) error {
	if len(entries) == 1 {
		return c.copy(file, entries[0])
	}
	whole, err := c.copyPack(file, entries)
	if whole || err != nil {
		return err
	}
	for _, e := range entries { // of a pack that has lost members
		data, err := c.read(file, e)
		if err != nil {
			return err
		}
		if err := c.version(e, data); err != nil {
			return err
		}
	}
	return c.builder.flush(c.table)
}

// copy copies one chunk. If it is stored as tables have it, it is not packed again.
func (c *copier) copy(file *chunkFile, e entry) error {
	rec, err := c.record(file, e)
	if err != nil {
		return err
	}
	data, err := chunkOf(file, rec, e)
	if err != nil {
		return err
	}
	if rec.kind != kindChunk || rec.codec == codecS2 || rec.codec == codecMasked {
		rec.codec, rec.payload = c.builder.compressor.compress(data)
	}
	return c.table.add(e.address, c.builder.marked(rec.codec, e.address, data), rec.payload)
}

// copyPack copies a pack as it is, if entries are all of its members.
func (c *copier) copyPack(file *chunkFile, entries []entry) (bool, error) {
	rec, err := c.record(file, entries[0])
	if err != nil {
		return false, err
	}
	var p pack
	err = p.decode(rec)
	if err == nil && p.count != len(entries) {
		return false, nil
	}
	if err == nil {
		_, err = p.members(entries)
	}
	if err != nil {
		return false, damageAt(file, entries[0], err)
	}
	return true, c.table.addPack(addressesOf(entries), rec.codec, rec.payload)
}

// version adds a chunk to the pack that is being built, or to the next one.
func (c *copier) version(e entry, data []byte) error {
	if c.builder.add(e.address, data) {
		return nil
	}
	if err := c.builder.flush(c.table); err != nil {
		return err
	}
	c.builder.add(e.address, data)
	return nil
}

func (c *copier) read(file *chunkFile, e entry) ([]byte, error) {
	rec, err := c.record(file, e)
	if err != nil {
		return nil, err
	}
	data, err := chunkOf(file, rec, e)
	if rec.kind == kindChunk && rec.codec == codecRaw {
		data = slices.Clone(data)
	}
	return data, err
}

// record reads a record, which is good until the next call.
func (c *copier) record(file *chunkFile, e entry) (record, error) {
	c.buf = slices.Grow(c.buf[:0], int(e.length))[:e.length]
	return readRecord(file, e.extent, c.buf)
}
