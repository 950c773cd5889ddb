package sqltext

// keys reads the columns of a key in parentheses, and says whether AUTOINCREMENT
// stands behind them.
func (r *reader) keys() (keys []IndexKey, auto bool) {
	r.expectKind(LeftParen, "(")
	for more := true; more && r.err == nil; more = r.acceptKind(Comma) {
		keys = append(keys, r.key())
	}
	auto = r.accept(wAutoincrement)
	r.expectKind(RightParen, ")")
	return keys, auto
}

// key reads a column or an expression, its collation and its order.
func (r *reader) key() IndexKey {
	var k IndexKey
	start := r.tok.Start
	if name := unquote(r.tok, r.sql); r.atColumn() {
		k.Column = name
		r.next()
	} else {
		r.expression(&k)
	}
	for r.accept(wCollate) {
		k.Collation = r.name("a collation's name")
	}
	if !r.accept(wAsc) {
		k.Descending = r.accept(wDesc)
	}
	if r.tok.Kind == Ident && equalFold(r.text(), "nulls") {
		r.next()
		r.next() // FIRST or LAST
	}
	k.Span = r.from(start)
	return k
}

// atColumn reports whether a name is at hand that is the whole key, but for its
// collation and order.
func (r *reader) atColumn() bool {
	if !isName(r.tok, r.word) {
		return false
	}
	t, w := r.peek()
	switch t.Kind {
	case Comma, RightParen:
		return true
	case Ident:
		return w == wAsc || w == wDesc || w == wAutoincrement || equalFold(t.Of(r.sql), "nulls") || w == wCollate && r.onlyCollated()
	}
	return false
}

// onlyCollated reports whether nothing but collations and an order follow the name
// at hand: a COLLATE b is a column, and a COLLATE b || c is not.
func (r *reader) onlyCollated() bool {
	look := *r
	look.next()
	for look.accept(wCollate) {
		look.next()
	}
	return look.atKeyEnd()
}

// atKeyEnd reports whether a key's expression ends before the token at hand.
func (r *reader) atKeyEnd() bool {
	switch r.tok.Kind {
	case Comma, RightParen, EOF:
		return true
	case Ident:
		return r.word == wAsc || r.word == wDesc || equalFold(r.text(), "nulls")
	}
	return false
}

// expression reads a key that is not merely a column's name. A collation belongs to
// the key only if it is that of all the expression, a call or a parenthesis; it is
// then left to be read. In a || b COLLATE c it is b's.
func (r *reader) expression(k *IndexKey) {
	start := r.tok.Start
	items := 0
	for !r.atKeyEnd() {
		if r.word == wCollate && r.whole(start, items) {
			break
		}
		items++
		if r.tok.Kind == LeftParen {
			r.parens()
			continue
		}
		r.next()
	}
	if items == 0 {
		r.fail("a column or an expression")
		return
	}
	k.Expression = r.from(start).Of(r.sql)
}

// whole reports whether the tokens read since start are one literal, name, call or
// parenthesis, and whether only collations and an order follow.
func (r *reader) whole(start, items int) bool {
	look := *r
	for look.accept(wCollate) {
		look.next()
	}
	if !look.atKeyEnd() {
		return false
	}
	if items == 1 {
		return true
	}
	scan := NewScanner(r.sql)
	scan.pos = start
	first := scan.Significant()
	return items == 2 && isName(first, wordOf(first.Of(r.sql))) && scan.Significant().Kind == LeftParen
}
