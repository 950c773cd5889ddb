package format

import (
	"strconv"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// realBytes is room for any number's text.
const realBytes = 64

// Real prints a number as the SQLite engine converts it to TEXT. The engine itself is
// asked: which of the decimal numbers near f it chooses, no other library does alike.
func Real(f float64) string {
	if i := int64(f); float64(i) == f && -1e15 < f && f < 1e15 {
		return strconv.FormatInt(i, 10) + ".0" // the usual case, in which there is no choice
	}
	layout, err := libc.CString("%!.17g")
	if err != nil {
		return strconv.FormatFloat(f, 'g', 17, 64) // out of memory
	}
	tls := libc.NewTLS()
	defer tls.Close()
	defer libc.Xfree(tls, layout)
	memory := tls.Alloc(realBytes + 8)
	defer tls.Free(realBytes + 8)
	sqlite3.Xsqlite3_snprintf(tls, realBytes, memory, layout, libc.VaList(memory+realBytes, f))
	return libc.GoString(memory)
}
