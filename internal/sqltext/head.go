package sqltext

// head takes the words that a statement begins with, and tells its kind.
func (p *pass) head() {
	if p.tok.Kind == EOF {
		p.info.Kind = KindEmpty
		return
	}
	if p.tok.Kind != Ident {
		return
	}
	switch p.word {
	case wWith:
		p.with = true
		p.next()
	case wExplain:
		p.explained()
	case wCreate:
		p.create()
	case wDrop:
		p.drop()
	case wAlter:
		p.alter()
	case wCall:
		p.info.Kind, p.info.Call = KindCall, p.tok.Span()
		p.next()
	case wUse:
		p.use()
	default:
		p.verb()
		p.other()
	}
}

// verb tells the kind of a statement that reads or writes rows; WITH may stand
// before it.
func (p *pass) verb() {
	kind := KindOther
	switch p.word {
	case wSelect, wValues:
		kind = KindSelect
	case wInsert, wReplace:
		kind = KindInsert
	case wUpdate:
		kind = KindUpdate
	case wDelete:
		kind = KindDelete
	default:
		return
	}
	p.info.Kind, p.with = kind, false
}

func (p *pass) explained() {
	p.explain = true
	p.next()
	if p.word == wQuery {
		p.next()
		p.next()
	}
	if p.word != wExplain {
		p.head()
	}
}

// accept goes past a keyword if it is at hand.
func (p *pass) accept(w word) bool {
	if p.word != w {
		return false
	}
	p.next()
	return true
}

func (p *pass) create() {
	p.next()
	if p.accept(wTemp) || p.accept(wTemporary) {
		p.info.Temp = true
	}
	p.accept(wUnique)
	virtual := p.accept(wVirtual)
	switch p.word {
	case wTable:
		p.info.Kind = KindCreateTable
		if virtual {
			p.info.Kind = KindCreateVirtual
		}
	case wIndex:
		p.info.Kind = KindCreateIndex
	case wView:
		p.info.Kind = KindCreateView
	case wTrigger:
		p.info.Kind = KindCreateTrigger
	default:
		return
	}
	p.next()
	p.ifExists()
	p.named()
}

func (p *pass) drop() {
	p.next()
	switch p.word {
	case wTable:
		p.info.Kind = KindDropTable
	case wIndex:
		p.info.Kind = KindDropIndex
	case wView:
		p.info.Kind = KindDropView
	case wTrigger:
		p.info.Kind = KindDropTrigger
	default:
		return
	}
	p.next()
	p.ifExists()
	p.named()
}

func (p *pass) ifExists() {
	if p.accept(wIf) {
		p.accept(wNot)
		p.accept(wExists)
	}
}

func (p *pass) alter() {
	p.info.Kind = KindAlter
	p.next()
	p.accept(wTable)
	p.named()
}

// named takes the name of what the statement is about, if there is one.
func (p *pass) named() {
	if p.isName() {
		p.setTarget(p.qualified())
	}
}

// use takes the name after USE: one quoted name, or all the text as it is, since
// the names of branches have characters in them that SQL has other uses for.
func (p *pass) use() {
	p.info.Kind = KindUse
	p.next()
	first, last := p.tok, p.tok
	for ; !p.ended(); p.next() {
		last = p.tok
	}
	if first == last {
		p.info.Use = unquote(first, p.sql)
		return
	}
	p.info.Use = p.sql[first.Start:last.End]
}

// other tells the kinds of statements that are about neither rows nor schemas.
func (p *pass) other() {
	first := p.word
	kind := otherKind(first)
	if kind == KindOther {
		return
	}
	p.info.Kind = kind
	p.next()
	switch kind {
	case KindBegin:
		p.info.Writes = p.word == wImmediate || p.word == wExclusive
	case KindRollback:
		p.rollback()
	case KindRelease:
		p.accept(wSavepoint)
		p.named()
	case KindSavepoint, KindReindex, KindAnalyze:
		p.named()
	case KindVacuum:
		if p.word != wInto {
			p.named()
		}
	case KindPragma:
		p.pragma()
	}
}

func otherKind(w word) Kind {
	switch w {
	case wBegin:
		return KindBegin
	case wCommit, wEnd:
		return KindCommit
	case wRollback:
		return KindRollback
	case wSavepoint:
		return KindSavepoint
	case wRelease:
		return KindRelease
	case wPragma:
		return KindPragma
	case wAttach:
		return KindAttach
	case wDetach:
		return KindDetach
	case wVacuum:
		return KindVacuum
	case wReindex:
		return KindReindex
	case wAnalyze:
		return KindAnalyze
	}
	return KindOther
}

func (p *pass) rollback() {
	p.accept(wTransaction)
	if p.accept(wTo) {
		p.info.Kind = KindRollbackTo
		p.accept(wSavepoint)
		p.named()
	}
}

// pragma takes a pragma's name. One that is given a value writes if that value is
// kept in the database; some write without a value.
func (p *pass) pragma() {
	p.named()
	given := p.tok.Kind == Equal || p.tok.Kind == LeftParen
	switch name := p.info.Target.Name; {
	case given && p.oneOf(name, "application_id", "auto_vacuum", "default_cache_size", "encoding", "journal_mode", "page_size", "schema_version", "user_version"):
		p.info.Writes = true
	case p.oneOf(name, "incremental_vacuum", "optimize", "wal_checkpoint"):
		p.info.Writes = true
	}
}

func (p *pass) oneOf(name string, names ...string) bool {
	for _, n := range names {
		if equalFold(name, n) {
			return true
		}
	}
	return false
}
