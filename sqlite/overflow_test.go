package sqlite_test

import (
	"bytes"
	"path/filepath"
	"testing"
)

// SQLite overwrites a value of the same length in place: then nothing but an
// overflow page is written, whose leaf stays as it is. The change is found
// whichever row of the leaf it is in, and whatever else is written with it.
func TestOverflowPageAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.vdb")
	db := openSQL(t, "file:"+path)
	exec := func(s string, args ...any) {
		t.Helper()
		if _, err := db.Exec(s, args...); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	const rows, size = 6, 20_000
	exec("CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, content BLOB)")
	want := map[int][]byte{}
	for id := range rows {
		want[id] = bytes.Repeat([]byte{byte('a' + id)}, size)
		exec("INSERT INTO t VALUES(?, 0, ?)", id, want[id])
	}
	check := func() {
		t.Helper()
		again := openSQL(t, "file:"+path)
		exec("SELECT dolt_commit('-Am', 'now', '--skip-empty')")
		for id, content := range want {
			var now, committed []byte
			if err := again.QueryRow("SELECT content, (SELECT content FROM t AS OF 'HEAD' WHERE id = ?1) FROM t WHERE id = ?1", id).Scan(&now, &committed); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(now, content) || !bytes.Equal(committed, content) {
				t.Fatalf("row %d is not what was written: now %t, committed %t", id, bytes.Equal(now, content), bytes.Equal(committed, content))
			}
		}
	}
	check()
	for round := range 2 * rows {
		id := round % rows
		content := bytes.Clone(want[id])
		content[size-1-round*1000] = byte('A' + round)
		want[id] = content
		if round%3 == 2 {
			exec("UPDATE t SET n = n + 1 WHERE id = ?", (id+1)%rows)
		}
		exec("UPDATE t SET content = ? WHERE id = ?", content, id)
		check()
	}
}
