package hash_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/hash"
)

func ExampleOf() {
	h := hash.Of([]byte("abc"))
	fmt.Println(h)
	// Output: 6437b3ac38465133ffb63b75273a8db548c55846
}

func TestParse(t *testing.T) {
	h := hash.Of([]byte("x"))
	if got, err := hash.Parse(h.String()); err != nil || got != h {
		t.Fatalf("Parse(%s) = %s, %v", h, got, err)
	}
	for _, bad := range []string{"", "ab", strings.Repeat("g", 40), strings.ToUpper(h.String()), h.String() + "0"} {
		if _, err := hash.Parse(bad); err == nil {
			t.Errorf("Parse(%q) accepted it", bad)
		}
	}
}

func TestCompare(t *testing.T) {
	a, b := hash.Hash{1}, hash.Hash{2}
	if a.Compare(b) != -1 || b.Compare(a) != 1 || a.Compare(a) != 0 {
		t.Fatal("hashes do not order bytewise")
	}
	if !(hash.Hash{}).IsZero() || a.IsZero() {
		t.Fatal("IsZero")
	}
}

func BenchmarkOf4K(b *testing.B) {
	data := make([]byte, 4096)
	b.SetBytes(4096)
	b.ReportAllocs()
	for b.Loop() {
		hash.Of(data)
	}
}
