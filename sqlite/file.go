package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/btree"
	"github.com/vdbgo/vdb/internal/vfs"
	lib "modernc.org/sqlite/lib"
)

// connFile is the database file of one connection: a branch as it moves, or a
// version that stays. While the connection reads, it sees one snapshot; what it
// writes stays in memory until it commits.
type connFile struct {
	ctx func() context.Context // of the statement that runs, without its end
	// committing is the context that ends a COMMIT, until it is appended.
	committing func() context.Context
	db         *database
	file       *branchFile // nil for a version that stays
	// readOnly refuses transactions that write.
	readOnly bool
	// shows tells that one version that stays may give way to another.
	shows bool

	level vfs.Level
	now   *snapshot      // what is seen; nil when no lock is held
	held  vdb.EngineHold // with now
	last  *snapshot      // what was seen before
	write *written       // nil unless a transaction writes
	// pending is what system tables see of what is written; nil if they have not
	// looked since. flushing has SQLite write its pages and not commit.
	pending  *vdb.DB
	flushing bool

	// SQLite keeps its cache of pages while the counter stays, and its idea of the
	// schema while the cookie does. Both are this connection's own: they move
	// whenever what it sees does.
	counter, cookie uint32
}

// written is what a transaction has written.
type written struct {
	pages map[uint32][]byte
	count uint32 // of the file's pages
}

var _ vfs.File = (*connFile)(nil)

// codedError is an error with a SQLite result code.
type codedError struct {
	error
	code int
}

// Code returns the SQLite result code.
func (e codedError) Code() int     { return e.code }
func (e codedError) Unwrap() error { return e.error }

func (f *connFile) Closed() { f.drop() }

func (f *connFile) Immutable() bool { return f.file == nil && !f.shows }

// show has the file be another version with the same schema. Nobody may be reading it.
func (f *connFile) show(s *snapshot) {
	f.last = s
	f.counter++
}

func (f *connFile) Reserved() bool { return f.file != nil && len(f.file.writer) > 0 }

// Page returns a page as the connection sees it.
func (f *connFile) Page(number uint32) ([]byte, error) {
	if f.write != nil {
		if data, ok := f.write.pages[number]; ok {
			return data, nil
		}
	}
	return f.now.Page(number)
}

func (f *connFile) pages() uint32 {
	if f.write != nil {
		return f.write.count
	}
	return f.now.pages
}

// Size returns the length of the file. SQLite asks for it with no lock, too.
func (f *connFile) Size() (int64, error) {
	if f.now == nil {
		if err := f.see(); err != nil {
			return 0, err
		}
		defer f.leave()
	}
	return int64(f.pages()) * btree.PageBytes, nil
}

func (f *connFile) ReadAt(p []byte, off int64) error {
	if f.now == nil {
		if err := f.see(); err != nil {
			return err
		}
		defer f.leave()
	}
	number, at := uint32(off/btree.PageBytes)+1, int(off%btree.PageBytes)
	if number > f.pages() {
		clear(p)
		return vfs.ErrShort
	}
	data, err := f.Page(number)
	if err != nil {
		return err
	}
	n := copy(p, data[at:])
	clear(p[n:])
	if number == 1 {
		f.patch(p, at)
	}
	if n < len(p) {
		return vfs.ErrShort
	}
	return nil
}

// patch puts the connection's own counters into what was read of page 1 from at on.
func (f *connFile) patch(p []byte, at int) {
	put := func(where int, v uint32) {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], v)
		for i, c := range b {
			if j := where + i - at; j >= 0 && j < len(p) {
				p[j] = c
			}
		}
	}
	put(counterAt, f.counter)
	put(pageCountAt, f.pages())
	put(validForAt, f.counter)
	put(cookieAt, f.cookie)
}

func (f *connFile) WriteAt(p []byte, off int64) error {
	if len(p) != btree.PageBytes || off%btree.PageBytes != 0 {
		return errors.New("a write of a part of a page")
	}
	if err := f.begin(); err != nil {
		return err
	}
	number := uint32(off/btree.PageBytes) + 1
	f.write.pages[number] = bytes.Clone(p)
	f.write.count = max(f.write.count, number)
	return nil
}

func (f *connFile) begin() error {
	if f.level < vfs.Reserved {
		return errors.New("a write without a lock")
	}
	f.pending = nil
	if f.write == nil {
		f.write = &written{pages: map[uint32][]byte{}, count: f.now.pages}
	}
	return nil
}

func (f *connFile) Truncate(size int64) error {
	if err := f.begin(); err != nil {
		return err
	}
	f.write.count = uint32(size / btree.PageBytes)
	for number := range f.write.pages {
		if number > f.write.count {
			delete(f.write.pages, number)
		}
	}
	return nil
}

// see looks at the newest state, until leave.
func (f *connFile) see() error {
	held := f.hold()
	s := f.last
	if f.file == nil {
		s.hold()
	} else {
		var err error
		if s, err = f.file.current(f.ctx()); err != nil {
			return err
		}
	}
	if f.last == nil || s != f.last {
		f.counter++
		if f.last == nil || f.last.schemaSum != s.schemaSum {
			f.cookie++
		}
	}
	f.now, f.last, f.held = s, s, held
	return nil
}

