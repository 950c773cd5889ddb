package vfs

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// A journal has what was written, as a slice of bytes has it, though its blocks are
// used again.
func TestJournal(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		j, want := &journal{}, []byte{}
		for range 200 {
			off := r.IntN(4 * journalBlockBytes)
			if r.IntN(3) > 0 {
				off = len(want)
			}
			switch r.IntN(12) {
			case 0:
				if err := j.Truncate(int64(off)); err != nil {
					t.Fatal(err)
				}
				want = append(want, make([]byte, max(off-len(want), 0))...)[:off]
			default:
				p := make([]byte, r.IntN(20_000))
				for i := range p {
					p[i] = byte(r.Uint32())
				}
				if err := j.WriteAt(p, int64(off)); err != nil {
					t.Fatal(err)
				}
				want = append(want, make([]byte, max(off+len(p)-len(want), 0))...)
				copy(want[off:], p)
			}
			checkJournal(t, seed, j, want, r)
		}
		j.Closed()
	}
}

// checkJournal reads somewhere.
func checkJournal(t *testing.T, seed uint64, j *journal, want []byte, r *rand.Rand) {
	t.Helper()
	if size, err := j.Size(); err != nil || size != int64(len(want)) {
		t.Fatalf("seed %d: size %d, %v, want %d", seed, size, err, len(want))
	}
	off := r.IntN(len(want) + 10)
	p := bytes.Repeat([]byte{1}, r.IntN(3*journalBlockBytes))
	expect := make([]byte, len(p))
	n := copy(expect, want[min(off, len(want)):])
	if err := j.ReadAt(p, int64(off)); n < len(p) && !errors.Is(err, ErrShort) || n == len(p) && err != nil {
		t.Fatalf("seed %d: read %d at %d of %d: %v", seed, len(p), off, len(want), err)
	}
	if !bytes.Equal(p, expect) {
		t.Fatalf("seed %d: read %d at %d of %d gives other bytes", seed, len(p), off, len(want))
	}
}

// Numbers are used again, and lead to their own file while they are.
func TestHandles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	h, open := &handles{}, map[uintptr]*opened{}
	for range 5000 {
		if len(open) == 0 || r.IntN(100) < 52 {
			f := &opened{}
			id := h.add(f)
			if id == 0 || open[id] != nil {
				t.Fatalf("number %d is taken", id)
			}
			open[id] = f
		} else {
			for id, f := range open {
				if h.at(id) != f {
					t.Fatalf("number %d leads to another file", id)
				}
				h.drop(id)
				delete(open, id)
				break
			}
		}
		if n := len(h.all()); n != len(open) {
			t.Fatalf("%d files, want %d", n, len(open))
		}
	}
}
