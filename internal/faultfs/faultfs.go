// Package faultfs is a file system in memory that fails on purpose, for the
// tests of what lives on top of it. It implements nbs.FS.
//
// It tells what a program sees from what is on the disk: a write reaches the
// disk with the Sync of its file, a new name, a rename or a removal with the
// SyncDir of its directory. Crash returns what a loss of power leaves: the
// synced state, and of what was not synced a random part.
//
// Operations that change the disk (creating, writing, syncing, renaming,
// removing) are counted. Fail makes one of them fail; Stop makes all fail from
// one on, as if the process were gone.
package faultfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/vdbgo/vdb/nbs"
)

// ErrInjected is the error of the operations that were made to fail.
var ErrInjected = errors.New("faultfs: injected failure")

// SectorBytes is what a disk writes as a whole or not at all.
const SectorBytes = 512

// Granularity tells what is kept or lost as a whole when power is lost.
type Granularity int

const (
	Writes  Granularity = iota // whole calls of WriteAt
	Sectors                    // sectors of SectorBytes
)

// FS is a file system in memory. All methods may be called concurrently.
type FS struct {
	mu      sync.Mutex
	dirs    map[string]bool
	names   map[string]*node // as programs see it
	durable map[string]*node // as the disk has it
	changes []change         // of names, not yet durable
	locks   map[string]bool

	ops      int
	failAt   int // -1 for never
	stopAt   int // -1 for never
	capacity int64
	used     int64
	log      []string
}

// node is a file's content.
type node struct {
	data    []byte
	durable []byte
	pending []write // not yet synced
	lost    []write // whose sync has failed: never to be synced any more
}

type write struct {
	offset int64
	data   []byte
}

// change is a new meaning of a name; a nil node removes it.
type change struct {
	name string
	node *node
	also *change // a rename's other half
}

var _ nbs.FS = (*FS)(nil)

// New returns an empty file system with one directory, "/".
func New() *FS {
	return &FS{
		dirs: map[string]bool{"/": true}, names: map[string]*node{}, durable: map[string]*node{},
		locks: map[string]bool{}, failAt: -1, stopAt: -1, capacity: -1,
	}
}

// Ops returns the number of operations so far.
func (f *FS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// Log returns a line for each operation so far.
func (f *FS) Log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// Fail makes operation i, counted from 0, fail. A write that fails has written
// the first half of its bytes.
func (f *FS) Fail(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failAt = i
}

// Stop makes operation i and all after it fail without an effect.
func (f *FS) Stop(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopAt = i
}

// Limit makes writes fail with ENOSPC that would make the files together larger
// than this many bytes, and all of them while they are, as where a file system copies on
// write. Half of what would have fitted into the file is written. A negative number stands
// for no limit.
func (f *FS) Limit(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = bytes
}

// Flip changes a byte of a file, on the disk and as seen by programs, by xor
// with mask.
func (f *FS) Flip(name string, offset int64, mask byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.names[name]
	if n == nil || offset >= int64(len(n.data)) {
		return fmt.Errorf("faultfs: flip byte %d of %s: %w", offset, name, fs.ErrNotExist)
	}
	n.data[offset] ^= mask
	if offset < int64(len(n.durable)) {
		n.durable[offset] ^= mask
	}
	return nil
}

// Files returns the names and sizes of all files.
func (f *FS) Files() map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	sizes := map[string]int64{}
	for name, n := range f.names {
		sizes[name] = int64(len(n.data))
	}
	return sizes
}

// Clone returns a copy of all files as programs see them, durable, and without
// faults and locks.
func (f *FS) Clone() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := New()
	for dir := range f.dirs {
		c.dirs[dir] = true
	}
	for name, n := range f.names {
		c.place(name, slices.Clone(n.data))
	}
	return c
}

func (f *FS) place(name string, data []byte) {
	n := &node{data: data, durable: slices.Clone(data)}
	f.names[name], f.durable[name] = n, n
	f.used += int64(len(data))
}

// Crash returns the file system as it is after a loss of power: what was synced
// and a random part of the rest. Names change in the order in which they were
// changed, so that the part of these is the first ones.
func (f *FS) Crash(random *rand.Rand, g Granularity) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := New()
	for dir := range f.dirs {
		c.dirs[dir] = true
	}
	names := map[string]*node{}
	for name, n := range f.durable {
		names[name] = n
	}
	for _, ch := range f.changes[:random.IntN(len(f.changes)+1)] {
		ch.apply(names)
	}
	order := make([]string, 0, len(names))
	for name := range names {
		order = append(order, name)
	}
	slices.Sort(order) // a seed gives the same outcome again
	for _, name := range order {
		c.place(name, names[name].crash(random, g))
	}
	return c
}

func (c change) apply(names map[string]*node) {
	if c.node == nil {
		delete(names, c.name)
	} else {
		names[c.name] = c.node
	}
	if c.also != nil {
		c.also.apply(names)
	}
}

// crash returns what is left of a file. A sector reaches the disk as programs see it: with
// all that was written to it before what is kept.
func (n *node) crash(random *rand.Rand, g Granularity) []byte {
	data := slices.Clone(n.durable)
	waiting := map[int64][]write{} // by sector
	for _, w := range slices.Concat(n.lost, n.pending) {
		kept := random.IntN(2) == 0
		for i, part := range w.split() {
			if g == Sectors && i > 0 {
				kept = random.IntN(2) == 0
			}
			sector := part.offset / SectorBytes
			waiting[sector] = append(waiting[sector], part)
			if !kept {
				continue
			}
			for _, part := range waiting[sector] {
				data = part.apply(data)
			}
			delete(waiting, sector)
		}
	}
	return data
}

