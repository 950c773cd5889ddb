package bucket

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Objects is a store of objects: S3, or whatever does the same. Its methods may be called
// concurrently. What is written must be seen by all who read later, in lists too.
type Objects interface {
	// Get returns length bytes of an object from an offset on, fewer only where it ends;
	// with a length of -1 all of it. The error wraps fs.ErrNotExist if it is not there.
	Get(ctx context.Context, key string, offset, length int64) (Content, error)
	// Put writes an object, all of it or nothing. The error wraps ErrChanged if the
	// condition does not hold; otherwise it may be open whether it was written.
	Put(ctx context.Context, key string, data []byte, condition Condition) error
	// Stat returns what is known of an object; the error is as Get's.
	Stat(ctx context.Context, key string) (Object, error)
	// List yields the objects whose keys start with the prefix.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Delete removes an object, if it is there.
	Delete(ctx context.Context, key string) error
}

// Content is what Get returns.
type Content struct {
	Data []byte
	// Version changes whenever the object is written: S3's ETag.
	Version string
}

// Object is what is known of an object without reading it.
type Object struct {
	Key   string
	Bytes int64
	// Age is the time since it was written, by the clock of the store.
	Age time.Duration
}

// Condition says when Put may write. The zero value is: always.
type Condition struct {
	// Absent: only if there is no such object.
	Absent bool
	// Version: only if that is the object's.
	Version string
}

// ErrChanged: the object is not, or no longer, what the condition asks for.
var ErrChanged = errors.New("the object has changed")
