package nbs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/hash"
)

func numbered(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

func TestRecordRoundTrip(t *testing.T) {
	for _, data := range [][]byte{nil, {1}, make([]byte, 5000), bytes.Repeat([]byte("abc"), 1000)} {
		h := hash.Of(data)
		stored, c := new(payloadEncoder).encode(h, data)
		buf := appendRecord([]byte("before"), 7, kindChunk, c, h, stored)
		rec, err := decodeRecord(append(buf[6:], "behind"...), 7)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodePayload(rec.codec, rec.address, rec.payload)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes came back as %d, %v", len(data), len(got), err)
		}
		if _, err := decodeRecord(buf[6:], 8); err == nil {
			t.Fatal("a record of another file was accepted")
		}
	}
}

// TestNoZeroRuns checks what recovery rests on: a stored payload has no long run
// of zeros, whatever the data.
func TestNoZeroRuns(t *testing.T) {
	const seed = 3
	random := rand.New(rand.NewPCG(seed, 0))
	masked := 0
	for range 2000 {
		data := make([]byte, random.IntN(20_000))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		for range random.IntN(4) {
			from := random.IntN(len(data) + 1)
			clear(data[from:min(len(data), from+random.IntN(1200))])
		}
		h := hash.Of(data)
		stored, c := new(payloadEncoder).encode(h, data)
		if i := bytes.Index(stored, make([]byte, maxZeros)); i >= 0 {
			t.Fatalf("seed %d: %d zeros at %d of %d", seed, maxZeros, i, len(stored))
		}
		got, err := decodePayload(c, h, stored)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("seed %d: %d bytes came back as %d, %v", seed, len(data), len(got), err)
		}
		if c == codecMasked {
			masked++
		}
	}
	if masked == 0 {
		t.Error("no payload was masked")
	}
}

func TestHasZeros(t *testing.T) {
	for size := range 600 {
		data := bytes.Repeat([]byte{1}, 700)
		clear(data[50 : 50+size])
		if got, want := hasZeros(data, maxZeros), size >= maxZeros; got != want {
			t.Fatalf("hasZeros with a run of %d = %t", size, got)
		}
	}
}

func sampleManifest() *manifest {
	j := journalEntry{id: fileID{1, 2}, sequence: 9, root: hash.Of(numbered(1))}
	sealed := journalEntry{id: fileID{3}, sequence: 4, root: hash.Of(numbered(2)), end: 4711}
	return &manifest{
		store: fileID{9}, generation: 12, epoch: 3, fullBytes: 4000, active: j, sealed: []journalEntry{sealed, sealed},
		tables: []tableEntry{{id: fileID{5}, chunks: 100, bytes: 2000}, {id: fileID{6}, chunks: 7, bytes: 900, old: true}},
	}
}

func TestManifestRoundTrip(t *testing.T) {
	m := sampleManifest()
	text := m.encode()
	got, err := decodeManifest(slices.Concat(text, text))
	if err != nil || fmt.Sprint(got) != fmt.Sprint(m) {
		t.Fatalf("decodeManifest = %v, %v, want %v", got, err, m)
	}
	for i := range 2 * len(text) {
		file := slices.Concat(text, text)
		file[i] ^= 1 << (i % 8)
		got, err := decodeManifest(file)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(m) {
			t.Fatalf("with byte %d flipped: %v, %v", i, got, err)
		}
	}
}

func TestManifestNewerFormat(t *testing.T) {
	body := "vdb store 2\nwhatever the future holds\n"
	text := []byte(body + fmt.Sprintf("crc %08x\n", crcOf([]byte(body))))
	for _, file := range [][]byte{text, slices.Concat(text, text)} {
		if _, err := decodeManifest(file); len(file) > len(text) && !errors.Is(err, ErrNewerFormat) || err == nil {
			t.Errorf("decodeManifest = %v", err)
		}
	}
}

