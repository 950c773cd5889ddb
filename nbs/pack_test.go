package nbs

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vdbgo/vdb/hash"
)

// edited returns data with a few changes, of the kinds that nodes see: bytes
// replaced, added or removed, and rising numbers that have all moved.
func edited(random *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(data) + 1)
		some := numbered(random.Uint64())[:1+random.IntN(8)]
		switch end := min(len(data), at+random.IntN(200)); random.IntN(4) {
		case 0:
			copy(data[at:], some)
		case 1:
			data = slices.Insert(data, at, some...)
		case 2:
			data = slices.Delete(data, at, end)
		case 3:
			for ; at+2 <= end; at += 2 {
				binary.LittleEndian.PutUint16(data[at:], binary.LittleEndian.Uint16(data[at:])+300)
			}
		}
	}
	return data
}

// nodeLike returns bytes like those of a node: rising numbers, and texts alike.
func nodeLike(random *rand.Rand) []byte {
	var data []byte
	n := random.IntN(80)
	for i := range n {
		data = binary.LittleEndian.AppendUint16(data, uint16(i*90))
	}
	for range n {
		data = append(data, "customer of ours who lives at "...)
		data = binary.LittleEndian.AppendUint64(data, random.Uint64N(1<<40))
	}
	return data
}

func TestDeltaRoundTrip(t *testing.T) {
	const seed = 5
	random := rand.New(rand.NewPCG(seed, 0))
	var d deltaEncoder
	plain, small := 0, 0
	for range 3000 {
		base := nodeLike(random)
		data := edited(random, base)
		delta := d.encode([]byte("x"), base, data)[1:]
		got, err := applyDelta([]byte("before"), base, delta)
		if err != nil || string(got) != "before"+string(data) {
			t.Fatalf("seed %d: delta of %d bytes from %d came back as %d, %v", seed, len(data), len(base), len(got), err)
		}
		plain, small = plain+len(data), small+len(delta)
	}
	if small*15 > plain {
		t.Errorf("seed %d: deltas of %d bytes in all take %d", seed, plain, small)
	}
}

func TestDeltaLimits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	large := make([]byte, maxDeltaBytes)
	for i := range large {
		large[i] = byte(random.Uint32())
	}
	moved := slices.Concat(large[100:], large[:100])
	for _, c := range [][2][]byte{{nil, nil}, {nil, large}, {large, nil}, {large, large}, {large, moved}, {make([]byte, maxDeltaBytes), large}, {[]byte("a"), []byte("b")}} {
		delta := new(deltaEncoder).encode(nil, c[0], c[1])
		got, err := applyDelta(nil, c[0], delta)
		if err != nil || !bytes.Equal(got, c[1]) {
			t.Fatalf("delta of %d bytes from %d came back as %d, %v", len(c[1]), len(c[0]), len(got), err)
		}
	}
	if _, err := applyDelta(nil, large, binary.AppendUvarint(nil, maxDeltaBytes+1)); err == nil {
		t.Error("a delta made more than it may")
	}
}

func FuzzDelta(f *testing.F) {
	f.Add([]byte("the base, which is long enough"), []byte("the data, which is long enough"))
	f.Add([]byte{}, []byte{0})
	f.Fuzz(func(t *testing.T, base, data []byte) {
		if max(len(base), len(data)) > maxDeltaBytes {
			return
		}
		got, err := applyDelta(nil, base, new(deltaEncoder).encode(nil, base, data))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("came back as %q, %v", got, err)
		}
		if got, err := applyDelta(nil, base, data); err == nil && len(got) > maxDeltaBytes {
			t.Fatalf("data, taken for a delta, made %d bytes", len(got))
		}
	})
}

