package bucket_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
	"github.com/vdbgo/vdb/remote/bucket"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// memory is a store of objects in memory: what bucket.Objects asks for.
type memory struct {
	mu      sync.Mutex
	writes  int
	objects map[string]object
}

type object struct {
	data    []byte
	version string
	at      time.Time
}

var _ bucket.Objects = (*memory)(nil)

func (m *memory) Get(_ context.Context, key string, offset, length int64) (bucket.Content, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[key]
	if !ok {
		return bucket.Content{}, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	data := o.data[min(offset, int64(len(o.data))):]
	if length >= 0 {
		data = data[:min(length, int64(len(data)))]
	}
	return bucket.Content{Data: bytes.Clone(data), Version: o.version}, nil
}

func (m *memory) Put(_ context.Context, key string, data []byte, c bucket.Condition) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o, ok := m.objects[key]; c.Absent && ok || c.Version != "" && o.version != c.Version {
		return fmt.Errorf("%s: %w", key, bucket.ErrChanged)
	}
	m.writes++
	m.objects[key] = object{bytes.Clone(data), fmt.Sprint("version ", m.writes), time.Now()}
	return nil
}

func (m *memory) Stat(_ context.Context, key string) (bucket.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[key]
	if !ok {
		return bucket.Object{}, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return bucket.Object{Key: key, Bytes: int64(len(o.data)), Age: time.Since(o.at)}, nil
}

func (m *memory) List(ctx context.Context, prefix string) iter.Seq2[bucket.Object, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for key := range m.objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return func(yield func(bucket.Object, error) bool) {
		for _, key := range keys {
			if o, err := m.Stat(ctx, key); !yield(o, err) {
				return
			}
		}
	}
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

// A store of objects that is not S3 becomes a transport: here one in memory, whose URLs
// are mem://PREFIX.
func ExampleOpenObjects() {
	ctx := context.Background()
	objects := &memory{objects: map[string]object{}}
	opts := &vdb.Options{Remotes: &remote.Options{Transports: map[string]remote.Transport{
		"mem": func(_ context.Context, url string) (remote.Remote, error) {
			return bucket.OpenObjects(objects, strings.TrimPrefix(url, "mem://")+"/", nil), nil
		},
	}}}
	db, err := vdb.Open(ctx, vdb.Memory, opts)
	must(err)
	defer db.Close()
	must(db.AddRemote(ctx, "origin", "mem://shop"))
	must(db.Push(ctx, "origin", nil))
	clone, err := vdb.Clone(ctx, "mem://shop", vdb.Memory, &vdb.CloneOptions{Open: opts})
	must(err)
	defer clone.Close()
	for b, err := range clone.Branches(ctx) {
		must(err)
		fmt.Println(b.Name)
	}
	for o, err := range objects.List(ctx, "shop/") {
		must(err)
		name, _, isTable := strings.Cut(strings.TrimPrefix(o.Key, "shop/"), "/")
		fmt.Println(name, isTable)
	}
	// Output:
	// main
	// manifest false
	// tables true
}

// URLs of S3 are like any others, with the transport among those of the database.
func ExampleTransport() {
	opts := &vdb.Options{Remotes: &remote.Options{Transports: map[string]remote.Transport{
		"s3": bucket.Transport(&bucket.Options{Credentials: bucket.StaticCredentials("key", "secret")}),
	}}}
	ctx := context.Background()
	db, err := vdb.Open(ctx, vdb.Memory, opts)
	must(err)
	defer db.Close()
	must(db.AddRemote(ctx, "origin", "s3://backups/shop?endpoint=https://s3.example.org&region=eu-1"))
	rm, err := db.Remote(ctx, "origin") // which Push, Fetch and Pull take from here on
	must(err)
	fmt.Println(rm.URL)
	// Output: s3://backups/shop?endpoint=https://s3.example.org&region=eu-1
}
