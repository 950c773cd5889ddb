package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
)

// virtualTables returns the virtual tables of a revision.
func virtualTables(ctx context.Context, b *vdb.Branch, rev string) ([]string, error) {
	objects, err := virtualObjects(ctx, b, rev)
	var names []string
	for _, o := range objects {
		names = append(names, o.Name)
	}
	return names, err
}

func virtualObjects(ctx context.Context, b *vdb.Branch, rev string) ([]vdb.Object, error) {
	s, err := b.AsOf(ctx, rev)
	if err != nil {
		return nil, err
	}
	objects, err := s.Objects()
	return slices.DeleteFunc(objects, func(o vdb.Object) bool { return o.Type != "table" }), err
}

// withIndexed adds the full-text indexes that have their content in a table among
// names, and the tables that have the content of those among them: what is found by the
// one must stand in the other.
func withIndexed(ctx context.Context, b *vdb.Branch, names []string) ([]string, error) {
	all := slices.Clip(names)
	for _, rev := range []string{"HEAD", "STAGED", "WORKING"} {
		virtual, err := virtualObjects(ctx, b, rev)
		if err != nil {
			return nil, err
		}
		for _, o := range virtual {
			v, err := new(evaluator).Virtual(o.SQL)
			if err != nil {
				return nil, err
			}
			if v.Source == "" || v.Columns != nil {
				continue
			}
			if slices.ContainsFunc(names, sameAs(o.Name)) || slices.ContainsFunc(names, sameAs(v.Source)) {
				all = append(all, o.Name, v.Source)
			}
		}
	}
	return all, nil
}

// withShadows adds the tables in which the virtual tables among names keep their
// rows: one is nothing without the other.
func withShadows(ctx context.Context, b *vdb.Branch, names []string) ([]string, error) {
	all := slices.Clip(names)
	for _, rev := range []string{"HEAD", "STAGED", "WORKING"} {
		virtual, err := virtualTables(ctx, b, rev)
		if err != nil {
			return nil, err
		}
		virtual = slices.DeleteFunc(virtual, func(v string) bool { return !slices.ContainsFunc(names, sameAs(v)) })
		if len(virtual) == 0 {
			continue
		}
		tables, err := tableNames(ctx, b, rev)
		if err != nil {
			return nil, err
		}
		for name := range tables {
			if shadowOf(name, virtual) && !slices.ContainsFunc(all, sameAs(name)) {
				all = append(all, name)
			}
		}
	}
	return all, nil
}

func sameAs(name string) func(string) bool {
	return func(other string) bool { return strings.EqualFold(name, other) }
}

// shadowOf tells whether a table belongs to one of some virtual tables.
func shadowOf(table string, virtual []string) bool {
	return slices.ContainsFunc(virtual, func(v string) bool {
		return len(table) > len(v)+1 && table[len(v)] == '_' && strings.EqualFold(table[:len(v)], v)
	})
}

// newVirtualTables returns the virtual tables of the working set that are neither
// at the head nor staged, and all there are in the working set.
func newVirtualTables(ctx context.Context, b *vdb.Branch) (added, all []string, err error) {
	if all, err = virtualTables(ctx, b, "WORKING"); err != nil || len(all) == 0 {
		return nil, nil, err
	}
	added = all
	for _, rev := range []string{"HEAD", "STAGED"} {
		known, err := virtualTables(ctx, b, rev)
		if err != nil {
			return nil, nil, err
		}
		added = slices.DeleteFunc(slices.Clone(added), func(v string) bool { return slices.ContainsFunc(known, sameAs(v)) })
	}
	return added, all, nil
}
