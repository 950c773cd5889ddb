package sqltext

// Reference is a REFERENCES in a CREATE TABLE, of a column or of a FOREIGN KEY.
type Reference struct {
	// Columns are those that refer.
	Columns []string
	// Parent is the table that is referred to, and ParentColumns its columns, empty if
	// its primary key is meant; the spans are where the names stand.
	Parent        string
	ParentColumns []string
	parentSpan    Span
	columnSpans   []Span
}

// Refer returns the statement, which c was made of, with other names for what it
// refers to: to returns them for each of the References.
func (c *CreateTable) Refer(sql string, to func(r *Reference) (parent string, columns []string)) string {
	var edits []edit
	for i := range c.References {
		r := &c.References[i]
		parent, columns := to(r)
		if !equalFold(parent, r.Parent) {
			edits = append(edits, edit{r.parentSpan, Quote(parent)})
		}
		for j, name := range columns {
			if j < len(r.columnSpans) && !equalFold(name, r.ParentColumns[j]) {
				edits = append(edits, edit{r.columnSpans[j], Quote(name)})
			}
		}
	}
	return apply(sql, edits)
}

// reference reads REFERENCES and all that belongs to it but DEFERRABLE.
func (r *reader) reference(columns ...string) *Reference {
	r.expect(wReferences, "REFERENCES")
	ref := Reference{Columns: columns, parentSpan: r.tok.Span()}
	ref.Parent = r.name("a table's name")
	if r.tok.Kind == LeftParen {
		keys, _ := r.keys()
		for _, k := range keys {
			ref.ParentColumns = append(ref.ParentColumns, k.Column+k.Expression)
			ref.columnSpans = append(ref.columnSpans, k.Span)
		}
	}
	r.references = append(r.references, ref)
	for r.referenceClause() {
	}
	return &r.references[len(r.references)-1]
}

// referenceClause reads ON or MATCH and what belongs to it, if it is at hand.
func (r *reader) referenceClause() bool {
	switch r.word {
	case wOn:
		r.next()
		r.next() // DELETE, UPDATE or INSERT
		if r.word == wSet || r.word == wNo {
			r.next()
		}
		r.next()
		return true
	case wMatch:
		r.next()
		r.name("a name")
		return true
	}
	return false
}
