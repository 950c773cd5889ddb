package vdb

import (
	"testing"
	"time"
)

// FuzzRefMove decodes any bytes without a panic, and what was encoded as it was.
func FuzzRefMove(f *testing.F) {
	m := RefMove{Ref: "heads/main", From: Hash{1, 2, 3}, Time: time.UnixMicro(1e15).UTC()}
	f.Add(m.encode())
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeRefMove(data)
		if err != nil {
			return
		}
		again, err := decodeRefMove(m.encode())
		if err != nil || again != m {
			t.Errorf("%v reads back as %v, %v", m, again, err)
		}
	})
}
