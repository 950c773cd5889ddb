package bucket

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/remote"
)

// manifest is the one object of a database in a bucket that is ever replaced. It is JSON
// and, in a line of its own, the checksum of that:
//
//	{"format":1,"refs":[…],"tables":[…],…}
//	crc 1a2b3c4d
type manifest struct {
	Format int `json:"format"`
	// Refs are branches and tags in the order of their names.
	Refs []remote.Ref `json:"refs"`
	// Grafts are where the history in the bucket ends.
	Grafts []remote.Graft `json:"grafts,omitempty"`
	// Root is the store root of a backup.
	Root hash.Hash `json:"root,omitzero"`
	// Database is the identity of the database that Root is a backup of.
	Database string `json:"database,omitempty"`
	// Tables have the chunks, oldest first.
	Tables []tableRef `json:"tables"`
	// Retired are tables that others have taken the place of. Who has read an older
	// manifest may still read them.
	Retired []retired `json:"retired,omitempty"`
	// Writes are the names of the last replacements, newest last: who does not know
	// whether its own was done finds it here.
	Writes []string `json:"writes"`

	version string // of the object, "" if it is not there
}

// tableRef names a table.
type tableRef struct {
	ID     string `json:"id"`
	Chunks int64  `json:"chunks"`
	Bytes  int64  `json:"bytes"`
}

type retired struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

const (
	format       = 1
	manifestKey  = "manifest"
	tablesPrefix = "tables/"
	maxManifest  = 256 << 20
	keptWrites   = 256
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (m *manifest) encode() ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	return fmt.Appendf(text, "crc %08x\n", crc32.Checksum(text, castagnoli)), nil
}

func decodeManifest(data []byte) (*manifest, error) {
	end := strings.LastIndex(strings.TrimSuffix(string(data), "\n"), "\n") + 1
	text, m := data[:end], &manifest{}
	var version struct{ Format int }
	if err := json.Unmarshal(text, &version); err == nil && version.Format > format {
		return nil, fmt.Errorf("its format is %d, this program knows %d: %w", version.Format, format, remote.ErrNewerFormat)
	}
	if string(data[end:]) != fmt.Sprintf("crc %08x\n", crc32.Checksum(text, castagnoli)) {
		return nil, fmt.Errorf("its checksum is another: %w", remote.ErrProtocol)
	}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%w: %w", err, remote.ErrProtocol)
	}
	for _, t := range m.Tables {
		if _, err := t.info(); err != nil {
			return nil, fmt.Errorf("%w: %w", err, remote.ErrProtocol)
		}
	}
	m.sortGrafts()
	return m, nil
}

func (t tableRef) key() string { return tablesPrefix + t.ID }

func (t tableRef) info() (nbs.TableInfo, error) {
	info := nbs.TableInfo{Chunks: t.Chunks, Bytes: t.Bytes}
	id, err := hex.DecodeString(t.ID)
	if err != nil || len(id) != len(info.ID) || t.Chunks < 0 || t.Bytes <= 0 || t.Bytes > maxObject {
		return info, fmt.Errorf("%q is no table of %d bytes", t.ID, t.Bytes)
	}
	info.ID = [16]byte(id)
	return info, nil
}

func refOf(info nbs.TableInfo) tableRef {
	return tableRef{ID: hex.EncodeToString(info.ID[:]), Chunks: info.Chunks, Bytes: info.Bytes}
}

// load reads the manifest; an empty one if there is none yet.
func (b *Bucket) load(ctx context.Context) (*manifest, error) {
	for attempt := 1; ; attempt++ {
		c, err := b.objects.Get(ctx, b.prefix+manifestKey, 0, -1)
		if errors.Is(err, fs.ErrNotExist) {
			return &manifest{Format: format}, nil
		}
		if err != nil {
			return nil, err
		}
		m, err := decodeManifest(c.Data)
		if err == nil {
			m.version = c.Version
			return m, nil
		}
		if attempt == 2 || !errors.Is(err, remote.ErrProtocol) { // it may have been damaged on the way
			return nil, fmt.Errorf("manifest of %s: %w", b.name, err)
		}
	}
}

// swaps is how often a lost race is run again.
const swaps = 1000

