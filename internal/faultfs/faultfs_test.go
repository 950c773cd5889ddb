package faultfs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/nbs"
)

func create(t *testing.T, f *faultfs.FS, name string) nbs.File {
	t.Helper()
	file, err := f.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func write(t *testing.T, file nbs.File, offset int64, data []byte) {
	t.Helper()
	if _, err := file.WriteAt(data, offset); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestCrash checks that what is synced stays, and that of the rest each outcome
// turns up for some seed.
func TestCrash(t *testing.T) {
	f := faultfs.New()
	file := create(t, f, "/a")
	write(t, file, 0, bytes.Repeat([]byte{1}, 2*faultfs.SectorBytes))
	must(t, file.Sync())
	must(t, f.SyncDir("/"))
	write(t, file, 0, bytes.Repeat([]byte{2}, 2*faultfs.SectorBytes))
	create(t, f, "/b")
	for _, g := range []faultfs.Granularity{faultfs.Writes, faultfs.Sectors} {
		seen := map[[2]byte]bool{}
		names := map[int]bool{}
		for seed := range uint64(64) {
			c := f.Crash(rand.New(rand.NewPCG(seed, 0)), g)
			names[len(c.Files())] = true
			buf := make([]byte, 2*faultfs.SectorBytes)
			if _, err := create(t, c, "/a").ReadAt(buf, 0); err != nil {
				t.Fatal(err)
			}
			seen[[2]byte{buf[0], buf[len(buf)-1]}] = true
		}
		if want := 2 + 2*int(g); len(seen) != want || len(names) != 2 {
			t.Errorf("granularity %d: outcomes %v, want %d of them; numbers of files %v", g, seen, want, names)
		}
	}
}

func TestFailAndStop(t *testing.T) {
	f := faultfs.New()
	file := create(t, f, "/a")
	f.Fail(1)
	if n, err := file.WriteAt([]byte("abcd"), 0); n != 2 || !errors.Is(err, faultfs.ErrInjected) {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
	write(t, file, 0, []byte("abcd"))
	f.Stop(f.Ops())
	if err := file.Sync(); !errors.Is(err, faultfs.ErrInjected) {
		t.Fatalf("Sync = %v", err)
	}
	if err := f.Rename("/a", "/b"); !errors.Is(err, faultfs.ErrInjected) {
		t.Fatalf("Rename = %v", err)
	}
	if got := len(f.Log()); got != f.Ops() {
		t.Fatalf("%d lines for %d operations", got, f.Ops())
	}
}

func TestLimit(t *testing.T) {
	f := faultfs.New()
	file := create(t, f, "/a")
	f.Limit(100)
	write(t, file, 0, make([]byte, 100))
	if _, err := file.WriteAt([]byte{1}, 100); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("WriteAt = %v, want ENOSPC", err)
	}
	write(t, file, 50, make([]byte, 50))
	must(t, f.Remove("/a"))
	write(t, create(t, f, "/b"), 0, make([]byte, 100))
}

func TestNamesAndLocks(t *testing.T) {
	f := faultfs.New()
	if _, err := f.OpenFile("/d/a", os.O_RDWR|os.O_CREATE, 0o666); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("OpenFile = %v", err)
	}
	must(t, f.MkdirAll("/d/e", 0o777))
	write(t, create(t, f, "/d/a"), 0, []byte("x"))
	must(t, f.Rename("/d/a", "/d/b"))
	entries, err := f.ReadDir("/d")
	if err != nil || len(entries) != 1 || entries[0].Name() != "b" {
		t.Fatalf("ReadDir = %v, %v", entries, err)
	}
	held, err := f.TryLock("/d/lock")
	if held == nil || err != nil {
		t.Fatalf("TryLock = %v, %v", held, err)
	}
	if again, err := f.TryLock("/d/lock"); again != nil || err != nil {
		t.Fatalf("second TryLock = %v, %v", again, err)
	}
	must(t, held.Close())
	must(t, f.Flip("/d/b", 0, 1))
	if got := f.Clone().Files(); got["/d/b"] != 1 {
		t.Fatalf("Files = %v", got)
	}
}
