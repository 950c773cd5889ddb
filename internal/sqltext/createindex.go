package sqltext

// CreateIndex is a CREATE INDEX statement, taken apart.
type CreateIndex struct {
	Unique      bool
	IfNotExists bool
	// Index is the index's name, with its schema's if that is named.
	Index Table
	// NameSpan is the index's own name, without its schema's.
	NameSpan  Span
	Table     string
	TableSpan Span
	Keys      []IndexKey
	// Where is the condition of a partial index, or empty.
	Where string
}

// IndexKey is a key column of an index.
type IndexKey struct {
	// Span is the whole definition, COLLATE and DESC included.
	Span Span
	// Column is the column's name, or empty if Expression is set.
	Column     string
	Expression string
	Collation  string
	Descending bool
}
