package sqltext

// Parse says what the first statement of sql is. It reads the text once and
// allocates nothing unless there is something of vdb's in the statement.
func Parse(sql string) Info {
	p := pass{sql: sql, scan: NewScanner(sql)}
	p.from.push(false)
	p.next()
	for p.tok.Kind == Semicolon {
		p.next()
	}
	p.head()
	for !p.ended() {
		p.step()
	}
	p.finish()
	return p.info
}

// pass is Parse's way through a statement.
type pass struct {
	sql  string
	scan Scanner
	info Info
	end  endState
	// tok is the token at hand, and word its keyword; before and beforeWord are
	// the token before it.
	tok        Token
	word       word
	before     TokenKind
	beforeWord word
	// from says for each open parenthesis, and for the statement itself, whether
	// a FROM clause is being read, in which a comma leads to another table.
	from bitStack
	want wanted
	// with says that a WITH was read and the statement's own verb was not yet.
	with    bool
	explain bool
}

// wanted is what the next token may name.
type wanted uint8

const (
	nothing wanted = iota
	source         // a table to read, or a parenthesis with some
	target         // the table to write
)

// next goes to the next token and notes vdb's names.
func (p *pass) next() {
	p.before, p.beforeWord = p.tok.Kind, p.word
	p.tok = p.scan.Significant()
	p.word = noWord
	switch p.tok.Kind {
	case Ident:
		p.word = wordOf(p.text())
		p.noteName()
	case Quoted:
		p.noteName()
	}
	p.end = p.end.after(p.tok, p.sql)
}

func (p *pass) text() string { return p.tok.Of(p.sql) }

// ended reports whether the token at hand is behind the statement's last one.
func (p *pass) ended() bool {
	return p.tok.Kind == EOF || p.tok.Kind == Semicolon && p.end == start
}

// noteName keeps the token at hand if it is a name of vdb's.
func (p *pass) noteName() {
	text := p.text()
	if p.tok.Kind != Ident {
		text = text[1:]
	}
	if hasPrefixFold(text, "dolt_") || hasPrefixFold(text, "vdb_") {
		p.info.Names = append(p.info.Names, Name{Span: p.tok.Span(), Text: unquote(p.tok, p.sql)})
	}
}

// hasPrefixFold reports whether s begins with prefix, which is in small letters,
// in any case.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && s[0]|0x20 == prefix[0] && equalFold(s[:len(prefix)], prefix)
}

// equalFold compares as SQLite compares names: ASCII letters of either case are
// the same.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// step takes the token at hand, and the rest of a table's name if it begins one.
func (p *pass) step() {
	want := p.want
	p.want = nothing
	switch p.tok.Kind {
	case LeftParen:
		p.open(want == source)
	case RightParen:
		p.from.pop()
	case Semicolon:
		p.from = bitStack{depth: 1}
	case Comma:
		if p.from.top() {
			p.want = source
		}
	case Quoted, String:
		if want != nothing {
			p.table(want)
			return
		}
	case Ident:
		if want != nothing && p.isName() {
			p.table(want)
			return
		}
		if p.before != Dot {
			p.keyword(want)
		}
	}
	p.next()
}

// open enters a parenthesis. One in the place of a table has tables joined in it,
// or a query, whose SELECT then says so.
func (p *pass) open(tables bool) {
	p.from.push(tables)
	if tables {
		p.want = source
	}
}

// isName reports whether the token at hand can name a table.
func (p *pass) isName() bool { return isName(p.tok, p.word) }

// isName reports whether a token can stand where only a name can.
func isName(t Token, w word) bool {
	switch t.Kind {
	case Quoted, String:
		return true
	case Ident:
		return !w.reserved() || w.joins()
	}
	return false
}

// keyword follows a statement's clauses.
func (p *pass) keyword(want wanted) {
	if p.word == noWord {
		return
	}
	switch p.word {
	case wFrom:
		p.fromClause()
	case wJoin:
		p.want = source
	case wInto, wUpdate:
		p.want = target
	case wOr:
		if want == target { // UPDATE OR IGNORE
			p.next()
			p.want = target
		}
	case wSelect, wValues, wWhere, wGroup, wHaving, wOrder, wLimit, wUnion, wExcept, wIntersect, wSet, wReturning:
		p.from.set(false)
	}
	if p.with && p.from.depth == 1 && p.before == RightParen {
		p.verb()
	}
}

// fromClause enters FROM, which is no clause in IS DISTINCT FROM.
func (p *pass) fromClause() {
	switch p.beforeWord {
	case wDistinct:
	case wDelete:
		p.want = target
	default:
		p.from.set(true)
		p.want = source
	}
}

// table takes a table's name and what AS OF says of it.
func (p *pass) table(want wanted) {
	table := p.qualified()
	if want == target && p.info.Target.Name == "" && p.info.Kind.dml() {
		p.setTarget(table)
	}
	switch {
	case p.word == wAs:
		p.asOf(table, want == target)
	case p.tok.Kind == LeftParen && want == source:
		p.atFunction(table)
	}
}

func (k Kind) dml() bool { return k == KindInsert || k == KindUpdate || k == KindDelete }

// qualified takes a name, with or without its schema's; the token at hand begins
// it.
func (p *pass) qualified() Table {
	table := Table{Span: p.tok.Span(), Name: p.name()}
	p.next()
	if p.tok.Kind != Dot {
		return table
	}
	p.next()
	if !p.isName() {
		return table
	}
	table.Schema, table.Name, table.Span.End = table.Name, p.name(), p.tok.End
	p.next()
	return table
}

// name returns the token at hand as a name. A string is one where only a name
// can stand.
func (p *pass) name() string {
	if p.tok.Kind == String {
		p.noteName()
	}
	return unquote(p.tok, p.sql)
}

func (p *pass) setTarget(t Table) {
	p.info.Target = t
	if equalFold(t.Schema, "temp") {
		p.info.Temp = true
	}
}

// finish says what only the whole statement tells.
func (p *pass) finish() {
	p.info.End = p.tok.End
	if p.info.Kind == KindEmpty {
		p.info.End = len(p.sql)
	}
	switch k := p.info.Kind; {
	case k >= KindInsert && k <= KindDropTrigger, k == KindVacuum, k == KindReindex, k == KindAnalyze:
		p.info.Writes = true
	}
	if p.explain {
		p.info.Explained, p.info.Kind, p.info.Writes = p.info.Kind, KindExplain, false
	}
	p.numberParams()
}

// numberParams gives the parameters that are revisions their numbers.
func (p *pass) numberParams() {
	var params []Param
	for i := range p.info.AsOf {
		param := &p.info.AsOf[i].Param
		if param.Span.Empty() {
			continue
		}
		if params == nil {
			params = Params(p.sql[:p.info.End])
		}
		for _, q := range params {
			if q.Span == param.Span {
				*param = q
			}
		}
	}
}