// swap replaces the manifest by what change makes of it, and does so again with the new
// one when somebody else was faster. It returns the manifest that is there then.
func (b *Bucket) swap(ctx context.Context, m *manifest, change func(*manifest) error) (*manifest, error) {
	for range swaps {
		next := m.clone()
		if err := change(next); err != nil {
			return nil, err
		}
		name, err := b.replace(ctx, next)
		if err == nil {
			return next, nil
		}
		lost := errors.Is(err, ErrChanged)
		if !lost && !again(ctx, err) {
			return nil, err
		}
		if m, err = b.reload(ctx, err); err != nil {
			return nil, err
		}
		if slices.Contains(m.Writes, name) {
			return m, nil // it was done, but for the answer
		}
	}
	return nil, fmt.Errorf("manifest of %s: others were faster %d times: %w", b.name, swaps, remote.ErrInterrupted)
}

// again tells whether the outcome of a write that failed so is open.
func again(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !errors.Is(err, remote.ErrRefused) && !errors.Is(err, errUnconditional) && !errors.Is(err, fs.ErrNotExist)
}

// reload reads the manifest after a write of it has failed, a moment later.
func (b *Bucket) reload(ctx context.Context, cause error) (*manifest, error) {
	select {
	case <-time.After(b.jitter()):
	case <-ctx.Done():
		return nil, errors.Join(cause, ctx.Err())
	}
	m, err := b.load(ctx)
	if err != nil {
		return nil, errors.Join(cause, err)
	}
	return m, nil
}

// replace writes a manifest in the place of the one that it was made from, and returns
// the name of the write.
func (b *Bucket) replace(ctx context.Context, m *manifest) (string, error) {
	name := b.random()
	m.Writes = append(m.Writes, name)
	m.Writes = m.Writes[max(0, len(m.Writes)-keptWrites):]
	data, err := m.encode()
	if err != nil {
		return name, err
	}
	condition := Condition{Version: m.version}
	if m.version == "" {
		condition = Condition{Absent: true}
	}
	return name, b.objects.Put(ctx, b.prefix+manifestKey, data, condition)
}

func (m *manifest) clone() *manifest {
	c := *m
	c.Refs, c.Grafts, c.Tables = slices.Clone(m.Refs), slices.Clone(m.Grafts), slices.Clone(m.Tables)
	c.Retired, c.Writes = slices.Clone(m.Retired), slices.Clone(m.Writes)
	return &c
}

// ref returns what a name stands for; zero if it is not there.
func (m *manifest) ref(name string) remote.Ref {
	if i, found := m.find(name); found {
		return m.Refs[i]
	}
	return remote.Ref{}
}

func (m *manifest) find(name string) (int, bool) {
	return slices.BinarySearchFunc(m.Refs, name, func(r remote.Ref, name string) int { return strings.Compare(r.Name, name) })
}

// set makes a ref, moves it or, with a zero hash, removes it.
func (m *manifest) set(ref remote.Ref) {
	i, found := m.find(ref.Name)
	switch {
	case found && ref.Hash.IsZero():
		m.Refs = slices.Delete(m.Refs, i, i+1)
	case found:
		m.Refs[i] = ref
	case !ref.Hash.IsZero():
		m.Refs = slices.Insert(m.Refs, i, ref)
	}
}

// addTables lists tables that are not listed.
func (m *manifest) addTables(tables []tableRef) {
	for _, t := range tables {
		m.Retired = slices.DeleteFunc(m.Retired, func(r retired) bool { return r.ID == t.ID })
		if !slices.Contains(m.Tables, t) {
			m.Tables = append(m.Tables, t)
		}
	}
}

// addGrafts notes where history ends.
func (m *manifest) addGrafts(grafts []remote.Graft) {
	m.Grafts = slices.Concat(grafts, m.Grafts)
	m.sortGrafts()
	m.Grafts = slices.CompactFunc(m.Grafts, func(a, b remote.Graft) bool { return a.Commit == b.Commit })
}

// sortGrafts sorts the grafts by their commits; of one commit they stay as they are.
func (m *manifest) sortGrafts() {
	sort.SliceStable(m.Grafts, func(i, j int) bool { return m.Grafts[i].Commit.Compare(m.Grafts[j].Commit) < 0 })
}

// graftAt is where the history in the bucket ends, for a plan.
func (m *manifest) graftAt(_ context.Context, commit hash.Hash) (remote.Graft, bool, error) {
	i, found := slices.BinarySearchFunc(m.Grafts, commit, func(g remote.Graft, h hash.Hash) int { return g.Commit.Compare(h) })
	if !found {
		return remote.Graft{}, false, nil
	}
	return m.Grafts[i], true, nil
}
