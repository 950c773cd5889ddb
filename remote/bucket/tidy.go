package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"

	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/remote"
)

const (
	maxSmall   = 16 // tables below tableBytes, before some are merged
	minMerged  = 8  // tables that are merged at once, if they fit
	mergeBytes = 2 * tableBytes
)

// tidy merges tables where there are many small ones, removes what has been of no use for
// the grace time, and returns the manifest that is there then. Somebody else may have
// done the same at the same time; then that is left.
func (b *Bucket) tidy(ctx context.Context, m *manifest) (*manifest, error) {
	merging := m.toMerge()
	if len(merging) == 0 {
		return m, nil
	}
	merged, err := b.merge(ctx, merging)
	if errors.Is(err, fs.ErrNotExist) {
		return b.load(ctx) // somebody was faster, long ago
	}
	if err != nil {
		return nil, fmt.Errorf("merge tables: %w", err)
	}
	m, err = b.swap(ctx, m, func(m *manifest) error {
		m.substitute(merging, merged, b)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("merge tables: %w", err)
	}
	return m, b.sweep(ctx, m)
}

// toMerge returns the tables to be merged, oldest first: the smallest ones, as far as none
// is much larger than those below it together, so that a chunk is not copied often.
func (m *manifest) toMerge() []tableRef {
	small := slices.DeleteFunc(slices.Clone(m.Tables), func(t tableRef) bool { return t.Bytes >= tableBytes })
	if len(small) <= maxSmall {
		return nil
	}
	sort.SliceStable(small, func(i, j int) bool { return small[i].Bytes < small[j].Bytes })
	n, sum := 0, int64(0)
	for _, t := range small {
		if sum+t.Bytes > mergeBytes || n >= minMerged && t.Bytes > 2*sum {
			break
		}
		n, sum = n+1, sum+t.Bytes
	}
	if n < 2 {
		return nil
	}
	chosen := small[:n]
	return slices.DeleteFunc(slices.Clone(m.Tables), func(t tableRef) bool { return !slices.Contains(chosen, t) })
}

// merge writes a table with all chunks of others.
func (b *Bucket) merge(ctx context.Context, tables []tableRef) (tableRef, error) {
	builder := nbs.NewTableBuilder()
	for _, t := range tables {
		if err := b.copyTable(ctx, builder, t); err != nil {
			return tableRef{}, err
		}
	}
	return b.upload(ctx, builder)
}

func (b *Bucket) copyTable(ctx context.Context, to *nbs.TableBuilder, t tableRef) error {
	info, err := t.info()
	if err != nil {
		return err
	}
	content, err := b.objects.Get(ctx, b.prefix+t.key(), 0, -1)
	if err != nil {
		return err
	}
	r, err := nbs.OpenTable(bytes.NewReader(content.Data), b.prefix+t.key(), info)
	if err != nil {
		return err
	}
	for c, err := range r.Chunks(ctx) {
		if err != nil {
			return err
		}
		data, err := c.Data()
		if err != nil {
			return fmt.Errorf("%s: %w: %w", t.key(), err, remote.ErrProtocol)
		}
		if err := to.Add(c, data); err != nil {
			return err
		}
	}
	return nil
}

// substitute puts a table in the place of others that are still all listed, and retires
// these. It also forgets those that were retired long ago.
func (m *manifest) substitute(old []tableRef, merged tableRef, b *Bucket) {
	now := b.Now().UTC()
	m.Retired = slices.DeleteFunc(m.Retired, func(r retired) bool { return now.Sub(r.At) > b.Grace })
	for _, t := range old {
		if !slices.Contains(m.Tables, t) {
			return // somebody else has merged it
		}
	}
	at := slices.Index(m.Tables, old[len(old)-1])
	m.Tables[at] = merged
	m.Tables = slices.DeleteFunc(m.Tables, func(t tableRef) bool { return t != merged && slices.Contains(old, t) })
	for _, t := range old {
		if t != merged {
			m.Retired = append(m.Retired, retired{t.ID, now})
		}
	}
}

// sweep removes tables that the manifest does not name and that are older than the grace
// time: of pushes that were cut, and what was retired.
func (b *Bucket) sweep(ctx context.Context, m *manifest) error {
	named := map[string]bool{}
	for _, t := range m.Tables {
		named[t.ID] = true
	}
	for _, t := range m.Retired {
		named[t.ID] = true
	}
	for o, err := range b.objects.List(ctx, b.prefix+tablesPrefix) {
		if err != nil {
			return fmt.Errorf("remove old tables: %w", err)
		}
		if o.Age <= b.Grace || named[strings.TrimPrefix(o.Key, b.prefix+tablesPrefix)] {
			continue
		}
		if err := b.objects.Delete(ctx, o.Key); err != nil {
			return fmt.Errorf("remove old tables: %w", err)
		}
	}
	return nil
}
