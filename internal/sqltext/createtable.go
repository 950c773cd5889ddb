package sqltext

// CreateTable is a CREATE TABLE statement, taken apart into spans of its text.
type CreateTable struct {
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
	// Body is the text between the outer parentheses.
	Body Span
	// Options is the text after the closing parenthesis, such as WITHOUT ROWID,
	// STRICT; it is empty, at the place where options would stand, if there is none.
	Options Span
	NoRowID bool
	Strict  bool
	last    int // where the last token ends
}

// ColumnDef is the definition of a column.
type ColumnDef struct {
	// Span is the whole definition, from the name to the last constraint.
	Span     Span
	NameSpan Span
	Name     string
	// Type is the type as written, GENERATED ALWAYS not included; it may be empty.
	Type string
	// Default is the default's expression as PRAGMA table_info shows it, and
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
	// Columns are the names of the key columns; an expression, which SQLite allows
	// in no constraint, would be there as its text.
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
