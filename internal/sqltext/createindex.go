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

// ParseCreateIndex takes a CREATE INDEX apart.
func ParseCreateIndex(sql string) (*CreateIndex, error) {
	r := newReader("CREATE INDEX", sql)
	c := new(CreateIndex)
	c.read(r)
	if r.err != nil {
		return nil, r.err
	}
	return c, nil
}

func (c *CreateIndex) read(r *reader) {
	r.expect(wCreate, "CREATE")
	c.Unique = r.accept(wUnique)
	r.expect(wIndex, "INDEX")
	c.IfNotExists = r.ifNotExists()
	c.Index, c.NameSpan = r.qualified("an index's name")
	r.expect(wOn, "ON")
	c.TableSpan = r.tok.Span()
	c.Table = r.name("a table's name")
	c.Keys, _ = r.keys()
	if r.accept(wWhere) {
		c.readWhere(r)
	}
	r.expectEnd()
}

func (c *CreateIndex) readWhere(r *reader) {
	start := r.tok.Start
	for r.tok.Kind != EOF && r.tok.Kind != Semicolon {
		r.next()
	}
	c.Where = r.from(start).Of(r.sql)
	if c.Where == "" {
		r.fail("a condition")
	}
}

// Rename returns the statement, which c was made of, with other names for the index
// and its table.
func (c *CreateIndex) Rename(sql, index, table string) string {
	return apply(sql, []edit{{c.NameSpan, Quote(index)}, {c.TableSpan, Quote(table)}})
}

// IndexKey is a key column of an index.
type IndexKey struct {
	// Span is the whole definition, COLLATE and DESC included.
	Span Span
	// Column is the column's name, or empty if Expression is set.
	Column string
	// Expression is the key's text if it is not a column's name. Its collation is
	// in it too where that is not the one of all the expression.
	Expression string
	Collation  string
	Descending bool
}
