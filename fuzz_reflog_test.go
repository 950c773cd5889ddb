package vdb

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/vdbgo/vdb/internal/chunk"
)

// FuzzMoves decodes any bytes without a panic, and what was encoded as it was.
func FuzzMoves(f *testing.F) {
	moves := []RefMove{
		{Ref: "heads/main", From: Hash{1, 2, 3}, Time: time.UnixMicro(1e15).UTC()},
		{Ref: "tags/v1", Time: time.UnixMicro(-1).UTC()},
	}
	f.Add([]byte{})
	f.Add(appendMoves(moves))
	f.Fuzz(func(t *testing.T, data []byte) {
		moves, err := decodeMoves(data)
		if err != nil {
			return
		}
		again, err := decodeMoves(appendMoves(moves))
		if err != nil || !slices.Equal(again, moves) {
			t.Errorf("%v reads back as %v, %v", moves, again, err)
		}
	})
}

func appendMoves(moves []RefMove) (data []byte) {
	for i := range moves {
		data = moves[i].append(data)
	}
	return data
}

// FuzzStoreRoot decodes any bytes without a panic, and what was encoded as it was.
func FuzzStoreRoot(f *testing.F) {
	f.Add(chunk.Encode(chunk.Root, []Hash{{1}, {2}, {3}}, []byte{7, 8, 9}))
	f.Add(chunk.Encode(chunk.Root, []Hash{{1}}, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r, again refs
		if err := r.decode(data); err != nil {
			return
		}
		if err := again.decode(r.encode()); err != nil || !bytes.Equal(again.encode(), r.encode()) {
			t.Errorf("%+v reads back as %+v, %v", r, again, err)
		}
	})
}
