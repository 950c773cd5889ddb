package sqltext

// Token is a piece of SQL text: a word, a literal, an operator, a comment or a run
// of blanks.
type Token struct {
	Kind  TokenKind
	Start int
	End   int
}

// Of returns the token's text; sql is the text that it was cut from.
func (t Token) Of(sql string) string { return sql[t.Start:t.End] }

// Span returns where the token stands.
func (t Token) Span() Span { return Span{Start: t.Start, End: t.End} }

// Span is a range of bytes of a text. The zero Span stands for what is absent.
type Span struct {
	Start int
	End   int
}

// Of returns the text of the span; sql is the text that it belongs to.
func (s Span) Of(sql string) string { return sql[s.Start:s.End] }

// Empty reports whether the span has no text: what it stands for is absent.
func (s Span) Empty() bool { return s.Start == s.End }

// TokenKind says what a token is.
type TokenKind uint8

// The kinds of tokens. Keywords are Idents: whether a word is one depends on
// where it stands.
const (
	EOF      TokenKind = iota // after the last token; empty
	Illegal                   // what SQLite calls an unrecognized token
	Space                     // a run of blanks, or a byte order mark
	Comment                   // -- to the end of the line, or /* */
	Ident                     // a bare word
	Quoted                    // a name in "", `` or []
	String                    // a text in ''
	Blob                      // x'00ff'
	Integer                   // 12, 0xff, 1_000
	Float                     // 1.5, .5, 1e9
	Variable                  // ?, ?1, :a, @a, $a::b(c)
	LeftParen
	RightParen
	Comma
	Dot
	Semicolon
	Plus
	Minus
	Star
	Slash
	Percent
	Equal        // = or ==
	NotEqual     // <> or !=
	Less         // <
	LessEqual    // <=
	Greater      // >
	GreaterEqual // >=
	ShiftLeft    // <<
	ShiftRight   // >>
	And          // &
	Or           // |
	Not          // ~
	Concat       // ||
	Arrow        // -> or ->>
)
