package sqltext

// read reads the statement.
func (c *CreateTable) read(r *reader) {
	r.expect(wCreate, "CREATE")
	c.Temp = r.accept(wTemp) || r.accept(wTemporary)
	r.expect(wTable, "TABLE")
	c.IfNotExists = r.ifNotExists()
	c.Table, c.NameSpan = r.qualified("a table's name")
	c.Temp = c.Temp || equalFold(c.Table.Schema, "temp")
	if r.accept(wAs) {
		c.readQuery(r)
		return
	}
	open := r.tok
	r.expectKind(LeftParen, "(")
	c.readColumns(r)
	c.readConstraints(r)
	c.Body = Span{Start: open.End, End: r.tok.Start}
	r.expectKind(RightParen, ")")
	c.References = r.references
	c.readOptions(r)
	r.expectEnd()
}

func (c *CreateTable) readQuery(r *reader) {
	c.AsSelect = true
	start := r.tok.Start
	for r.tok.Kind != EOF && r.tok.Kind != Semicolon {
		r.next()
	}
	c.Query = r.from(start)
	if c.Query.Empty() {
		r.fail("a query")
	}
	r.expectEnd()
}

// readColumns reads definitions of columns, of which there is at least one, up to
// the first constraint or the closing parenthesis.
func (c *CreateTable) readColumns(r *reader) {
	for more := true; more && r.err == nil; {
		c.Columns = append(c.Columns, r.column())
		more = r.acceptKind(Comma) && !r.atConstraint()
	}
}

// atConstraint reports whether a word is at hand that begins a table's constraint;
// no column has such a name without quotes.
func (r *reader) atConstraint() bool {
	switch r.word {
	case wConstraint, wPrimary, wUnique, wCheck, wForeign:
		return true
	}
	return false
}

// readConstraints reads the table's constraints. SQLite lets them stand without
// commas between them.
func (c *CreateTable) readConstraints(r *reader) {
	for r.atConstraint() {
		c.Constraints = append(c.Constraints, r.constraint())
		if r.acceptKind(Comma) && !r.atConstraint() {
			r.fail("a constraint")
		}
	}
}

func (r *reader) constraint() Constraint {
	var c Constraint
	start := r.tok.Start
	if r.accept(wConstraint) {
		c.Name = r.name("a constraint's name")
	}
	switch r.word {
	case wPrimary:
		r.next()
		r.expect(wKey, "KEY")
		c.Kind = PrimaryKey
		c.readKey(r)
	case wUnique:
		r.next()
		c.Kind = Unique
		c.readKey(r)
	case wCheck:
		r.next()
		c.Kind = Check
		r.parens()
		r.onConflict()
	case wForeign:
		r.next()
		r.expect(wKey, "KEY")
		c.Kind = ForeignKey
		c.readForeignKey(r)
	}
	c.Span = r.from(start)
	return c
}

func (c *Constraint) readKey(r *reader) {
	keys, auto := r.keys()
	for _, k := range keys {
		c.Columns = append(c.Columns, k.Column+k.Expression)
	}
	c.AutoIncrement = auto
	r.onConflict()
}

func (c *Constraint) readForeignKey(r *reader) {
	c.Columns = r.names()
	ref := r.reference(c.Columns...)
	c.Parent, c.ParentColumns = ref.Parent, ref.ParentColumns
	for r.deferrable() {
	}
}

// names reads columns in parentheses.
func (r *reader) names() []string {
	var names []string
	keys, _ := r.keys()
	for _, k := range keys {
		names = append(names, k.Column+k.Expression)
	}
	return names
}

// deferrable reads [NOT] DEFERRABLE [INITIALLY …], if it is at hand.
func (r *reader) deferrable() bool {
	if r.word == wNot {
		if _, w := r.peek(); w != wDeferrable {
			return false
		}
		r.next()
	}
	if !r.accept(wDeferrable) {
		return false
	}
	if r.accept(wInitially) && !r.accept(wDeferred) {
		r.expect(wImmediate, "DEFERRED or IMMEDIATE")
	}
	return true
}

// onConflict reads ON CONFLICT and what to do then, if it is at hand.
func (r *reader) onConflict() {
	if r.word != wOn {
		return
	}
	r.next()
	r.expect(wConflict, "CONFLICT")
	r.next()
}

// readOptions reads what follows the parentheses.
func (c *CreateTable) readOptions(r *reader) {
	c.Options = Span{Start: r.last, End: r.last}
	if r.tok.Kind != Ident {
		return
	}
	start := r.tok.Start
	for more := true; more; more = r.acceptKind(Comma) {
		switch r.word {
		case wWithout:
			r.next()
			r.expect(wRowid, "ROWID")
			c.NoRowID = true
		case wStrict:
			r.next()
			c.Strict = true
		default:
			r.fail("WITHOUT ROWID or STRICT")
			return
		}
	}
	c.Options = r.from(start)
}
