package vdb_test

import (
	"archive/zip"
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/vdbgo/vdb"
)

var rewrite = flag.Bool("rewrite", false, "write the databases under testdata anew")

// frozen is a database of format version 1 and what is in it: old databases open
// in new versions, and equal contents keep their addresses.
const frozen = "testdata/v1.zip"

// TestFrozen opens a database that an earlier version has written, reads all of
// it, compares the addresses with those that today's code computes, and goes on
// writing. A change of the format comes with a new archive; old ones stay.
func TestFrozen(t *testing.T) {
	s := newStory(t)
	if *rewrite {
		s.freeze()
	}
	states := s.states()
	dir := filepath.Join(t.TempDir(), "db")
	archive, err := zip.OpenReader(frozen)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if err := os.CopyFS(dir, archive); err != nil {
		t.Fatal(err)
	}
	db, b := openDir(t, dir)
	got, err := s.state(db)
	if err != nil {
		t.Fatal(err)
	}
	if want := states[len(states)-1]; got != want {
		t.Errorf("the frozen database is\n%sthe same story now leads to\n%s", got, want)
	}
	update(t, b, func(tx *vdb.Tx) error { return tx.Put("people", person(77, "new")) })
	commit(t, b, "goes on")
}

// freeze writes the archive.
func (s *story) freeze() {
	dir := s.t.TempDir()
	db, err := vdb.Open(s.t.Context(), dir, &vdb.Options{Now: standing})
	if err != nil {
		s.t.Fatal(err)
	}
	for i, step := range s.steps {
		if err := step(db); err != nil {
			s.t.Fatal(err)
		}
		if i == len(s.steps)/2 {
			if err := db.Compact(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		s.t.Fatal(err)
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		s.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		s.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(frozen), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(frozen, buf.Bytes(), 0o644); err != nil {
		s.t.Fatal(err)
	}
}
