// Package format prints rows of SQL results as the sqlite3 command line shell
// does, byte for byte, in the same modes:
//
//	list      a|b, the default            tabs      values between tabs
//	csv       RFC 4180, lines end \r\n    quote     SQL literals
//	column    aligned, dashes below       insert    INSERT statements
//	table     a frame of + - |            json      an array of objects
//	box       a frame of lines            line      one value to a line
//	markdown  a table for Markdown        html      table rows
//
// A [Style] says how, and [Style.NewWriter] returns a [Writer] for one result.
// Values are those of database/sql: nil, int64, float64, string, []byte.
//
// Three things differ from the shell of SQLite 3.40. REALs have the digits that the
// SQLite engine in this program prints (0.1, but 0.30000000000000004), in every
// mode, so that reading them back gives the same number; in 3.40 list mode has 15
// digits and insert mode 20. TEXT with a NUL in it is whole in insert and quote
// mode, where 3.40 cuts it off. Infinity is 1e999 in quote mode, too.
package format
