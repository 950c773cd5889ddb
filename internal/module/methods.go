package module

import (
	"sync"

	"github.com/vdbgo/vdb/internal/native"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// modules are the two sqlite3_modules of the process: they are the same for every
// table, and live as long as the process does.
type modules struct {
	mu               sync.Mutex
	readOnly, writer uintptr
}

// of returns the methods that a table has.
func (m *modules) of(tls *libc.TLS, t Table) (uintptr, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.readOnly == 0 {
		m.readOnly = newModule(tls)
	}
	if m.writer == 0 {
		m.writer = newModule(tls)
		if m.writer != 0 {
			setWriter(native.At[lib.Tsqlite3_module](m.writer))
		}
	}
	if m.readOnly == 0 || m.writer == 0 {
		return 0, errNoMemory
	}
	if _, ok := t.(Writer); ok {
		return m.writer, nil
	}
	return m.readOnly, nil
}

// newModule returns the methods of a table that can be read. Without xCreate the
// table is eponymous: it is there, and CREATE VIRTUAL TABLE makes no other.
func newModule(tls *libc.TLS) uintptr {
	p := native.New[lib.Tsqlite3_module](tls)
	if p == 0 {
		return 0
	}
	*native.At[lib.Tsqlite3_module](p) = lib.Tsqlite3_module{
		FxConnect:    native.FuncPointer(xConnect),
		FxBestIndex:  native.FuncPointer(xBestIndex),
		FxDisconnect: native.FuncPointer(xDisconnect),
		FxDestroy:    native.FuncPointer(xDisconnect),
		FxOpen:       native.FuncPointer(xOpen),
		FxClose:      native.FuncPointer(xClose),
		FxFilter:     native.FuncPointer(xFilter),
		FxNext:       native.FuncPointer(xNext),
		FxEof:        native.FuncPointer(xEof),
		FxColumn:     native.FuncPointer(xColumn),
		FxRowid:      native.FuncPointer(xRowid),
	}
	return p
}

func setWriter(m *lib.Tsqlite3_module) {
	m.FxUpdate = native.FuncPointer(xUpdate)
	m.FxBegin = native.FuncPointer(xBegin)
	m.FxCommit = native.FuncPointer(xEnd)
	m.FxRollback = native.FuncPointer(xEnd)
}
