package vdb

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// Remote is a name for a database somewhere else, or for a place for backups.
type Remote struct {
	Name string `json:"-"`
	// URL says where it is: a directory, file://…, http://…, https://…, or what
	// Options.Remotes has a transport for. It has no credentials in it.
	URL string `json:"url"`
}

// RemoteOptions returns what the database was opened with to reach others.
func (db *DB) RemoteOptions() *remote.Options { return db.remotes }

// DefaultRemote is the name that Clone gives to where it cloned from.
const DefaultRemote = "origin"

// Prefixes of refs: remote/NAME has a remote's settings, backup/NAME those of a place for
// backups, remotes/REMOTE/BRANCH the commit at which a remote's branch was when somebody
// last looked.
const (
	remotePrefix  = "remote/"
	backupPrefix  = "backup/"
	trackedPrefix = "remotes/"
)

// RemoteBranch is where a remote's branch was at the last fetch, pull, push or clone.
// The revision REMOTE/BRANCH names its commit.
type RemoteBranch struct {
	Remote, Name string
	Head         Hash
}

// AddRemote gives a name to the database at a URL. Credentials in the URL are
// not kept. ErrExists if the name is taken, remote.ErrURL if the URL is none.
func (db *DB) AddRemote(ctx context.Context, name, url string) error {
	return opError("add remote "+name, db.addPlace(ctx, remotePrefix, name, url))
}

// addPlace gives a name to what is at a URL.
func (db *DB) addPlace(ctx context.Context, prefix, name, url string) error {
	err := checkRemoteName(name)
	if err == nil {
		url, err = remote.StripCredentials(url)
	}
	if err != nil {
		return err
	}
	return db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		if _, found, err := r.tree.Get(ctx, []byte(prefix+name)); found || err != nil {
			return orExists(err, name)
		}
		return r.setPlace(ctx, prefix, Remote{Name: name, URL: url})
	})
}

func checkRemoteName(name string) error {
	if strings.Contains(name, "/") {
		return invalidf("name %q: it contains a slash", name)
	}
	return checkRefName(name)
}

// RemoveRemote forgets a remote and where its branches were. ErrNotFound if there
// is none of that name.
func (db *DB) RemoveRemote(ctx context.Context, name string) error {
	return opError("remove remote "+name, db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		if _, err := r.remote(ctx, name); err != nil {
			return err
		}
		tracked, err := r.trackedBranches(ctx, name)
		if err != nil {
			return err
		}
		for branch := range tracked {
			if err := r.edit(ctx, prolly.Edit{Key: trackedKey(name, branch)}); err != nil {
				return err
			}
		}
		return r.edit(ctx, prolly.Edit{Key: []byte(remotePrefix + name)})
	}))
}

// Remotes lists the remotes in the order of their names.
func (db *DB) Remotes(ctx context.Context) iter.Seq2[Remote, error] {
	return db.places(ctx, remotePrefix, "list remotes")
}

// places lists what was named with addPlace.
func (db *DB) places(ctx context.Context, prefix, op string) iter.Seq2[Remote, error] {
	return func(yield func(Remote, error) bool) {
		r, err := db.refs(ctx)
		if err != nil {
			yield(Remote{}, opError(op, err))
			return
		}
		for item, err := range r.names(ctx, prefix) {
			var rm Remote
			if err == nil {
				rm, err = r.loadPlace(ctx, string(item.Key), item.Value)
			}
			if !yield(rm, opError(op, err)) || err != nil {
				return
			}
		}
	}
}

// Remote returns the remote called name.
func (db *DB) Remote(ctx context.Context, name string) (Remote, error) {
	r, err := db.refs(ctx)
	if err != nil {
		return Remote{}, opError("read remote "+name, err)
	}
	rm, err := r.remote(ctx, name)
	return rm, opError("read remote", err)
}

