package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/vdbgo/vdb"
)

// importHistory makes a commit of every revision.
func importHistory(ctx context.Context, db *vdb.DB, h *history, out io.Writer) error {
	main, err := db.Branch(ctx, vdb.MainBranch)
	if err != nil {
		return err
	}
	start, changes := time.Now(), 0
	for r, err := range h.each() {
		if err != nil {
			return err
		}
		if err := r.commitTo(ctx, main); err != nil {
			return fmt.Errorf("revision %d: %w", r.Seq, err)
		}
		changes += r.changes()
		progress(out, "imported", r)
	}
	if changes != h.RowChanges {
		return fmt.Errorf("%d rows changed, not %d", changes, h.RowChanges)
	}
	fmt.Fprintf(out, "imported: %d commits, %d rows changed, %v, %.1f MB\n",
		h.Revisions, changes, time.Since(start).Round(time.Millisecond), float64(sizeOf(db))/1e6)
	return nil
}

// progress prints a line now and then.
func progress(out io.Writer, what string, r *revision) {
	if r.Seq%100 == 0 && r.Seq < r.Revisions {
		fmt.Fprintf(out, "%s %d of %d revisions\n", what, r.Seq, r.Revisions)
	}
}

// sizeOf returns the bytes that the database takes.
func sizeOf(db *vdb.DB) int64 {
	s := db.Stats()
	return s.JournalBytes + s.TableBytes
}

// commitTo writes the revision to the branch's working set, and commits it.
func (r *revision) commitTo(ctx context.Context, b *vdb.Branch) error {
	if err := b.Update(ctx, r.write); err != nil {
		return err
	}
	_, err := b.Commit(ctx, vdb.Message{
		Author:     r.Author,
		Text:       r.Message,
		Time:       r.time(),
		AllowEmpty: true, // not every revision changed a row
	})
	return err
}

// write gives the table the revision's columns and rows.
func (r *revision) write(tx *vdb.Tx) error {
	if r.Full {
		if err := r.reshape(tx); err != nil {
			return err
		}
	}
	order, err := r.orderIn(tx, r.Columns)
	if err != nil {
		return err
	}
	if r.Full {
		return r.rewrite(tx, order)
	}
	return r.apply(tx, order)
}

// reshape creates the table, or changes its columns.
func (r *revision) reshape(tx *vdb.Tx) error {
	if r.isFirst() {
		s := vdb.Schema{Name: r.Dataset, PrimaryKey: r.Key}
		for _, name := range r.Columns {
			s.Columns = append(s.Columns, textColumn(name))
		}
		return tx.CreateTable(s)
	}
	common, err := r.commonRows(tx)
	if err != nil {
		return err
	}
	plan := common.plan()
	return plan.apply(tx, r.Dataset)
}

// rewrite puts every row of a full revision, and deletes all others.
func (r *revision) rewrite(tx *vdb.Tx, order *columnOrder) error {
	for _, is := range r.Insert {
		if err := tx.Put(r.Dataset, order.toTable(is)); err != nil {
			return err
		}
	}
	gone, err := r.missing(tx, order)
	if err != nil {
		return err
	}
	return r.delete(tx, gone)
}

// apply makes the recorded changes. A row that should be there and is not, or
// the other way round, is an error.
func (r *revision) apply(tx *vdb.Tx, order *columnOrder) error {
	if err := r.delete(tx, r.Delete); err != nil {
		return err
	}
	for _, is := range r.Update {
		if err := tx.Update(r.Dataset, order.toTable(is)); err != nil {
			return err
		}
	}
	for _, is := range r.Insert {
		if err := tx.Insert(r.Dataset, order.toTable(is)); err != nil {
			return err
		}
	}
	return nil
}

func (r *revision) delete(tx *vdb.Tx, keys []row) error {
	for _, key := range keys {
		if err := tx.Delete(r.Dataset, key.anys()...); err != nil {
			return err
		}
	}
	return nil
}