// hold keeps from being collected what is newest now.
func (f *connFile) hold() vdb.EngineHold { return f.db.engine.Hold() }

// leave looks away from what is seen.
func (f *connFile) leave() {
	if f.now != nil {
		f.now.release()
		f.now, f.held = nil, nil
	}
}

func (f *connFile) Lock(level vfs.Level) error {
	switch {
	case level <= f.level:
		return nil
	case f.level == vfs.None:
		if err := f.see(); err != nil {
			return err
		}
	case f.level < vfs.Reserved:
		if err := f.reserve(); err != nil {
			return err
		}
	}
	f.level = level
	return nil
}

// reserve takes the branch's writer slot.
func (f *connFile) reserve() error {
	if f.file == nil || f.readOnly {
		return codedError{vdb.ErrReadOnly, lib.SQLITE_READONLY}
	}
	select {
	case f.file.writer <- struct{}{}:
	default:
		return codedError{errors.New("another connection writes to the branch"), lib.SQLITE_BUSY}
	}
	s, err := f.file.current(f.ctx())
	if err == nil {
		s.release() // now is held
		switch {
		case s == f.now:
		case f.now.alone:
			err = codedError{errors.New("this connection has changed the schema while it reads rows: close these before it writes again"), lib.SQLITE_LOCKED}
		default:
			err = codedError{errors.New("the branch has moved since the transaction began"), lib.SQLITE_BUSY_SNAPSHOT}
		}
	}
	if err != nil {
		<-f.file.writer
	}
	return err
}

func (f *connFile) Unlock(level vfs.Level) error {
	if f.level >= vfs.Reserved && level < vfs.Reserved {
		f.write = nil // nothing, or rolled back
		<-f.file.writer
	}
	if level == vfs.None {
		f.leave()
	}
	f.level = min(f.level, level)
	return nil
}

// drop gives up all locks.
func (f *connFile) drop() { f.Unlock(vfs.None) }

// Commit makes what was written durable, and only then visible.
func (f *connFile) Commit() error {
	if f.write == nil {
		return nil
	}
	page, counted := f.write.pages[1] // comparing forgets pages that are as they were
	s, err := f.file.commit(f.committing(), f.now, f.write)
	if err != nil {
		// SQLite has let go of its journal before this, and takes what it has in its
		// cache for the file. It must not see the counters that it has written, one up.
		f.counter, f.cookie = f.counter+2, f.cookie+2
		return busy(err)
	}
	if counted {
		// SQLite has counted on: it goes on with what it has in its cache.
		f.counter = binary.BigEndian.Uint32(page[counterAt:])
		f.cookie = binary.BigEndian.Uint32(page[cookieAt:])
	}
	base, pages := f.now, f.write.pages
	s.hold()
	f.now, f.last, f.write, f.held = s, s, nil, f.hold()
	base.release()
	f.file.replace(base, s, pages)
	return nil
}

// failure returns why a method has failed since it was last asked: SQLite passes
// the code on alone.
func (f *connFile) failure() error { return vfs.Failure(f) }

// busy gives the errors of a lost race SQLite's code for it.
func busy(err error) error {
	switch {
	case errors.Is(err, vdb.ErrConflict), errors.Is(err, vdb.ErrConstraint):
		return codedError{err, lib.SQLITE_BUSY_SNAPSHOT}
	case errors.Is(err, vdb.ErrReadOnly):
		return codedError{err, lib.SQLITE_READONLY}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return codedError{err, lib.SQLITE_INTERRUPT}
	case isDiskFull(err):
		return codedError{err, lib.SQLITE_FULL}
	case errors.Is(err, vdb.ErrInvalid):
		return codedError{err, lib.SQLITE_TOOBIG} // of what SQLite writes, only a long key is not allowed
	}
	return err
}

// Pragma answers the pragmas of which there is one sound setting here.
func (f *connFile) Pragma(name string, value *string) (answer string, handled bool, err error) {
	switch name {
	case "journal_mode":
		// SQLite's own is to write a journal and delete it. Package vfs has it in memory.
		return "memory", true, nil
	case "synchronous":
		return f.synchronous(value)
	case "locking_mode":
		if value == nil {
			return "", false, nil
		}
		return "normal", true, nil
	case "auto_vacuum", "page_size", "incremental_vacuum":
		return "", value != nil, nil
	case "page_count":
		if f.now != nil {
			return strconv.Itoa(int(f.pages())), true, nil
		}
	case "writable_schema":
		return "", value != nil, nil
	}
	return "", false, nil
}

// synchronous answers that a commit is durable, whatever is asked for. SQLite itself
// is told by the name that the driver opens that it need not care (syncsOff): else it
// would take a transaction that writes to a plain database too for its own to commit,
// and pay no heed to what this file says.
func (f *connFile) synchronous(value *string) (answer string, handled bool, err error) {
	switch {
	case value == nil:
		return "2", true, nil
	case *value == syncsOff:
		return "", false, nil
	}
	return "", true, nil
}

// syncsOff turns synchronous off.
const syncsOff = "0"
