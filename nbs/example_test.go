package nbs_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "nbs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	s, err := nbs.Open(ctx, dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	w := s.NewWriter()
	for _, text := range []string{"one", "two"} {
		err := s.Commit(ctx, w, func(ctx context.Context, root hash.Hash) (hash.Hash, error) {
			return w.Put(ctx, fmt.Appendf(nil, "%s, after %s", text, root))
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	root, err := s.Root(ctx)
	if err != nil {
		log.Fatal(err)
	}
	data, err := s.Get(ctx, root)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", data)
	if err := s.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// two, after e9ac3821aaaff6e65bd5d7c8cac468cbdf55fa09
}

func ExampleStore_Resolve() {
	ctx := context.Background()
	s := nbs.NewMemory()
	w := s.NewWriter()
	h, err := w.Put(ctx, []byte("abc"))
	if err != nil {
		log.Fatal(err)
	}
	err = s.Commit(ctx, w, func(context.Context, hash.Hash) (hash.Hash, error) { return h, nil })
	if err != nil {
		log.Fatal(err)
	}
	found, err := s.Resolve(ctx, []byte("6437b"), 2)
	fmt.Println(found, err)
	// Output: [6437b3ac38465133ffb63b75273a8db548c55846] <nil>
}
