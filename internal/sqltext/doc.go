// Package sqltext reads SQL as text: the tokens of SQLite, the statements of a
// script, what a statement is about, and the syntax that vdb adds to SQLite's.
//
// Nothing here knows a schema, and nothing here replaces SQLite's parser, which
// has the last word on every statement. The package answers what has to be known
// before SQLite sees a statement:
//
//   - [Scanner] cuts text into the tokens that SQLite sees.
//   - [Statements] cuts a script at its semicolons, and [Complete] tells a prompt
//     whether a statement is at its end.
//   - [Parse] says in one pass, in well under a microsecond for the usual
//     statement, of which kind it is, whether it writes, and where it has AS OF,
//     CALL, USE and names of vdb's own tables and functions.
//   - [AsOfRewrite] and [CallRewrite] turn vdb's syntax into SQLite's.
//   - [ParseCreateTable], [ParseCreateIndex] and [ParseAlter] take the statements
//     of a schema apart into spans of their text, so that they can be put together
//     again, changed, with everything that was not changed left as it was written.
//   - [Quote] and [Literal] write names and values.
//
// # Text and spans
//
// A [Span] is a pair of byte offsets into the text that was given. Nothing is
// copied unless a name has to be freed of doubled quotes, so results hold on to
// the text. As SQLite does, the package takes a NUL byte for the text's end.
//
// Everything here is a function of its arguments: safe for concurrent use, apart
// from a Scanner, which belongs to one goroutine.
//
// # Trust
//
// Parse never fails. What it does not understand it calls [KindOther] and leaves
// to SQLite, whose own error the user then sees. The parsers of CREATE and ALTER
// are for statements that SQLite accepts (most come from sqlite_schema); on others
// they give an error that is an [ErrSyntax], or a result without meaning, but
// never a span outside the text.
package sqltext
