package vdb

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
)

func TestAtOnce(t *testing.T) {
	var done [100]atomic.Int32
	if err := atOnce(len(done), func(i int) error { done[i].Add(1); return nil }); err != nil {
		t.Fatal(err)
	}
	for i := range done {
		if n := done[i].Load(); n != 1 {
			t.Errorf("%d was called %d times", i, n)
		}
	}
	fails := errors.New("it fails")
	if err := atOnce(10, func(i int) error {
		if i == 7 {
			return fails
		}
		return nil
	}); !errors.Is(err, fails) {
		t.Error(err)
	}
	if err := atOnce(3, func(i int) error { panic("a broken invariant") }); err == nil || !strings.Contains(err.Error(), "a broken invariant") {
		t.Error(err)
	}
}