func crcOf(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// TestRun checks search, find, merge and within against sorted slices.
func TestRun(t *testing.T) {
	const seed = 11
	random := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		var r run
		all := map[hash.Hash]extent{}
		for range random.IntN(4) {
			var more []entry
			for range random.IntN(300) {
				h := hash.Of(numbered(random.Uint64N(1000)))
				if random.IntN(3) == 0 { // crowded, unlike hashes
					h = hash.Hash{1: byte(random.IntN(256))}
				}
				if _, ok := all[h]; !ok {
					all[h] = extent{random.Int64N(1 << 40), random.Uint32(), uint8(random.Uint32())}
					more = append(more, entry{h, all[h]})
				}
			}
			r = r.merge(more)
		}
		checkRun(t, r, all)
	}
}

func checkRun(t *testing.T, r run, all map[hash.Hash]extent) {
	t.Helper()
	if r.count() != len(all) {
		t.Fatalf("run of %d, want %d", r.count(), len(all))
	}
	for h, want := range all {
		if got, ok := r.find(h); !ok || got != want {
			t.Fatalf("find(%s) = %v, %t, want %v", h, got, ok, want)
		}
	}
	for i := range uint64(300) {
		h := hash.Of(numbered(5000 + i))
		if _, ok := r.find(h); ok {
			t.Fatalf("found %s", h)
		}
		want := 0
		for want < r.count() && bytes.Compare(r.address(want), h[:]) < 0 {
			want++
		}
		if got := r.search(h); got != want {
			t.Fatalf("search(%s) = %d, want %d", h, got, want)
		}
	}
}

// TestBigTable looks chunks up in a table whose index stays on disk.
func TestBigTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table")
	w, err := createTable(osFS{}, path, fileID{1})
	if err != nil {
		t.Fatal(err)
	}
	const chunks = loadEntriesBelow/entryBytes + 1000
	for i := range uint64(chunks) {
		if err := w.add(hash.Of(numbered(i)), codecRaw, numbered(i)); err != nil {
			t.Fatal(err)
		}
	}
	e, err := w.finish()
	if err != nil {
		t.Fatal(err)
	}
	tab, damage, err := openTable(osFS{}, path, e)
	if damage != nil || err != nil {
		t.Fatal(damage, err)
	}
	defer tab.Close()
	for i := uint64(0); i < chunks; i += 37 {
		h := hash.Of(numbered(i))
		x, ok, err := tab.find(h)
		if !ok || err != nil {
			t.Fatalf("find(%d) = %t, %v", i, ok, err)
		}
		got, err := readChunk(&tab.chunkFile, x, h, make([]byte, x.length))
		if err != nil || !bytes.Equal(got, numbered(i)) {
			t.Fatalf("chunk %d = %x, %v", i, got, err)
		}
		if _, ok, err := tab.find(hash.Of(numbered(chunks + i))); ok || err != nil {
			t.Fatalf("found what is not there: %v", err)
		}
	}
	if tab.index.Load().entries != nil {
		t.Error("the index was loaded")
	}
	r, err := newPrefixRange([]byte("abc"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := tab.within(r, nil, chunks)
	if err != nil || len(found) < 10 {
		t.Fatalf("within found %d, %v", len(found), err)
	}
	for _, h := range found {
		if !strings.HasPrefix(h.String(), "abc") {
			t.Fatalf("within found %s", h)
		}
	}
}

// TestCacheKeepsHotChunks runs a long scan past a small set of chunks in use.
func TestCacheKeepsHotChunks(t *testing.T) {
	c := newCache(64 * 100 * 1200)
	hot := make([]hash.Hash, 1000)
	for i := range hot {
		hot[i] = hash.Of(numbered(uint64(i)))
	}
	use := func() (hits int) {
		for _, h := range hot {
			if _, ok := c.get(h); ok {
				hits++
			} else {
				c.put(h, make([]byte, 1000))
			}
		}
		return hits
	}
	use()
	use()
	for i := range uint64(100_000) {
		c.put(hash.Of(numbered(1<<32+i)), make([]byte, 1000))
		if i%5000 == 0 {
			use()
		}
	}
	if hits := use(); hits < 900 {
		t.Errorf("after a scan %d of %d hot chunks are left", hits, len(hot))
	}
	var stats Stats
	c.fill(&stats)
	if stats.CacheBytes > 64*100*1200 || stats.CacheChunks < 5000 {
		t.Errorf("cache holds %d bytes in %d chunks", stats.CacheBytes, stats.CacheChunks)
	}
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := s.NewWriter()
	h, err := w.Put(t.Context(), numbered(1))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := s.Commit(ctx, w, func(context.Context, hash.Hash) (hash.Hash, error) { return h, nil }); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, err = s.Get(ctx, h) }); n != 0 || err != nil {
		t.Errorf("Get of a cached chunk: %v allocations, %v", n, err)
	}
	missing := hash.Of(numbered(2))
	if n := testing.AllocsPerRun(100, func() { _, err = s.Has(ctx, missing) }); n != 0 || err != nil {
		t.Errorf("Has: %v allocations, %v", n, err)
	}
}

