package prolly

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/vdbgo/vdb/hash"
)

var errSkeleton = errors.New("prolly: not built yet")

var (
	ErrOutOfRange = errors.New("prolly: ordinal out of range")
	ErrOrder      = errors.New("prolly: keys are not in ascending order")
	ErrCorrupt    = errors.New("prolly: corrupt chunk")
	ErrTooLarge   = errors.New("prolly: item too large")
)

type Store interface {
	Get(ctx context.Context, h hash.Hash) ([]byte, error)
	Put(ctx context.Context, data []byte) (hash.Hash, error)
}

type Config struct {
	LeafTarget, LeafMax int
	NodeTarget, NodeMax int
	Measure             func(key, value []byte) (size int, spills bool)
	Pages               func(n Node) uint64
	Separators          bool
	Addresses           func(value []byte, offsets []int) []int
}

type Tree struct {
	cfg   *Config
	store Store
	root  hash.Hash
}

type Item struct{ Key, Value []byte }
type Range struct{ From, To []byte }
type Edit struct{ Key, Value []byte }
type Change struct{ Key, From, To []byte }
type Counts struct{ Added, Deleted, Modified uint64 }

func New(cfg *Config, s Store) Tree                  { return Tree{cfg: cfg, store: s} }
func Load(cfg *Config, s Store, root hash.Hash) Tree { return Tree{cfg: cfg, store: s, root: root} }
func Build(ctx context.Context, cfg *Config, s Store, items iter.Seq2[Item, error]) (Tree, error) {
	return Tree{}, errSkeleton
}
func (t Tree) Hash() hash.Hash                           { return t.root }
func (t Tree) WithStore(s Store) Tree                    { t.store = s; return t }
func (t Tree) IsEmpty() bool                             { return t.root.IsZero() }
func (t Tree) Count(ctx context.Context) (uint64, error) { return 0, errSkeleton }
func (t Tree) Pages(ctx context.Context) (uint64, error) { return 0, errSkeleton }
func (t Tree) Height(ctx context.Context) (int, error)   { return 0, errSkeleton }
func (t Tree) Get(ctx context.Context, key []byte) ([]byte, bool, error) {
	return nil, false, errSkeleton
}
func (t Tree) CountRange(ctx context.Context, r Range) (uint64, error)      { return 0, errSkeleton }
func (t Tree) Rank(ctx context.Context, key []byte) (uint64, error)         { return 0, errSkeleton }
func (t Tree) At(ctx context.Context, ordinal uint64) (Item, error)         { return Item{}, errSkeleton }
func (t Tree) Items(ctx context.Context, r Range) iter.Seq2[Item, error]    { return nil }
func (t Tree) Backward(ctx context.Context, r Range) iter.Seq2[Item, error] { return nil }
func (t Tree) Cursor() *Cursor                                              { return nil }
func (t Tree) Apply(ctx context.Context, edits []Edit) (Tree, error)        { return t, errSkeleton }
func (t Tree) EditSeq(ctx context.Context, e iter.Seq2[Edit, error]) (Tree, error) {
	return t, errSkeleton
}

type Cursor struct{}

func (c *Cursor) Seek(ctx context.Context, key []byte) error       { return errSkeleton }
func (c *Cursor) SeekBefore(ctx context.Context, key []byte) error { return errSkeleton }
func (c *Cursor) First(ctx context.Context) error                  { return errSkeleton }
func (c *Cursor) Last(ctx context.Context) error                   { return errSkeleton }
func (c *Cursor) Next(ctx context.Context) error                   { return errSkeleton }
func (c *Cursor) Prev(ctx context.Context) error                   { return errSkeleton }
func (c *Cursor) Valid() bool                                      { return false }
func (c *Cursor) Key() []byte                                      { return nil }
func (c *Cursor) Value() []byte                                    { return nil }

func Diff(ctx context.Context, from, to Tree, r Range) iter.Seq2[Change, error] { return nil }
func CountDiff(ctx context.Context, from, to Tree, r Range) (Counts, error) {
	return Counts{}, errSkeleton
}
func Merge(ctx context.Context, base, ours, theirs Tree,
	resolve func(ctx context.Context, key, base, ours, theirs []byte) ([]byte, error)) (Tree, error) {
	return ours, errSkeleton
}
func Check(ctx context.Context, t Tree) error { return errSkeleton }

type Node struct{ data []byte }

func DecodeNode(data []byte) (Node, error)               { return Node{}, errSkeleton }
func (n Node) Len() int                                  { return 0 }
func (n Node) Level() int                                { return 0 }
func (n Node) Key(i int) []byte                          { return nil }
func (n Node) AppendKey(dst []byte, i int) []byte        { return dst }
func (n Node) Value(i int) []byte                        { return nil }
func (n Node) Child(i int) hash.Hash                     { return hash.Hash{} }
func (n Node) CountThrough(i int) uint64                 { return 0 }
func (n Node) PagesThrough(i int) uint64                 { return 0 }
func Addresses(chunk []byte) iter.Seq2[hash.Hash, error] { return nil }

type Blob struct{}

func WriteBlob(ctx context.Context, s Store, r io.Reader) (hash.Hash, int64, error) {
	return hash.Hash{}, 0, errSkeleton
}
func OpenBlob(ctx context.Context, s Store, h hash.Hash) (*Blob, error) { return nil, errSkeleton }
func (b *Blob) Size() int64                                             { return 0 }
func (b *Blob) Read(p []byte) (int, error)                              { return 0, errSkeleton }
func (b *Blob) ReadAt(p []byte, off int64) (int, error)                 { return 0, errSkeleton }
func (b *Blob) Seek(offset int64, whence int) (int64, error)            { return 0, errSkeleton }
