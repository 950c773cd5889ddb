package sqltext

// asOf takes AS OF and a revision, if that is what the token at hand begins. With
// anything else than a revision after it, OF is an alias and all is left to SQLite.
func (p *pass) asOf(table Table, write bool) {
	at := AsOf{Table: table, Clause: p.tok.Span(), Write: write}
	look := p.scan
	if of := look.Significant(); of.Kind != Ident || wordOf(of.Of(p.sql)) != wOf {
		return
	}
	end, ok := at.readRevision(&look, p.sql)
	if !ok {
		return
	}
	at.Clause.End = end.End
	p.scan = look
	p.next()
	at.Alias = p.alias()
	p.info.AsOf = append(p.info.AsOf, at)
}

// atPrefix begins the names of the functions that AS OF is another form of.
const atPrefix = "dolt_at_"

// atFunction takes dolt_at_t('revision'), whose parenthesis is at hand, for t AS OF
// 'revision', if the argument is a literal or a parameter: what a column of another
// table says is not known before the statement runs. A view or trigger must keep it.
func (p *pass) atFunction(table Table) {
	if table.Schema != "" || !hasPrefixFold(table.Name, atPrefix) || p.info.Kind == KindCreateView || p.info.Kind == KindCreateTrigger {
		return
	}
	at := AsOf{Table: table, Function: true}
	at.Table.Name = table.Name[len(atPrefix):]
	look := p.scan
	argument, closing := look.Significant(), look.Significant()
	if closing.Kind != RightParen || argument.Kind != String && argument.Kind != Variable || !at.setRevision(argument, p.sql) {
		return
	}
	at.Clause = Span{p.tok.Start, closing.End}
	p.scan = look
	p.next()
	at.Alias = p.alias()
	p.info.AsOf = append(p.info.AsOf, at)
}

// readRevision reads the revision after AS OF and returns its last token.
func (a *AsOf) readRevision(look *Scanner, sql string) (Token, bool) {
	t := look.Significant()
	if t.Kind != Ident || wordOf(t.Of(sql)) != wTimestamp {
		return t, a.setRevision(t, sql)
	}
	a.Time = true
	t = look.Significant()
	if t.Kind != LeftParen {
		return t, a.setRevision(t, sql)
	}
	t = look.Significant()
	closing := look.Significant()
	return closing, closing.Kind == RightParen && a.setRevision(t, sql)
}

// setRevision takes a literal or a parameter. A name in double quotes is a literal,
// as MySQL has it and as SQLite has it where there is no such column.
func (a *AsOf) setRevision(t Token, sql string) bool {
	switch {
	case t.Kind == Variable:
		a.Param.Span = t.Span()
	case t.Kind == String, t.Kind == Quoted && sql[t.Start] == '"':
		a.Revision = unquote(t, sql)
	default:
		return false
	}
	return true
}

// alias returns the alias that the token at hand begins, or "".
func (p *pass) alias() string {
	if p.word == wAs {
		look := p.scan
		t := look.Significant()
		if t.Kind == Ident && !isName(t, wordOf(t.Of(p.sql))) {
			return ""
		}
		return aliasOf(t, p.sql)
	}
	if p.tok.Kind == Ident && (p.word.reserved() || p.word == wWindow && p.windowClause()) {
		return ""
	}
	return aliasOf(p.tok, p.sql)
}

func aliasOf(t Token, sql string) string {
	switch t.Kind {
	case Ident, Quoted, String:
		return unquote(t, sql)
	}
	return ""
}

// windowClause reports whether the word WINDOW at hand begins a clause: a name and
// AS follow.
func (p *pass) windowClause() bool {
	look := p.scan
	name := look.Significant()
	as := look.Significant()
	return isName(name, noWord) && as.Kind == Ident && wordOf(as.Of(p.sql)) == wAs
}
