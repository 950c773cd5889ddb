package module

import (
	"fmt"

	"github.com/vdbgo/vdb/internal/native"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// Conn is the raw handle of one open connection. It is used by the goroutine
// that uses the connection, and not after the connection is closed.
type Conn struct {
	TLS *libc.TLS // the thread that modernc.org/libc simulates for the connection
	DB  uintptr   // sqlite3*
}

// OnClose calls fn when SQLite closes the connection. Several are called in no
// particular order.
func (c Conn) OnClose(fn func()) error {
	id := process.closers.add(&closer{fn})
	name := native.CString(c.TLS, fmt.Sprintf("module.OnClose.%d", id))
	defer lib.Xsqlite3_free(c.TLS, name)
	rc := lib.Xsqlite3_set_clientdata(c.TLS, c.DB, name, id, native.FuncPointer(runCloser))
	return c.check(rc, "watch the close of", "connection")
}

type closer struct{ fn func() }

func runCloser(_ *libc.TLS, id uintptr) {
	c := process.closers.at(id)
	process.closers.drop(id)
	// Nobody is left to be told of a panic, and SQLite has to go on closing.
	defer func() { _ = recover() }()
	c.fn()
}

// check makes an error of a result code.
func (c Conn) check(rc int32, op, name string) error {
	if rc == lib.SQLITE_OK {
		return nil
	}
	return &Error{Op: op, Name: name, Text: libc.GoString(lib.Xsqlite3_errmsg(c.TLS, c.DB)), code: int(rc)}
}

// expire has the connection's prepared statements compiled again before they run
// the next time: they know tables that a new module replaced. SQLite does so
// when the authorizer is set, even if it stays the same.
func (c Conn) expire() {
	db := native.At[lib.Tsqlite3](c.DB)
	lib.Xsqlite3_set_authorizer(c.TLS, c.DB, db.FxAuth, db.FpAuthArg)
}
