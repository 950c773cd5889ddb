package vdb

import (
	"fmt"
	"slices"
	"strings"
)

// differences lists what a stored schema has otherwise than the struct's tags say.
func (s *structShape) differences(stored *Schema) []string {
	var found []string
	for i, f := range s.fields {
		found = append(found, f.differences(&s.schema, i, stored)...)
	}
	for _, c := range stored.Columns {
		if s.schema.Column(c.Name) < 0 && c.NotNull && c.Default == "" {
			found = append(found, fmt.Sprintf("column %s is NOT NULL without a default, and no Go field holds it", c.Name))
		}
	}
	if is, want := stored.PrimaryKey, s.schema.PrimaryKey; !slices.EqualFunc(is, want, sameName) {
		found = append(found, fmt.Sprintf("the primary key is (%s), the Go type has (%s)", strings.Join(is, ", "), strings.Join(want, ", ")))
	}
	found = append(found, s.schema.indexDifferences(stored)...)
	return append(found, s.schema.foreignKeyDifferences(stored)...)
}

// differences compares column i of the wanted schema, which the field made,
// with the stored one.
func (f *field) differences(want *Schema, i int, stored *Schema) []string {
	c := want.Columns[i]
	at := stored.Column(c.Name)
	if at < 0 {
		return []string{fmt.Sprintf("column %s of Go field %s is missing", c.Name, f.path)}
	}
	is := stored.Columns[at]
	var found []string
	differ := func(what string, is, want any) {
		if is != want {
			found = append(found, fmt.Sprintf("column %s: %s is %v, Go field %s has %v", c.Name, what, is, f.path, want))
		}
	}
	fitted := *f
	if err := fitted.inColumn(&is); err != nil {
		found = append(found, err.Error())
	}
	differ("NOT NULL", is.NotNull || stored.inKey(c.Name), c.NotNull || want.inKey(c.Name))
	differ("collation", collationName(is.Collation), collationName(c.Collation))
	if c.Default != "" {
		differ("default", is.Default, c.Default)
	}
	if c.Merge != PolicyConflict {
		differ("merge policy", is.Merge, c.Merge)
	}
	return found
}

func (s *Schema) inKey(column string) bool {
	return slices.ContainsFunc(s.PrimaryKey, func(name string) bool { return sameName(name, column) })
}

func collationName(name string) string {
	if name == "" {
		return "BINARY"
	}
	return strings.ToUpper(name)
}

// indexDifferences lists the indexes of s that the stored schema has not, or has
// otherwise.
func (s *Schema) indexDifferences(stored *Schema) []string {
	var found []string
	for _, x := range s.Indexes {
		i := stored.Index(x.Name)
		if i < 0 {
			found = append(found, fmt.Sprintf("index %s on %s is missing", x.Name, x.describe(s)))
			continue
		}
		if is, want := stored.Indexes[i].describe(stored), x.describe(s); !strings.EqualFold(is, want) {
			found = append(found, fmt.Sprintf("index %s is %s, the Go type has %s", x.Name, is, want))
		}
	}
	return found
}

// describe prints what an index sorts by, defaults filled in.
func (x *Index) describe(s *Schema) string {
	parts := make([]string, len(x.Columns))
	for i, c := range x.Columns {
		if c.Collation == "" {
			c.Collation = s.Columns[s.Column(c.Name)].Collation
		}
		parts[i] = c.Name
		if collation := collationName(c.Collation); collation != "BINARY" {
			parts[i] += " " + collation
		}
		if c.Desc {
			parts[i] += " DESC"
		}
	}
	d := "(" + strings.Join(parts, ", ") + ")"
	if x.Unique {
		return "UNIQUE " + d
	}
	return d
}

// foreignKeyDifferences lists the foreign keys of s that the stored schema has not.
func (s *Schema) foreignKeyDifferences(stored *Schema) []string {
	var found []string
	for _, fk := range s.ForeignKeys {
		if !slices.ContainsFunc(stored.ForeignKeys, fk.equal) {
			found = append(found, fmt.Sprintf("the foreign key of (%s) to %s is missing", strings.Join(fk.Columns, ", "), fk.Parent))
		}
	}
	return found
}

// equal compares as SQL names do. One that leaves out the parent's columns
// equals one that names any.
func (fk ForeignKey) equal(other ForeignKey) bool {
	return sameName(fk.Parent, other.Parent) && slices.EqualFunc(fk.Columns, other.Columns, sameName) &&
		(len(fk.ParentColumns) == 0 || len(other.ParentColumns) == 0 || slices.EqualFunc(fk.ParentColumns, other.ParentColumns, sameName))
}
