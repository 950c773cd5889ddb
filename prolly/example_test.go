package prolly_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
)

// chunks is a store in memory.
type chunks map[hash.Hash][]byte

func (c chunks) Get(_ context.Context, h hash.Hash) ([]byte, error) {
	if data, ok := c[h]; ok {
		return data, nil
	}
	return nil, fmt.Errorf("no chunk %s", h)
}

func (c chunks) Put(_ context.Context, data []byte) (hash.Hash, error) {
	h := hash.Of(data)
	c[h] = data
	return h, nil
}

// set returns a tree in which keys have new values; "" deletes.
func set(t prolly.Tree, pairs ...string) prolly.Tree {
	var edits []prolly.Edit
	for i := 0; i < len(pairs); i += 2 {
		e := prolly.Edit{Key: []byte(pairs[i])}
		if pairs[i+1] != "" {
			e.Value = []byte(pairs[i+1])
		}
		edits = append(edits, e)
	}
	t, err := t.Apply(context.Background(), edits)
	if err != nil {
		log.Fatal(err)
	}
	return t
}

func show(t prolly.Tree) {
	for item, err := range t.Items(context.Background(), prolly.Range{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s=%s ", item.Key, item.Value)
	}
	fmt.Println()
}

func Example() {
	empty := prolly.New(nil, chunks{})
	a := set(set(empty, "apple", "red"), "banana", "green", "cherry", "dark")
	b := set(empty, "apple", "red", "banana", "green", "cherry", "dark", "date", "brown")
	fmt.Println(a.Hash() == set(b, "date", "").Hash())
	// Output: true
}

func ExampleBuild() {
	items := func(yield func(prolly.Item, error) bool) {
		for i := range 1000 {
			if !yield(prolly.Item{Key: fmt.Appendf(nil, "%04d", i)}, nil) {
				return
			}
		}
	}
	t, err := prolly.Build(context.Background(), nil, chunks{}, items)
	if err != nil {
		log.Fatal(err)
	}
	n, err := t.Count(context.Background())
	fmt.Println(n, err)
	// Output: 1000 <nil>
}

func ExampleTree_Get() {
	t := set(prolly.New(nil, chunks{}), "apple", "red")
	value, ok, err := t.Get(context.Background(), []byte("apple"))
	fmt.Println(string(value), ok, err)
	// Output: red true <nil>
}

func ExampleTree_Items() {
	t := set(prolly.New(nil, chunks{}), "a", "1", "b", "2", "c", "3", "d", "4")
	for item, err := range t.Items(context.Background(), prolly.Range{From: []byte("b"), To: []byte("d")}) {
		fmt.Println(string(item.Key), string(item.Value), err)
	}
	// Output:
	// b 2 <nil>
	// c 3 <nil>
}

func ExampleTree_Backward() {
	t := set(prolly.New(nil, chunks{}), "a", "1", "b", "2", "c", "3")
	for item, err := range t.Backward(context.Background(), prolly.Range{To: []byte("c")}) {
		fmt.Println(string(item.Key), string(item.Value), err)
	}
	// Output:
	// b 2 <nil>
	// a 1 <nil>
}

func ExampleTree_Apply() {
	t := set(prolly.New(nil, chunks{}), "a", "1", "b", "2")
	t, err := t.Apply(context.Background(), []prolly.Edit{
		{Key: []byte("a")},
		{Key: []byte("c"), Value: []byte("3")},
	})
	if err != nil {
		log.Fatal(err)
	}
	show(t)
	// Output: b=2 c=3
}

func ExampleTree_At() {
	t := set(prolly.New(nil, chunks{}), "a", "1", "b", "2", "c", "3")
	item, err := t.At(context.Background(), 1)
	fmt.Println(string(item.Key), err)
	rank, err := t.Rank(context.Background(), []byte("c"))
	fmt.Println(rank, err)
	// Output:
	// b <nil>
	// 2 <nil>
}

func ExampleCursor() {
	ctx := context.Background()
	c := set(prolly.New(nil, chunks{}), "a", "1", "c", "3", "e", "5").Cursor()
	if err := c.Seek(ctx, []byte("b")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(c.Key()))
	if err := c.Prev(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(c.Key()))
	// Output:
	// c
	// a
}

func ExampleDiff() {
	from := set(prolly.New(nil, chunks{}), "a", "1", "b", "2", "c", "3")
	to := set(from, "a", "", "b", "20", "d", "4")
	for c, err := range prolly.Diff(context.Background(), from, to, prolly.Range{}) {
		fmt.Printf("%s: %q → %q, %v\n", c.Key, c.From, c.To, err)
	}
	// Output:
	// a: "1" → "", <nil>
	// b: "2" → "20", <nil>
	// d: "" → "4", <nil>
}

func ExampleMerge() {
	base := set(prolly.New(nil, chunks{}), "a", "1", "b", "2", "c", "3")
	ours, theirs := set(base, "a", "10", "c", ""), set(base, "b", "20", "c", "30")
	merged, err := prolly.Merge(context.Background(), base, ours, theirs,
		func(_ context.Context, key, base, ours, theirs []byte) ([]byte, error) {
			fmt.Printf("conflict at %s: %q, %q, %q\n", key, base, ours, theirs)
			return theirs, nil
		})
	if err != nil {
		log.Fatal(err)
	}
	show(merged)
	// Output:
	// conflict at c: "3", "", "30"
	// a=10 b=20 c=30
}

func ExampleWriteBlob() {
	ctx, s := context.Background(), chunks{}
	h, size, err := prolly.WriteBlob(ctx, s, strings.NewReader("a value that is kept out of line"))
	if err != nil {
		log.Fatal(err)
	}
	b, err := prolly.OpenBlob(ctx, s, h)
	if err != nil {
		log.Fatal(err)
	}
	part, err := io.ReadAll(io.NewSectionReader(b, 8, 9))
	fmt.Println(size, string(part), err)
	// Output: 32 that is k <nil>
}

func ExampleCheck() {
	t := set(prolly.New(nil, chunks{}), "a", "1", "b", "2")
	fmt.Println(prolly.Check(context.Background(), t))
	// Output: <nil>
}