// split cuts a write at the boundaries of sectors.
func (w write) split() []write {
	var parts []write
	for len(w.data) > 0 {
		n := min(len(w.data), SectorBytes-int(w.offset%SectorBytes))
		parts = append(parts, write{w.offset, w.data[:n]})
		w = write{w.offset + int64(n), w.data[n:]}
	}
	return parts
}

func (w write) apply(data []byte) []byte {
	if missing := w.offset + int64(len(w.data)) - int64(len(data)); missing > 0 {
		data = append(data, make([]byte, missing)...)
	}
	copy(data[w.offset:], w.data)
	return data
}

// op counts an operation and tells whether it is to fail.
func (f *FS) op(what, name string) error {
	i := f.ops
	f.ops++
	f.log = append(f.log, fmt.Sprintf("%d %s %s", i, what, filepath.Base(name)))
	if f.stopped() || i == f.failAt {
		return fmt.Errorf("%s %s: operation %d: %w", what, name, i, ErrInjected)
	}
	return nil
}

func (f *FS) stopped() bool { return f.stopAt >= 0 && f.ops > f.stopAt }

// OpenFile implements nbs.FS.
func (f *FS) OpenFile(name string, flag int, _ fs.FileMode) (nbs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.names[name]
	writable := flag&(os.O_RDWR|os.O_WRONLY) != 0
	switch {
	case n != nil && flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case n != nil:
		return &file{fs: f, name: name, node: n, writable: writable}, nil
	case flag&os.O_CREATE == 0 || !f.dirs[filepath.Dir(name)]:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if err := f.op("create", name); err != nil {
		return nil, err
	}
	n = &node{}
	f.change(change{name: name, node: n})
	return &file{fs: f, name: name, node: n, writable: writable}, nil
}

func (f *FS) change(c change) {
	c.apply(f.names)
	f.changes = append(f.changes, c)
}

// MkdirAll implements nbs.FS. Directories are durable at once.
func (f *FS) MkdirAll(name string, _ fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for dir := filepath.Clean(name); !f.dirs[dir]; dir = filepath.Dir(dir) {
		f.dirs[dir] = true
	}
	return nil
}

// ReadDir implements nbs.FS.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.dirs[filepath.Clean(name)] {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	var entries []fs.DirEntry
	for path := range f.names {
		if filepath.Dir(path) == filepath.Clean(name) {
			entries = append(entries, dirEntry(filepath.Base(path)))
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// dirEntry is the name of a regular file.
type dirEntry string

func (e dirEntry) Name() string             { return string(e) }
func (dirEntry) IsDir() bool                { return false }
func (dirEntry) Type() fs.FileMode          { return 0 }
func (dirEntry) Info() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

// Rename implements nbs.FS.
func (f *FS) Rename(oldName, newName string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.names[oldName]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: oldName, Err: fs.ErrNotExist}
	}
	if err := f.op("rename", newName); err != nil {
		return err
	}
	if old := f.names[newName]; old != nil {
		f.used -= int64(len(old.data))
	}
	f.change(change{name: newName, node: n, also: &change{name: oldName}})
	return nil
}

// Remove implements nbs.FS.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.names[name]
	if n == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if err := f.op("remove", name); err != nil {
		return err
	}
	f.used -= int64(len(n.data))
	f.change(change{name: name})
	return nil
}

// SyncDir implements nbs.FS.
func (f *FS) SyncDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.op("syncdir", name); err != nil {
		return err
	}
	f.changes = slices.DeleteFunc(f.changes, func(c change) bool {
		ours := filepath.Dir(c.name) == filepath.Clean(name)
		if ours {
			c.apply(f.durable)
		}
		return ours
	})
	return nil
}

// TryLock implements nbs.FS.
func (f *FS) TryLock(name string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.locks[name] {
		return nil, nil
	}
	f.locks[name] = true
	return &held{fs: f, name: name}, nil
}

type held struct {
	fs   *FS
	name string
}

func (h *held) Close() error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	delete(h.fs.locks, h.name)
	return nil
}

// file is an open file.
type file struct {
	fs       *FS
	name     string
	node     *node
	writable bool
	closed   bool
}

func (f *file) ReadAt(buf []byte, offset int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return 0, fs.ErrClosed
	}
	if offset >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(buf, f.node.data[offset:])
	if n < len(buf) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(data []byte, offset int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed || !f.writable {
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: fs.ErrClosed}
	}
	err := f.fs.op(fmt.Sprintf("write %d+%d", offset, len(data)), f.name)
	growth := max(0, offset+int64(len(data))-int64(len(f.node.data)))
	switch {
	case f.fs.stopped():
		return 0, err
	case err != nil:
		data = data[:len(data)/2]
	case f.fs.capacity >= 0 && f.fs.used+growth > f.fs.capacity:
		n := max(0, min(len(data)/2, len(f.node.data)-int(offset)))
		f.write(write{offset, slices.Clone(data[:n])})
		return n, &fs.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
	}
	f.write(write{offset, slices.Clone(data)})
	return len(data), err
}

func (f *file) write(w write) {
	f.fs.used -= int64(len(f.node.data))
	f.node.data = w.apply(f.node.data)
	f.fs.used += int64(len(f.node.data))
	f.node.pending = append(f.node.pending, w)
}

// Sync implements nbs.File. After a failure the writes before it will not reach
// the disk with a later Sync either, as on Linux.
func (f *file) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	err := f.fs.op("sync", f.name)
	if err != nil {
		f.node.lost = append(f.node.lost, f.node.pending...)
	} else {
		for _, w := range f.node.pending {
			f.node.durable = w.apply(f.node.durable)
		}
	}
	f.node.pending = nil
	return err
}

func (f *file) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return 0, fs.ErrClosed
	}
	return int64(len(f.node.data)), nil
}

func (f *file) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	return nil
}
