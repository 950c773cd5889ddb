package nbs_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/nbs"
)

func salvage(t *testing.T, fsys *faultfs.FS) *nbs.Salvage {
	t.Helper()
	s, err := nbs.OpenSalvage(t.Context(), faultDir, &nbs.SalvageOptions{FS: fsys})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// TestSalvage flips bytes of a store's files: what cannot be read is no more than the record
// that the byte is in, and only what may have taken a root is a doubt.
func TestSalvage(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	const commits = 6
	newest := hash.Of(historyRoot(commits))
	inJournal, _, ends := crashed(t, commits)
	compacted := inJournal.Clone()
	s := open(t, faultDir, faultOptions(compacted, 2))
	must(t, s.Compact(t.Context()))
	h := &history{acknowledged: commits}
	for _, whole := range []*faultfs.FS{inJournal, compacted} {
		for name, size := range whole.Files() {
			if strings.HasSuffix(name, "lock") || strings.HasSuffix(name, "lock.compact") {
				continue
			}
			used := min(size, ends[commits-1])
			if whole == compacted && strings.Contains(name, "journal-") {
				used = 512 // it has a header only
			}
			for range 12 {
				damaged := whole.Clone()
				at := rng.Int64N(used)
				must(t, damaged.Flip(name, at, 1<<rng.IntN(8)))
				s := salvage(t, damaged)
				lost := 0
				for address, data := range h.chunks() {
					got, err := s.Get(t.Context(), address)
					if err != nil {
						lost++
					} else if string(got) != string(data) {
						t.Fatalf("byte %d of %s: chunk %s is another", at, name, address)
					}
				}
				if lost > 1 {
					t.Errorf("byte %d of %s: %d chunks are lost", at, name, lost)
				}
				if s.Doubt() == nil && s.Roots()[0].Root != newest {
					t.Errorf("byte %d of %s: the newest root is %s", at, name, s.Roots()[0].Root)
				}
				if s.Doubt() != nil && !(strings.Contains(name, "journal-") && at >= ends[commits-2]) {
					t.Errorf("byte %d of %s: %v", at, name, s.Doubt())
				}
				if len(s.Damage()) == 0 && !strings.HasSuffix(name, ".index") {
					t.Errorf("byte %d of %s: no damage was found", at, name)
				}
			}
		}
	}
}

// TestSalvageHeaders damages the header of each record: with an index its chunk can be read.
func TestSalvageHeaders(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	fsys := faultfs.New()
	s := open(t, faultDir, faultOptions(fsys, 1))
	h := &history{}
	for range 3 {
		must(t, h.commit(t.Context(), s))
	}
	must(t, s.Close())
	compacted := fsys.Clone()
	s = open(t, faultDir, faultOptions(compacted, 2))
	must(t, s.Compact(t.Context()))
	must(t, s.Close())
	for _, whole := range []*faultfs.FS{fsys, compacted} {
		for name := range whole.Files() {
			if strings.HasSuffix(name, ".index") || !strings.Contains(name, "journal-") && !strings.Contains(name, "table-") {
				continue
			}
			data := contents(t, whole, name)
			for address, want := range h.chunks() {
				at := bytes.Index(data, address[:]) // 12 bytes into a record, or in an index
				if at < 12 || data[at-4] != 1 {
					continue
				}
				damaged := whole.Clone()
				header := make([]byte, 1+rng.IntN(32))
				for i := range header {
					header[i] = byte(rng.Uint32())
				}
				overwrite(t, damaged, name, int64(at-12), header)
				if got, err := salvage(t, damaged).Get(t.Context(), address); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s, a header of %x in place of %x: %v", name, header, data[at-12:][:len(header)], err)
				}
			}
		}
	}
}

// TestSalvageMissing takes a file away, or cuts it.
func TestSalvageMissing(t *testing.T) {
	fsys, journal, ends := crashed(t, 4)
	if s := salvage(t, fsys); s.Doubt() != nil || len(s.Damage()) > 0 || len(s.Roots()) != 4 || len(s.Unconfirmed()) > 0 {
		t.Errorf("a whole store: %v, %v, %d roots", s.Doubt(), s.Damage(), len(s.Roots()))
	}
	without := fsys.Clone()
	must(t, without.Remove(faultDir+"/manifest"))
	if s := salvage(t, without); s.Doubt() != nil || len(s.Damage()) != 1 || s.Roots()[0].Root != hash.Of(historyRoot(4)) {
		t.Errorf("without the manifest: %v, %v, %v", s.Doubt(), s.Damage(), s.Roots())
	}
	without = fsys.Clone()
	must(t, without.Remove(journal))
	if s := salvage(t, without); s.Doubt() == nil || len(s.Damage()) != 1 || len(s.Roots()) != 0 {
		t.Errorf("without the journal: %v, %v, %v", s.Doubt(), s.Damage(), s.Roots())
	}
	for _, end := range ends {
		cut := fsys.Clone()
		data := contents(t, cut, journal)[:end]
		must(t, cut.Remove(journal))
		overwriteNew(t, cut, journal, data)
		if s := salvage(t, cut); s.Doubt() == nil {
			t.Errorf("cut at %d of %v: there is no doubt, and the newest root is %v", end, ends, s.Roots()[0])
		}
	}
	torn := fsys.Clone()
	overwrite(t, torn, journal, ends[3]&^511+512, []byte("half of an append"))
	if s := salvage(t, torn); s.Doubt() != nil {
		t.Errorf("a torn append: %v", s.Doubt())
	}
	bad := fsys.Clone() // the last root's record
	must(t, bad.Flip(journal, ends[3]-30, 1))
	s := salvage(t, bad)
	if s.Doubt() == nil || s.Roots()[0].Root != hash.Of(historyRoot(3)) || !slices.Contains(s.Unconfirmed(), hash.Of(historyRoot(4))) {
		t.Errorf("without the last root: %v, %v, %v", s.Doubt(), s.Roots(), s.Unconfirmed())
	}
	indexed := faultfs.New()
	st := open(t, faultDir, faultOptions(indexed, 1))
	h := &history{}
	for range 4 {
		must(t, h.commit(t.Context(), st))
	}
	must(t, st.Close()) // which writes the index
	overwrite(t, indexed, journal, ends[2], make([]byte, ends[3]-ends[2]))
	if s := salvage(t, indexed); s.Doubt() == nil || s.Roots()[0].Root != hash.Of(historyRoot(3)) {
		t.Errorf("zeros where the index knows of a commit: %v, %v", s.Doubt(), s.Roots())
	}
	if _, err := nbs.OpenSalvage(t.Context(), "/data", &nbs.SalvageOptions{FS: fsys}); !errors.Is(err, nbs.ErrNotStore) {
		t.Errorf("no store: %v", err)
	}
}

// overwriteNew makes a file.
func overwriteNew(t *testing.T, fsys *faultfs.FS, name string, data []byte) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	must(t, err)
	_, err = f.WriteAt(data, 0)
	must(t, err)
	must(t, f.Close())
}