func FuzzRecord(f *testing.F) {
	data := bytes.Repeat([]byte("seven "), 50)
	h := hash.Of(data)
	for _, c := range []codec{codecRaw, codecS2, codecZstd, codecMasked} {
		f.Add(appendRecord(nil, 1, kindChunk, c, h, data))
	}
	stored, c := new(payloadEncoder).encode(h, data)
	f.Add(appendRecord(nil, 1, kindChunk, c, h, stored))
	f.Fuzz(func(t *testing.T, buf []byte) {
		rec, err := decodeRecord(buf, 1)
		if err != nil {
			if len(buf) < recordHeaderBytes || !plausible(buf) {
				return
			}
			rec = splitRecord(buf) // go on as if the CRC were right
		}
		if data, err := decodePayload(rec.codec, rec.address, rec.payload); err == nil && hash.Of(data) != rec.address {
			t.Fatal("a chunk with a wrong hash was returned")
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add(sampleManifest().encode())
	f.Add((&manifest{}).encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		// A CRC that fits lets the fuzzer reach what is behind it.
		text = append(slices.Clone(text), fmt.Sprintf("crc %08x\n", crcOf(text))...)
		if m, err := decodeManifestText(text); err == nil && !bytes.Equal(m.encode(), text) {
			t.Fatalf("%q decodes, and encodes to %q", text, m.encode())
		}
	})
}

func FuzzIndexFile(f *testing.F) {
	r := run(nil).merge([]entry{{hash.Of(nil), extent{1, 2, 0}}, {hash.Of(numbered(1)), extent{3, 4, 255}}})
	f.Add(indexFile{journal: fileID{1}, end: 600, run: r}.encode())
	f.Fuzz(func(t *testing.T, buf []byte) {
		if x, err := decodeIndexFile(buf); err == nil && !bytes.Equal(x.encode(), buf) {
			t.Fatal("an index file decodes, and encodes to something else")
		}
	})
}

func FuzzTableFooter(f *testing.F) {
	footer := tableFooter{id: fileID{1}, chunks: 3, indexOffset: 1000, bits: 8, fanoutCRC: 5}
	f.Add(footer.encode(), int64(1000+3*entryBytes+8*256+tableFooterBytes))
	f.Fuzz(func(t *testing.T, buf []byte, size int64) {
		x, err := decodeTableFooter(buf, size)
		if err == nil && (x.fanoutOffset() > size || x.fanoutOffset()+x.fanoutBytes() > size) {
			t.Fatalf("footer points outside of the file: %+v", x)
		}
	})
}

func FuzzTerminal(f *testing.F) {
	j := newJournal("", journalEntry{id: fileID{1}}, nil)
	f.Add(j.appendTerminal(nil, kindRoot, terminal{state: rootState{sequence: 1, root: hash.Of(nil)}, synced: 512}))
	f.Fuzz(func(t *testing.T, buf []byte) {
		j.terminalBefore(buf)
		if len(buf) < recordHeaderBytes || !plausible(buf) {
			return
		}
		if x, err := j.decodeTerminal(splitRecord(buf)); err == nil && x.state.root != hash.Hash(buf[12:32]) {
			t.Fatal("a terminal's root is not its address")
		}
	})
}

// TestEmptyJournalHasNoIndex checks that no index is written of a journal that is new.
func TestEmptyJournalHasNoIndex(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.indexDue() {
		t.Error("it is due")
	}
}
