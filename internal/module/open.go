package module

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/vdbgo/vdb/internal/native"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// hooks are the functions that OnOpen was given.
type hooks struct {
	list atomic.Pointer[[]*hook] // replaced, never changed

	mu         sync.Mutex
	registered bool
}

type hook struct {
	fn func(c Conn, file string) error
}

// OnOpen has fn called for each connection that SQLite opens in this process from
// now on, with the full name of its main database's file, which is empty for a
// database in memory. The connection is complete but for its user. An error of fn
// refuses it. fn may be called by several goroutines at once.
//
// Several functions are called in the order in which they came; stop takes this
// one away. The first OnOpen initializes SQLite, after which modernc.org/sqlite
// accepts no RegisterPageCache.
func OnOpen(fn func(c Conn, file string) error) (stop func(), err error) {
	h := &process.hooks
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.register(); err != nil {
		return nil, err
	}
	added := &hook{fn}
	h.change(func(list []*hook) []*hook { return append(list, added) })
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.change(func(list []*hook) []*hook {
			return slices.DeleteFunc(list, func(x *hook) bool { return x == added })
		})
	}, nil
}

// register makes the process's one auto extension.
func (h *hooks) register() error {
	if h.registered {
		return nil
	}
	tls := libc.NewTLS()
	defer tls.Close()
	if rc := lib.Xsqlite3_auto_extension(tls, native.FuncPointer(opened)); rc != lib.SQLITE_OK {
		return &Error{Op: "register", Name: "auto extension", Text: libc.GoString(lib.Xsqlite3_errstr(tls, rc)), code: int(rc)}
	}
	h.registered = true
	return nil
}

func (h *hooks) change(fn func([]*hook) []*hook) {
	var list []*hook
	if p := h.list.Load(); p != nil {
		list = slices.Clone(*p)
	}
	list = fn(list)
	h.list.Store(&list)
}

// opened is the auto extension's entry point.
func opened(tls *libc.TLS, db, message, _ uintptr) int32 {
	if err := process.hooks.run(Conn{TLS: tls, DB: db}); err != nil {
		*native.At[uintptr](message) = native.CString(tls, err.Error())
		return codeOf(err)
	}
	return lib.SQLITE_OK
}

func (h *hooks) run(c Conn) (err error) {
	defer guard(&err, "open", "connection")
	list := h.list.Load()
	if list == nil {
		return nil
	}
	file := libc.GoString(lib.Xsqlite3_db_filename(c.TLS, c.DB, 0))
	for _, hook := range *list {
		if err := hook.fn(c, file); err != nil {
			return err
		}
	}
	return nil
}