// RemoteBranches lists where the branches of all remotes were when somebody last
// looked, in the order of their names.
func (db *DB) RemoteBranches(ctx context.Context) iter.Seq2[RemoteBranch, error] {
	return func(yield func(RemoteBranch, error) bool) {
		r, err := db.refs(ctx)
		if err != nil {
			yield(RemoteBranch{}, opError("list remote branches", err))
			return
		}
		for item, err := range r.names(ctx, trackedPrefix) {
			var b RemoteBranch
			if err == nil {
				b.Remote, b.Name, _ = strings.Cut(string(item.Key), "/")
				b.Head, err = decodeTagRef(item.Value)
			}
			if !yield(b, opError("list remote branches", err)) || err != nil {
				return
			}
		}
	}
}

func (r *refs) remote(ctx context.Context, name string) (Remote, error) {
	return r.place(ctx, remotePrefix, "remote", name)
}

// place returns what was named with addPlace.
func (r *refs) place(ctx context.Context, prefix, what, name string) (Remote, error) {
	value, ok, err := r.tree.Get(ctx, []byte(prefix+name))
	if err != nil {
		return Remote{}, err
	}
	if !ok {
		return Remote{}, fmt.Errorf("%s %s: %w; add it first", what, name, ErrNotFound)
	}
	return r.loadPlace(ctx, name, value)
}

func (r *refs) loadPlace(ctx context.Context, name string, value []byte) (Remote, error) {
	rm := Remote{Name: name}
	h, err := decodeTagRef(value)
	if err != nil {
		return rm, err
	}
	data, err := r.store.Get(ctx, h)
	if err != nil {
		return rm, err
	}
	_, payload, err := chunk.Decode(chunk.Settings, data)
	if err == nil {
		err = json.Unmarshal(payload, &rm)
	}
	if err != nil {
		return rm, fmt.Errorf("settings of %s: %w", name, err)
	}
	return rm, nil
}

func (r *refs) setPlace(ctx context.Context, prefix string, rm Remote) error {
	payload, err := json.Marshal(rm)
	if err != nil {
		return err
	}
	h, err := r.store.Put(ctx, chunk.Encode(chunk.Settings, nil, payload))
	if err != nil {
		return err
	}
	return r.edit(ctx, prolly.Edit{Key: []byte(prefix + rm.Name), Value: oneAddress(h)})
}

// oneAddress is the value of a ref that has one address.
func oneAddress(h hash.Hash) []byte { return append([]byte{1}, h[:]...) }

func trackedKey(remote, branch string) []byte { return []byte(trackedPrefix + remote + "/" + branch) }

// tracked returns where a remote's branch was; zero if that is not known.
func (r *refs) tracked(ctx context.Context, remote, branch string) (hash.Hash, error) {
	value, ok, err := r.tree.Get(ctx, trackedKey(remote, branch))
	if err != nil || !ok {
		return hash.Hash{}, err
	}
	return decodeTagRef(value)
}

func (r *refs) setTracked(ctx context.Context, remote, branch string, h hash.Hash) error {
	if was, err := r.tracked(ctx, remote, branch); err != nil || was == h {
		return err
	}
	e := prolly.Edit{Key: trackedKey(remote, branch)}
	if !h.IsZero() {
		e.Value = oneAddress(h)
	}
	return r.edit(ctx, e)
}

// trackedBranches returns where all branches of a remote were.
func (r *refs) trackedBranches(ctx context.Context, remote string) (map[string]hash.Hash, error) {
	tracked := map[string]hash.Hash{}
	for item, err := range r.names(ctx, trackedPrefix+remote+"/") {
		if err != nil {
			return nil, err
		}
		h, err := decodeTagRef(item.Value)
		if err != nil {
			return nil, err
		}
		tracked[string(item.Key)] = h
	}
	return tracked, nil
}

// trackedHead resolves the revision REMOTE/BRANCH.
func trackedHead(ctx context.Context, r *refs, name string) (hash.Hash, error) {
	remote, branch, ok := strings.Cut(strings.TrimPrefix(name, trackedPrefix), "/")
	if !ok {
		return hash.Hash{}, ErrNotFound
	}
	h, err := r.tracked(ctx, remote, branch)
	if err == nil && h.IsZero() {
		err = ErrNotFound
	}
	return h, err
}
