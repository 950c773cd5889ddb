package sqlite

import (
	"fmt"
	"iter"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// newPreview is dolt_preview_merge_conflicts(base, other, table): the rows of a table
// that a merge of the second revision into the first would leave in conflict.
// Columns cannot depend on an argument, so each row is a JSON object.
func newPreview(s *session) module.Table {
	columns := []module.Column{
		plain("from_root_ish", "TEXT"), plain("base_row", "TEXT"), plain("our_row", "TEXT"), plain("our_diff_type", "TEXT"),
		plain("their_row", "TEXT"), plain("their_diff_type", "TEXT"), plain("dolt_conflict_id", "TEXT"),
		needed("base_revision"), needed("merge_revision"), needed("table_argument"),
	}
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		return collected(func(add func(...any)) error {
			if err := addPreview(s, w.args(7, 3), add); err != nil {
				return fmt.Errorf("dolt_preview_merge_conflicts: %w", err)
			}
			return nil
		})
	}}
}

func addPreview(s *session, args []string, add func(...any)) error {
	if len(args) < 3 {
		return fmt.Errorf("an argument is NULL")
	}
	ours, theirs, err := mergeEnds(s, args)
	if err != nil {
		return err
	}
	names, err := mergedNames(s, args[2], ours, theirs)
	if err != nil {
		return err
	}
	for c, err := range s.db.PreviewMerge(s.ctx(), ours, theirs, nil) {
		if err != nil {
			return err
		}
		if c.Reason != "" || !strings.EqualFold(c.Table, args[2]) {
			continue
		}
		row := func(r vdb.Row) any { return jsonRow(names, r) }
		add(theirs, row(c.Base), row(c.Ours), sideKind(c.Base, c.Ours), row(c.Theirs), sideKind(c.Base, c.Theirs), keyID(c.Key))
	}
	return nil
}

// mergedNames returns the names of a table's columns after a merge: ours, then
// those that theirs has added.
func mergedNames(s *session, table string, revs ...string) ([]string, error) {
	var names []string
	have := map[string]bool{}
	var missing error
	for _, rev := range revs {
		at, err := s.db.AsOf(s.ctx(), rev)
		if err != nil {
			return nil, err
		}
		schema, err := at.Schema(table)
		if err != nil {
			missing = err
			continue
		}
		for _, c := range schema.Columns {
			if !have[strings.ToLower(c.Name)] {
				have[strings.ToLower(c.Name)] = true
				names = append(names, c.Name)
			}
		}
	}
	if names == nil {
		return nil, missing
	}
	return names, nil
}

// sideKind names what a side did to a row.
func sideKind(base, side vdb.Row) string {
	switch {
	case base == nil:
		return "added"
	case side == nil:
		return "removed"
	}
	return "modified"
}

// keyID names a row by its key.
func keyID(key []vdb.Value) string {
	texts := make([]string, len(key))
	for i, v := range key {
		texts[i] = v.String()
	}
	return strings.Join(texts, ", ")
}
