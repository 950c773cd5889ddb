package vdb_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestOpenRefuses opens what is no database, or not for this program, and finds it
// as it was afterwards.
func TestOpenRefuses(t *testing.T) {
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "photo.jpg"), []byte("pixels"), 0o666); err != nil {
		t.Fatal(err)
	}
	newer := newerDatabase(t)
	file := filepath.Join(foreign, "photo.jpg")
	missing := filepath.Join(t.TempDir(), "missing")
	for _, test := range []struct {
		name, path string
		opts       *vdb.Options
		want       error
		says       string
	}{
		{"foreign directory", foreign, nil, vdb.ErrNotDatabase, "photo.jpg"},
		{"a file", file, nil, nil, "photo.jpg"},
		{"missing, read-only", missing, &vdb.Options{ReadOnly: true}, vdb.ErrNotDatabase, missing},
		{"newer format", newer, nil, vdb.ErrNewerFormat, "99"},
	} {
		db, err := vdb.Open(t.Context(), test.path, test.opts)
		if err == nil {
			db.Close()
			t.Errorf("%s: it opens", test.name)
			continue
		}
		if test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v; want %v that says %q", test.name, err, test.want, test.says)
		}
	}
	if entries, err := os.ReadDir(foreign); err != nil || len(entries) != 1 {
		t.Errorf("a refused directory has %v, %v", entries, err)
	}
	if _, err := os.Stat(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing directory was made: %v", err)
	}
}

// newerDatabase is a database whose manifest is of format version 99.
func newerDatabase(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "newer")
	db, _ := openDir(t, dir)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "manifest")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	body := text[:bytes.Index(text, []byte("crc "))]
	body = bytes.Replace(body, []byte("vdb store 1\n"), []byte("vdb store 99\n"), 1)
	sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
	one := fmt.Appendf(body, "crc %08x\n", sum)
	if err := os.WriteFile(name, bytes.Repeat(one, 2), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}
