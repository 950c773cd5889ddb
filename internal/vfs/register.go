package vfs

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/vdbgo/vdb/internal/native"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// SystemName is what the file system is called: the vfs parameter of a DSN.
const SystemName = "vdb"

// prefix begins the names of the files here.
const prefix = "/vdb:"

// Add announces a file and returns its name, under which any connection of the
// process may open it until it is removed.
func Add(f File) string {
	name := prefix + strconv.FormatUint(files.next.Add(1), 10)
	files.byName.Store(name, f)
	return name
}

// Remove takes a file back. Connections that have it open keep it.
func Remove(name string) { files.byName.Delete(name) }

// Register gives the file system to SQLite. It does so once.
var Register = sync.OnceValue(register)

// system is what the callbacks need of the host's file system.
var system struct {
	host    uintptr // *sqlite3_vfs
	methods uintptr // *sqlite3_io_methods
}

// file is the form of a sqlite3_file of ours.
type file struct {
	methods uintptr
	id      uintptr
}

func register() error {
	tls := libc.NewTLS()
	defer tls.Close()
	system.host = lib.Xsqlite3_vfs_find(tls, 0)
	system.methods = newMethods(tls)
	p := native.New[lib.Tsqlite3_vfs](tls)
	name := lib.Xsqlite3_malloc64(tls, lib.Tsqlite3_uint64(len(SystemName)+1))
	if system.host == 0 || system.methods == 0 || p == 0 || name == 0 {
		return errors.New("vfs: register: no memory")
	}
	copy(native.Bytes(name, len(SystemName)+1), SystemName+"\x00")
	v := native.At[lib.Tsqlite3_vfs](p)
	*v = *native.At[lib.Tsqlite3_vfs](system.host)
	v.FpNext, v.FzName = 0, name
	v.FszOsFile = max(v.FszOsFile, int32(unsafe.Sizeof(file{})))
	v.FxOpen = native.FuncPointer(xOpen)
	v.FxDelete = native.FuncPointer(xDelete)
	v.FxAccess = native.FuncPointer(xAccess)
	v.FxFullPathname = native.FuncPointer(xFullPathname)
	v.FxSetSystemCall, v.FxGetSystemCall, v.FxNextSystemCall = 0, 0, 0
	if rc := lib.Xsqlite3_vfs_register(tls, p, 0); rc != lib.SQLITE_OK {
		return errors.New("vfs: register: " + libc.GoString(lib.Xsqlite3_errstr(tls, rc)))
	}
	return nil
}

func newMethods(tls *libc.TLS) uintptr {
	p := native.New[lib.Tsqlite3_io_methods](tls)
	if p == 0 {
		return 0
	}
	*native.At[lib.Tsqlite3_io_methods](p) = lib.Tsqlite3_io_methods{
		FiVersion:               1,
		FxClose:                 native.FuncPointer(xClose),
		FxRead:                  native.FuncPointer(xRead),
		FxWrite:                 native.FuncPointer(xWrite),
		FxTruncate:              native.FuncPointer(xTruncate),
		FxSync:                  native.FuncPointer(xSync),
		FxFileSize:              native.FuncPointer(xFileSize),
		FxLock:                  native.FuncPointer(xLock),
		FxUnlock:                native.FuncPointer(xUnlock),
		FxCheckReservedLock:     native.FuncPointer(xCheckReservedLock),
		FxFileControl:           native.FuncPointer(xFileControl),
		FxSectorSize:            native.FuncPointer(xSectorSize),
		FxDeviceCharacteristics: native.FuncPointer(xDeviceCharacteristics),
	}
	return p
}

// isOurs tells whether a path names a file here, or one beside it.
func isOurs(path uintptr) bool { return path != 0 && strings.HasPrefix(libc.GoString(path), prefix) }

func xOpen(tls *libc.TLS, v, path, p uintptr, flags int32, outFlags uintptr) int32 {
	found, ours := find(path, flags)
	if !ours {
		host := native.At[lib.Tsqlite3_vfs](system.host)
		return native.Func[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](host.FxOpen)(tls, system.host, path, p, flags, outFlags)
	}
	f := native.At[file](p)
	f.methods = 0
	if found == nil {
		return lib.SQLITE_CANTOPEN
	}
	f.id = files.open.add(&opened{File: found})
	f.methods = system.methods
	if outFlags != 0 {
		*native.At[int32](outFlags) = flags
	}
	return lib.SQLITE_OK
}

// find returns the file that is to be opened, nil if there is none of that name. The
// host has all that is not ours.
func find(path uintptr, flags int32) (f File, ours bool) {
	switch {
	case flags&lib.SQLITE_OPEN_SUBJOURNAL != 0:
		return &journal{}, true
	case !isOurs(path):
		return nil, false
	case flags&lib.SQLITE_OPEN_MAIN_JOURNAL != 0:
		return &journal{}, true
	case flags&lib.SQLITE_OPEN_MAIN_DB == 0:
		return nil, true // one of a super-journal would have SQLite ignore a commit that fails
	}
	if announced, ok := files.byName.Load(libc.GoString(path)); ok {
		f = announced.(File)
	}
	return f, true
}

func xDelete(tls *libc.TLS, v, path uintptr, syncDir int32) int32 {
	if isOurs(path) {
		return lib.SQLITE_OK
	}
	host := native.At[lib.Tsqlite3_vfs](system.host)
	return native.Func[func(*libc.TLS, uintptr, uintptr, int32) int32](host.FxDelete)(tls, system.host, path, syncDir)
}

func xAccess(tls *libc.TLS, v, path uintptr, flags int32, result uintptr) int32 {
	if isOurs(path) {
		*native.At[int32](result) = 0
		return lib.SQLITE_OK
	}
	host := native.At[lib.Tsqlite3_vfs](system.host)
	return native.Func[func(*libc.TLS, uintptr, uintptr, int32, uintptr) int32](host.FxAccess)(tls, system.host, path, flags, result)
}

func xFullPathname(tls *libc.TLS, v, path uintptr, size int32, result uintptr) int32 {
	if !isOurs(path) {
		host := native.At[lib.Tsqlite3_vfs](system.host)
		return native.Func[func(*libc.TLS, uintptr, uintptr, int32, uintptr) int32](host.FxFullPathname)(tls, system.host, path, size, result)
	}
	name := libc.GoString(path)
	if len(name)+1 > int(size) {
		return lib.SQLITE_CANTOPEN
	}
	copy(native.Bytes(result, len(name)+1), name+"\x00")
	return lib.SQLITE_OK
}
