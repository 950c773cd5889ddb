package bucket

import (
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/vdbgo/vdb/remote"
)

// Bucket is a database in a bucket. Its methods may be called concurrently.
type Bucket struct {
	objects Objects
	prefix  string // of all keys, "" or ending in /
	name    string // for errors
	Options
}

// Options of Open. The zero value is good.
type Options struct {
	// Credentials returns those that requests are signed with; nil is
	// EnvironmentCredentials.
	Credentials CredentialsFunc
	// Client sends requests; nil is a client of the bucket's own.
	Client *http.Client
	// Grace is how long tables stay that nothing leads to any more: an upload or a
	// download that takes longer may have to begin again. A week if zero.
	Grace time.Duration
	// Pause is how long to wait before a request that failed is made again, doubled
	// each time; 100 ms if zero.
	Pause time.Duration
	// Now is the clock by which tables are retired; nil is time.Now.
	Now func() time.Time
}

const defaultGrace = 7 * 24 * time.Hour

var (
	_ remote.Mirror = (*Bucket)(nil)
	_ remote.Keeper = (*Bucket)(nil)
)

// Open connects to the database at s3://BUCKET/PREFIX?endpoint=URL&region=NAME. Without an
// endpoint it is AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or AWS itself; without a region
// AWS_REGION or us-east-1. Nothing is asked of the server yet. opts may be nil.
func Open(rawURL string, opts *Options) (*Bucket, error) {
	l, err := parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("bucket: open: %w", err)
	}
	o := opts.orDefaults()
	return &Bucket{objects: newS3(l, o), prefix: l.prefix, name: "s3://" + l.bucket + "/" + l.prefix, Options: o}, nil
}

// OpenObjects is Open for a store of objects that is not S3.
func OpenObjects(objects Objects, prefix string, opts *Options) *Bucket {
	return &Bucket{objects: objects, prefix: prefix, name: prefix, Options: opts.orDefaults()}
}

// Transport returns Open as package remote takes it:
//
//	remote.Options{Transports: map[string]remote.Transport{"s3": bucket.Transport(nil)}}
func Transport(opts *Options) func(ctx context.Context, url string) (remote.Remote, error) {
	return func(_ context.Context, url string) (remote.Remote, error) { return Open(url, opts) }
}

func (o *Options) orDefaults() Options {
	all := Options{}
	if o != nil {
		all = *o
	}
	if all.Grace == 0 {
		all.Grace = defaultGrace
	}
	if all.Pause == 0 {
		all.Pause = defaultPause
	}
	if all.Now == nil {
		all.Now = time.Now
	}
	return all
}

// Close implements remote.Remote.
func (b *Bucket) Close() error {
	if s, ok := b.objects.(*s3); ok && b.Client == nil {
		s.client.CloseIdleConnections()
	}
	return nil
}

// TakesRoot implements remote.Mirror.
func (b *Bucket) TakesRoot() {}

// Refs implements remote.Remote. Where there is no database yet there are no refs: the
// first push makes it.
func (b *Bucket) Refs(ctx context.Context, names ...string) (*remote.Refs, error) {
	m, err := b.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("bucket: read refs: %w", err)
	}
	shown := &remote.Refs{Grafts: slices.Clone(m.Grafts), Root: m.Root, Database: m.Database, Refs: m.Refs}
	for i := range shown.Grafts {
		shown.Grafts[i].Detail = nil
	}
	if len(names) > 0 {
		shown.Refs = slices.DeleteFunc(m.Refs, func(r remote.Ref) bool { return !slices.Contains(names, r.Name) })
	}
	return shown, nil
}

// random returns a name that nobody else has.
func (b *Bucket) random() string {
	var name [12]byte
	_, _ = crand.Read(name[:]) // never fails
	return hex.EncodeToString(name[:])
}

// jitter is how long to wait after a lost race, so that the same clients do not meet
// again and again.
func (b *Bucket) jitter() time.Duration {
	return time.Duration(rand.Int64N(int64(50 * time.Millisecond)))
}
