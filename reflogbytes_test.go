package vdb

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/nbs"
)

// TestReflogBytes compares what the log writes with the format: three moves stay
// in the store's root, and the fourth makes a chunk of all.
func TestReflogBytes(t *testing.T) {
	ctx := t.Context()
	const (
		from = "0102030000000000000000000000000000000000"
		tail = "8080b4ccd4dfc6030a68656164732f6d61696e" // time, length, ref
		none = "0000000000000000000000000000000000000000"
	)
	w := nbs.NewMemory().NewWriter()
	r := &refs{store: w}
	for n := 1; n <= 4; n++ {
		r.log.noted = []RefMove{{Ref: "heads/main", From: Hash{1, 2, 3}}}
		if err := r.log.write(ctx, w, time.UnixMicro(1e15)); err != nil {
			t.Fatal(err)
		}
		want := "100103" + none + none + none + hex.EncodeToString([]byte{byte(n)})
		for range n {
			want += from + tail
		}
		if n == 4 {
			chunk := "180101" + none + want[len(want)-4*len(from+tail):]
			data, err := w.Get(ctx, r.log.newest)
			if err != nil || hex.EncodeToString(data) != chunk {
				t.Errorf("the chunk is %x, %v, want %s", data, err, chunk)
			}
			want = "100103" + none + hex.EncodeToString(r.log.newest[:]) + none + "04"
		}
		if got := hex.EncodeToString(r.encode()); got != want {
			t.Errorf("after %d moves the root is %s, want %s", n, got, want)
		}
	}
}

// TestReflogSharesNoBytes logs two moves upon one root's chunk, which others read.
func TestReflogSharesNoBytes(t *testing.T) {
	ctx := t.Context()
	w := nbs.NewMemory().NewWriter()
	data := chunk.Encode(chunk.Root, make([]hash.Hash, 3), []byte{0})
	data = append(make([]byte, 0, 1000), data...)
	var logs [2]reflog
	for i := range logs {
		r := refs{store: w}
		if err := r.decode(data); err != nil {
			t.Fatal(err)
		}
		r.log.noted = []RefMove{{Ref: "heads/main", From: Hash{byte(i)}}}
		if err := r.log.write(ctx, w, time.UnixMicro(0)); err != nil {
			t.Fatal(err)
		}
		logs[i] = r.log
	}
	if bytes.Equal(logs[0].recent, logs[1].recent) || !slices.Equal(data[:cap(data)][len(data):], make([]byte, cap(data)-len(data))) {
		t.Error("a move was written into the root's chunk")
	}
}