// writePack makes a table of some versions, newest first, and returns its path, its
// id and the entries in the versions' order.
func writePack(t testing.TB, versions [][]byte) (string, tableEntry, []entry) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table")
	w, err := createTable(osFS{}, path, fileID{7})
	if err != nil {
		t.Fatal(err)
	}
	cp := newCopier(w, nil)
	for _, data := range versions {
		if err := cp.version(entry{address: hash.Of(data)}, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := cp.builder.flush(w); err != nil {
		t.Fatal(err)
	}
	var entries []entry
	for _, e := range w.entries {
		entries = append(entries, decodeEntry(e[:]))
	}
	e, err := w.finish()
	if err != nil {
		t.Fatal(err)
	}
	return path, e, entries
}

func someVersions(n int) [][]byte {
	random := rand.New(rand.NewPCG(9, 0))
	versions := [][]byte{nodeLike(random)}
	for len(versions) < n {
		last := versions[len(versions)-1]
		next := slices.Clone(last)
		if len(versions)%5 == 0 {
			next = append(next, byte(len(versions)))
		}
		binary.LittleEndian.PutUint32(next[random.IntN(len(next)-4):], random.Uint32())
		versions = append(versions, next)
	}
	return versions
}

func TestPackReadBack(t *testing.T) {
	versions := someVersions(200)
	path, e, entries := writePack(t, versions)
	table, damage, err := openTable(osFS{}, path, e)
	if err != nil || damage != nil {
		t.Fatal(err, damage)
	}
	defer table.Close()
	packs := map[int64]bool{}
	for i, data := range versions {
		x, ok, err := table.find(hash.Of(data))
		if err != nil || !ok || x != entries[i].extent {
			t.Fatalf("find version %d = %v, %t, %v", i, x, ok, err)
		}
		got, err := readChunk(&table.chunkFile, x, hash.Of(data), make([]byte, x.length))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("version %d: %v", i, err)
		}
		packs[x.offset] = true
	}
	if len(packs) > 5 {
		t.Errorf("%d versions are in %d packs", len(versions), len(packs))
	}
	if e.bytes > 64_000 {
		t.Errorf("%d versions take %d bytes", len(versions), e.bytes)
	}
}

// TestPackFlipEveryByte checks that no member is ever read as what it is not.
func TestPackFlipEveryByte(t *testing.T) {
	versions := someVersions(12)
	path, e, entries := writePack(t, versions)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := tableHeaderBytes; i < tableHeaderBytes+int(entries[0].length); i++ {
		flipped := slices.Clone(whole)
		flipped[i] ^= 1 << (i % 8)
		if err := os.WriteFile(path, flipped, 0o666); err != nil {
			t.Fatal(err)
		}
		table, _, err := openTable(osFS{}, path, e)
		if err != nil {
			t.Fatal(err)
		}
		failed := 0
		for k, x := range entries {
			got, err := readChunk(&table.chunkFile, x.extent, x.address, make([]byte, x.length))
			if err != nil {
				failed++
			} else if !bytes.Equal(got, versions[k]) {
				t.Fatalf("with byte %d flipped, member %d is read as what it is not", i, k)
			}
		}
		copied, err := newCopier(&tableWriter{}, nil).copyPack(&table.chunkFile, entries)
		if copied && err == nil && failed > 0 {
			t.Fatalf("with byte %d flipped, %d members cannot be read, and the pack was copied", i, failed)
		}
		found += failed
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if found < len(whole)/2 {
		t.Errorf("%d flipped bytes were found", found)
	}
}

// TestPackThatLostMembers merges a table whose index has some members elsewhere.
func TestPackThatLostMembers(t *testing.T) {
	versions := someVersions(40)
	path, e, entries := writePack(t, versions)
	table, _, err := openTable(osFS{}, path, e)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	w, err := createTable(osFS{}, path+"2", fileID{8})
	if err != nil {
		t.Fatal(err)
	}
	left := slices.Concat(entries[1:10], entries[12:])
	if err := newCopier(w, nil).copyRecord(&table.chunkFile, left); err != nil {
		t.Fatal(err)
	}
	if e, err = w.finish(); err != nil || e.chunks != int64(len(left)) || e.bytes > table.bytes {
		t.Fatalf("%d of %d members take %d of %d bytes, %v", e.chunks, len(entries), e.bytes, table.bytes, err)
	}
	merged, _, err := openTable(osFS{}, path+"2", e)
	if err != nil {
		t.Fatal(err)
	}
	defer merged.Close()
	for _, x := range left {
		at, ok, err := merged.find(x.address)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, err := readChunk(&merged.chunkFile, at, x.address, make([]byte, at.length)); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzPack(f *testing.F) {
	path, _, entries := writePack(f, someVersions(12))
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole[tableHeaderBytes:][:entries[0].length][recordHeaderBytes:], byte(codecZstd), byte(3))
	f.Add([]byte{2, 1, 0, 2, 'a', 1, 0}, byte(codecRaw), byte(1))
	f.Fuzz(func(t *testing.T, payload []byte, c, k byte) {
		rec := record{kind: kindPack, codec: codec(c), payload: payload}
		var p pack
		if p.decode(rec) != nil {
			return
		}
		data, err := p.member(int(k))
		if err != nil {
			return
		}
		if _, err := readMember(rec, int(k), hash.Of([]byte("another chunk"))); err == nil && string(data) != "another chunk" {
			t.Fatal("a member was returned that does not have the address")
		}
		if got, err := readMember(rec, int(k), hash.Of(data)); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("the second reading gave %q, %v; the first %q", got, err, data)
		}
	})
}
