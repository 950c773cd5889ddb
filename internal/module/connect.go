package module

import (
	"fmt"
	"strings"

	"github.com/vdbgo/vdb/internal/native"
	"github.com/vdbgo/vdb/internal/record"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// connected is a table with the columns that SQLite knows of it.
type connected struct {
	name    string
	table   Table
	columns []Column

	writing  bool            // between xBegin and its end; what follows is of that time
	ordinals map[int64]int64 // rowids by the rows' identities
	scanned  map[int64][]any // rows by rowid
}

// vtab is a connected table in SQLite's memory.
type vtab struct {
	base lib.Tsqlite3_vtab
	id   uintptr
}

// tableAt returns the connected table of a sqlite3_vtab.
func tableAt(p uintptr) *connected { return process.connected.at(native.At[vtab](p).id) }

func xConnect(tls *libc.TLS, db, aux uintptr, _ int32, _, result, message uintptr) int32 {
	t, err := connect(Conn{TLS: tls, DB: db}, process.tables.at(aux))
	if err != nil {
		*native.At[uintptr](message) = native.CString(tls, err.Error())
		return codeOf(err)
	}
	p := native.New[vtab](tls)
	if p == 0 {
		return lib.SQLITE_NOMEM
	}
	native.At[vtab](p).id = process.connected.add(t)
	*native.At[uintptr](result) = p
	return lib.SQLITE_OK
}

func xDisconnect(tls *libc.TLS, p uintptr) int32 {
	process.connected.drop(native.At[vtab](p).id)
	lib.Xsqlite3_free(tls, p)
	return lib.SQLITE_OK
}

func connect(c Conn, r *registered) (t *connected, err error) {
	defer guard(&err, "columns of", r.name)
	columns, err := r.table.Columns()
	if err != nil {
		return nil, err
	}
	text, err := declaration(columns)
	if err != nil {
		return nil, fmt.Errorf("module: declare %s: %w", r.name, err)
	}
	if err := c.declare(r.name, text); err != nil {
		return nil, err
	}
	if _, ok := r.table.(Writer); ok {
		// A row that breaks a constraint was not written, so OR IGNORE may go on.
		c.supportConstraints()
	}
	return &connected{name: r.name, table: r.table, columns: columns}, nil
}

func (c Conn) declare(name, text string) error {
	zText := native.CString(c.TLS, text)
	defer lib.Xsqlite3_free(c.TLS, zText)
	return c.check(lib.Xsqlite3_declare_vtab(c.TLS, c.DB, zText), "declare", name)
}

// supportConstraints is called inside of xConnect.
func (c Conn) supportConstraints() {
	arguments := c.TLS.Alloc(8)
	defer c.TLS.Free(8)
	lib.Xsqlite3_vtab_config(c.TLS, c.DB, lib.SQLITE_VTAB_CONSTRAINT_SUPPORT, libc.VaList(arguments, int32(1)))
}

// declaration returns the CREATE TABLE that tells SQLite of columns.
func declaration(columns []Column) (string, error) {
	if len(columns) == 0 {
		return "", fmt.Errorf("it has no columns")
	}
	var b strings.Builder
	for i, c := range columns {
		if strings.ContainsRune(c.Name+c.Collation, 0) {
			return "", fmt.Errorf("column %q has a NUL in its name", c.Name)
		}
		b.WriteString([]string{"CREATE TABLE t(", ", "}[min(i, 1)])
		b.WriteString(quote(c.Name) + " " + declaredType(c.Type))
		if c.Hidden {
			b.WriteString(" HIDDEN")
		}
		if c.Collation != "" {
			b.WriteString(" COLLATE " + quote(c.Collation))
		}
	}
	return b.String() + ")", nil
}

func quote(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// declaredType returns a type as it can stand in a declaration: as it is, or where
// it would mean more than a type, a type of the same affinity.
func declaredType(t string) string {
	strange := func(r rune) bool {
		return !strings.ContainsRune(" (),_", r) && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	}
	if t != "" && (strings.ContainsFunc(t, strange) || hasKeyword(t)) {
		return record.AffinityOf(t).String()
	}
	return t
}

func hasKeyword(t string) bool {
	words := strings.FieldsFunc(t, func(r rune) bool { return strings.ContainsRune(" (),", r) })
	for _, word := range words {
		switch strings.ToUpper(word) {
		case "AS", "CHECK", "COLLATE", "CONSTRAINT", "DEFAULT", "FOREIGN", "GENERATED", "HIDDEN",
			"NOT", "NULL", "ON", "PRIMARY", "REFERENCES", "UNIQUE":
			return true
		}
	}
	// (A parenthesis has a place after the name only.)
	return strings.Count(t, "(") > 1 || strings.Count(t, "(") != strings.Count(t, ")") ||
		strings.HasPrefix(strings.TrimSpace(t), "(") ||
		strings.Contains(t, ",") && !strings.Contains(t, "(")
}
