package sqltext

// column reads a column's definition.
func (r *reader) column() ColumnDef {
	start := r.tok.Start
	d := ColumnDef{NameSpan: r.tok.Span()}
	d.Name = r.name("a column's name")
	d.Type = r.columnType()
	for d.readConstraint(r) {
	}
	d.Span = r.from(start)
	return d
}

// columnType reads a type: any number of names and strings, and perhaps sizes in
// parentheses.
func (r *reader) columnType() string {
	start := r.tok.Start
	named := false
	for r.atTypeName() {
		named = true
		r.next()
	}
	if !named {
		return ""
	}
	if r.tok.Kind == LeftParen {
		r.parens()
	}
	return r.from(start).Of(r.sql)
}

func (r *reader) atTypeName() bool {
	if r.word == wGenerated {
		_, w := r.peek()
		return w != wAlways
	}
	switch r.tok.Kind {
	case Quoted, String:
		return true
	case Ident:
		return !r.word.reserved()
	}
	return false
}

// readConstraint reads one of a column's constraints, if one is at hand.
func (d *ColumnDef) readConstraint(r *reader) bool {
	switch r.word {
	case wConstraint:
		r.next()
		r.name("a constraint's name")
	case wNull:
		r.next()
		r.onConflict()
	case wNot:
		d.readNot(r)
	case wDeferrable:
		r.deferrable()
	case wPrimary:
		d.readPrimaryKey(r)
	case wUnique:
		r.next()
		d.Unique = true
		r.onConflict()
	case wCheck:
		r.next()
		d.Check = true
		r.parens()
	case wDefault:
		r.next()
		d.HasDefault, d.Default = true, r.defaultValue()
	case wCollate:
		r.next()
		d.Collation = r.name("a collation's name")
	case wReferences:
		d.References = true
		r.reference(d.Name)
	case wGenerated:
		r.next()
		r.expect(wAlways, "ALWAYS")
	case wAs:
		d.readGenerated(r)
	default:
		return false
	}
	return true
}

func (d *ColumnDef) readNot(r *reader) {
	if r.deferrable() {
		return
	}
	r.next()
	r.expect(wNull, "NULL")
	d.NotNull = true
	r.onConflict()
}

func (d *ColumnDef) readPrimaryKey(r *reader) {
	r.next()
	r.expect(wKey, "KEY")
	d.PrimaryKey = true
	if !r.accept(wAsc) {
		d.Descending = r.accept(wDesc)
	}
	r.onConflict()
	d.AutoIncrement = r.accept(wAutoincrement)
}

func (d *ColumnDef) readGenerated(r *reader) {
	r.next()
	d.Generated = r.parens()
	d.Stored = r.accept(wStored)
	if !d.Stored {
		d.Virtual = true
		r.accept(wVirtual)
	}
}

// defaultValue reads an expression in parentheses, or a literal or a name, which
// may have a sign.
func (r *reader) defaultValue() string {
	if r.tok.Kind == LeftParen {
		return r.parens()
	}
	start := r.tok.Start
	if !r.acceptKind(Plus) {
		r.acceptKind(Minus)
	}
	switch r.tok.Kind {
	case Ident, Quoted, String, Blob, Integer, Float:
		r.next()
	default:
		r.fail("a value")
	}
	if r.err != nil {
		return ""
	}
	return r.from(start).Of(r.sql)
}
