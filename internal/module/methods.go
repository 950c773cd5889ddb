package module

import (
	"sync"

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
			setWriter(at[lib.Tsqlite3_module](m.writer))
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
	p := newStruct[lib.Tsqlite3_module](tls)
	if p == 0 {
		return 0
	}
	*at[lib.Tsqlite3_module](p) = lib.Tsqlite3_module{
		FxConnect:    funcPointer(xConnect),
		FxBestIndex:  funcPointer(xBestIndex),
		FxDisconnect: funcPointer(xDisconnect),
		FxDestroy:    funcPointer(xDisconnect),
		FxOpen:       funcPointer(xOpen),
		FxClose:      funcPointer(xClose),
		FxFilter:     funcPointer(xFilter),
		FxNext:       funcPointer(xNext),
		FxEof:        funcPointer(xEof),
		FxColumn:     funcPointer(xColumn),
		FxRowid:      funcPointer(xRowid),
	}
	return p
}

func setWriter(m *lib.Tsqlite3_module) {
	m.FxUpdate = funcPointer(xUpdate)
	m.FxBegin = funcPointer(xBegin)
	m.FxCommit = funcPointer(xEnd)
	m.FxRollback = funcPointer(xEnd)
}
