// Package module gives one SQLite connection functions and virtual tables that
// are written in Go.
//
// The registrations of modernc.org/sqlite hold for a whole process and know
// nothing of the connection that calls them. Those of this package belong to a
// [Conn]: they may be added, replaced and dropped while it is open, close over
// what is known of it, and are released when SQLite closes it.
//
//	module.OnOpen(func(c module.Conn, file string) error {
//		return c.Function("active_branch", 0, 0, func([]any) (any, error) {
//			return "main", nil
//		})
//	})
//
// # Tables
//
// A [Table] says which columns it has and scans its rows. It needs no CREATE
// VIRTUAL TABLE: registered by [Conn.Table] it is there under its name, in every
// query of the connection. Hidden columns are the arguments of a table-valued
// function:
//
//	SELECT * FROM log                      no argument
//	SELECT * FROM log('main')              the first hidden column is 'main'
//	SELECT * FROM b, log(b.name)           one scan for each row of b
//
// The conditions of a query come to Scan as filters, where the column asks for
// them (see [Push]). A filter is a hint. SQLite tests the condition again, so a
// scan may yield more rows than were asked for, but never fewer. A condition that
// a scan could misread is therefore not offered: one with a collation that is not
// the column's, or one whose value SQL would convert before it compares. Only the
// arguments are not tested again.
//
// A [Writer] takes INSERT, UPDATE and DELETE as well.
//
// # Calls
//
// SQLite calls on the goroutine that runs the statement, so what is registered on
// one connection is never called twice at once, and may use the connection. An
// error becomes the statement's error, with its text unchanged; if it has a
// method Code() int, that is the SQLite result code, else the code is SQLITE_ERROR.
// A panic becomes an error.
//
// SQLite holds numbers instead of Go pointers. They lead to Go values in tables of
// the process, which its destructors clear.
package module
