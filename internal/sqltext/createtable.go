package sqltext

import (
	"slices"
	"strings"
)

// CreateTable is a CREATE TABLE statement, taken apart into spans of its text.
type CreateTable struct {
	// Temp says that the table is temporary, by TEMP or by the schema temp.
	Temp        bool
	IfNotExists bool
	Table       Table
	// NameSpan is the table's own name, without its schema's.
	NameSpan Span
	// AsSelect says that the table is made from a query, whose text is Query; it
	// then has neither columns nor constraints.
	AsSelect    bool
	Query       Span
	Columns     []ColumnDef
	Constraints []Constraint
	// References are all of them, those of columns first.
	References []Reference
	// Body is the text between the outer parentheses.
	Body Span
	// Options is the text after the closing parenthesis, such as WITHOUT ROWID,
	// STRICT; it is empty, at the place where options would stand, if there is none.
	Options Span
	NoRowID bool
	Strict  bool
}

// ParseCreateTable takes a CREATE TABLE apart. Virtual tables are not for it.
func ParseCreateTable(sql string) (*CreateTable, error) {
	r := newReader("CREATE TABLE", sql)
	c := new(CreateTable)
	c.read(r)
	if r.err != nil {
		return nil, r.err
	}
	return c, nil
}

// Column returns the definition of a column, whose name may be in any case, or nil
// if there is none.
func (c *CreateTable) Column(name string) *ColumnDef {
	for i := range c.Columns {
		if equalFold(c.Columns[i].Name, name) {
			return &c.Columns[i]
		}
	}
	return nil
}

// PrimaryKey returns the names of the columns of the primary key in its order, be
// it declared with the column or with the table.
func (c *CreateTable) PrimaryKey() []string {
	for _, d := range c.Columns {
		if d.PrimaryKey {
			return []string{d.Name}
		}
	}
	for _, constraint := range c.Constraints {
		if constraint.Kind == PrimaryKey {
			return constraint.Columns
		}
	}
	return nil
}

// WithoutRowID returns the statement, which c was made of, with WITHOUT ROWID among
// its options. A table made from a query, which takes none, stays as it is.
func (c *CreateTable) WithoutRowID(sql string) string {
	if c.NoRowID || c.AsSelect {
		return sql
	}
	text := ", WITHOUT ROWID"
	if c.Options.Empty() {
		text = " WITHOUT ROWID"
	}
	return apply(sql, []edit{{Span{c.Options.End, c.Options.End}, text}})
}

// Rename returns the statement, which c was made of, with another name for the
// table. What refers to the table by its old name, such as a foreign key to
// itself, still does.
func (c *CreateTable) Rename(sql, name string) string {
	return apply(sql, []edit{{c.NameSpan, Quote(name)}})
}

// Text writes a CREATE TABLE from the definitions of columns and constraints, as the
// spans of another one have them, and options such as STRICT.
func (c *CreateTable) Text(name string, columns, constraints []string, options string) string {
	var out strings.Builder
	out.WriteString("CREATE ")
	if c.Temp {
		out.WriteString("TEMP ")
	}
	out.WriteString("TABLE ")
	if c.IfNotExists {
		out.WriteString("IF NOT EXISTS ")
	}
	out.WriteString(Quote(name) + " (")
	out.WriteString(strings.Join(slices.Concat(columns, constraints), ", "))
	out.WriteString(")")
	if options != "" {
		out.WriteString(" " + options)
	}
	return out.String()
}

// ColumnDef is the definition of a column.
type ColumnDef struct {
	// Span is the whole definition, from the name to the last constraint.
	Span     Span
	NameSpan Span
	Name     string
	// Type is the type as written, GENERATED ALWAYS not included; it may be empty.
	Type string
	// Default is the default's text, without the parentheses of an expression, and
	// HasDefault tells an empty one from none.
	Default    string
	HasDefault bool
	Collation  string
	NotNull    bool
	PrimaryKey bool
	// Descending is the order of a PRIMARY KEY DESC.
	Descending    bool
	AutoIncrement bool
	Unique        bool
	Check         bool
	References    bool
	// Generated is the expression of a generated column, without parentheses.
	Generated string
	// Virtual and Stored say how a generated column is kept: one of them is set.
	Virtual bool
	Stored  bool
}

// Constraint is a constraint of a table, or of a column if that is how it was
// written.
type Constraint struct {
	Span Span
	Kind ConstraintKind
	// Name is the name that CONSTRAINT gives, or empty.
	Name string
	// Columns are the key's columns, or a foreign key's.
	Columns []string
	// Parent and ParentColumns are what a foreign key refers to; ParentColumns is
	// empty if the parent's primary key is meant.
	Parent        string
	ParentColumns []string
	AutoIncrement bool
}

// ConstraintKind says what a table constraint asks for.
type ConstraintKind uint8

// The kinds of table constraints. NoConstraint is a CONSTRAINT name that nothing
// follows, which SQLite allows.
const (
	NoConstraint ConstraintKind = iota
	PrimaryKey
	Unique
	Check
	ForeignKey
)
