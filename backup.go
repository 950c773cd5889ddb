package vdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// BackupOptions of DB.Backup and RestoreBackup. The zero value is good.
type BackupOptions struct {
	// Progress is called now and then with the chunks that were copied and those there
	// are to copy. As in FetchOptions the total never shrinks, and may still grow by values
	// out of line.
	Progress func(copied, total int64)
	// Open has the options for opening the backup, if that is a directory, or what
	// RestoreBackup has made; there its Remotes also say how to reach the backup.
	Open *Options
}

// BackupResult tells what a backup holds.
type BackupResult struct {
	// Root is the address of the whole state: all refs, working sets and the reflog.
	Root Hash
	// Chunks were copied; the others were there.
	Chunks int64
}

// Backup makes the place at a URL a copy of the database as it is now: all branches with
// their working sets, tags, and the reflog. The place is a directory, or a bucket if
// Options.Remotes has its transport. It must be missing, empty, or a backup made before:
// then only what is new is copied. Reads and writes go on meanwhile; the backup is of one
// moment. Each chunk is compared with its address on the way.
//
// remote.ErrOtherDatabase if the place has backups of another database. What is restored
// from a backup counts as the database that it is of: only one of the two should go on
// with backups to the same place.
//
// Until it is complete the place holds the backup before. Who is cut goes on from there
// with the next one.
func (db *DB) Backup(ctx context.Context, url string, o *BackupOptions) (*BackupResult, error) {
	if o == nil {
		o = &BackupOptions{}
	}
	whose, err := db.identity(ctx)
	if err != nil {
		return nil, opError("backup", err)
	}
	r, err := db.refs(ctx)
	if err != nil {
		return nil, opError("backup", err)
	}
	result := &BackupResult{Root: r.root}
	if path, isPath := remote.LocalPath(url); isPath {
		err = r.backupTo(ctx, path, whose, result, o)
	} else {
		err = db.backupFar(ctx, r, url, whose, result, o)
	}
	if err != nil {
		return nil, opError("backup", err)
	}
	return result, nil
}

// AddBackup gives a name to a place for backups, for those who make them: DB.Backup takes
// the URL. Credentials in the URL are not kept. ErrExists if the name is taken,
// remote.ErrURL if the URL is none.
func (db *DB) AddBackup(ctx context.Context, name, url string) error {
	return opError("add backup "+name, db.addPlace(ctx, backupPrefix, name, url))
}

// RemoveBackup forgets the name of a place for backups. What is in the place stays.
// ErrNotFound if there is none of that name.
func (db *DB) RemoveBackup(ctx context.Context, name string) error {
	return opError("remove backup "+name, db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		if _, err := r.place(ctx, backupPrefix, "backup", name); err != nil {
			return err
		}
		return r.edit(ctx, prolly.Edit{Key: []byte(backupPrefix + name)})
	}))
}

// Backups lists the places for backups that have names, in the order of these.
func (db *DB) Backups(ctx context.Context) iter.Seq2[Remote, error] {
	return db.places(ctx, backupPrefix, "list backups")
}

// BackupURL returns the URL of the place for backups that is called name. ErrNotFound if
// there is none.
func (db *DB) BackupURL(ctx context.Context, name string) (string, error) {
	r, err := db.refs(ctx)
	if err != nil {
		return "", opError("read backup "+name, err)
	}
	place, err := r.place(ctx, backupPrefix, "backup", name)
	return place.URL, opError("read", err)
}

// RestoreBackup makes a database in the directory path of a backup, and opens it. The
// directory must be missing, empty, or hold a restored backup that was cut: that goes
// on where it was. ErrExists if it holds a database.
func RestoreBackup(ctx context.Context, url, path string, o *BackupOptions) (*DB, error) {
	if o == nil {
		o = &BackupOptions{}
	}
	open := o.Open
	if open == nil {
		open = &Options{}
	}
	op := "restore backup to " + path
	db, err := openBackup(ctx, url, open.Remotes, func(root hash.Hash, fetch fetchFunc) (*DB, error) {
		db, err := openStore(ctx, path, open)
		if err != nil {
			return nil, err
		}
		if err := db.beRestored(ctx, root, fetch, o); err != nil {
			return nil, errors.Join(err, db.Close())
		}
		return db, nil
	})
	return db, opError(op, err)
}

// backupMark is a file that tells a backup from a database that is in use.
const backupMark = "backup"

// backupTo makes a directory the copy.
func (r *refs) backupTo(ctx context.Context, path string, whose identity, result *BackupResult, o *BackupOptions) (err error) {
	target, err := openStore(ctx, path, o.Open)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	fsys := nbs.OS()
	if o.Open != nil && o.Open.FS != nil {
		fsys = o.Open.FS
	}
	if err := target.beBackup(ctx, fsys); err != nil {
		return err
	}
	result.Chunks, err = target.mirror(ctx, r.root, r.planned, whose.mayFollow, o)
	return err
}

// beBackup refuses a directory with a database, and marks a new one.
func (db *DB) beBackup(ctx context.Context, fsys nbs.FS) error {
	files, err := fsys.ReadDir(db.path)
	if err != nil || slices.ContainsFunc(files, func(f fs.DirEntry) bool { return f.Name() == backupMark }) {
		return err
	}
	r, err := db.refs(ctx)
	if err != nil {
		return err
	}
	if has, err := r.hasBranches(ctx); has || err != nil {
		return orExists(err, "a database, not a backup,")
	}
	mark, err := fsys.OpenFile(filepath.Join(db.path, backupMark), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = mark.WriteAt([]byte("This database is a backup. The next one replaces its contents.\n"), 0)
	return errors.Join(err, mark.Sync(), mark.Close(), fsys.SyncDir(db.path))
}

func (db *DB) beRestored(ctx context.Context, root hash.Hash, fetch fetchFunc, o *BackupOptions) error {
	r, err := db.refs(ctx)
	if err != nil {
		return err
	}
	if has, err := r.hasBranches(ctx); has || err != nil {
		return orExists(err, "a database")
	}
	_, err = db.mirror(ctx, root, fetch, func(context.Context, *refs) error { return nil }, o)
	return err
}

// fetchFunc yields what a request asks for, as remote.Remote's Fetch.
type fetchFunc = func(context.Context, remote.FetchRequest) iter.Seq2[remote.Chunk, error]

// mirror copies what a root leads to, and makes it the root, if may allows it in the
// place of the one before.
func (db *DB) mirror(ctx context.Context, root hash.Hash, fetch fetchFunc, may func(context.Context, *refs) error, o *BackupOptions) (copied int64, err error) {
	in, err := db.newIntake(ctx, transferID("backup"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	r, err := db.refs(ctx)
	if err != nil {
		return 0, err
	}
	if r.root == root {
		return 0, nil
	}
	if err := may(ctx, r); err != nil {
		return 0, err
	}
	req := remote.FetchRequest{Wants: []hash.Hash{root}, Local: r.source()}
	if req.Haves, err = r.known(ctx); err != nil {
		return 0, err
	}
	req.Haves = append(req.Haves, in.tops...)
	if req.Grafts, err = r.graftList(ctx); err != nil {
		return 0, err
	}
	deepen(&req)
	err = in.receive(ctx, req.Grafts, 0, func(ctx context.Context, rc *remote.Receiver) iter.Seq2[remote.Chunk, error] {
		var total atomic.Int64 // the chunks are read by another goroutine
		req.Header = func(h remote.FetchHeader) error {
			total.Store(h.Chunks)
			rc.Announce(h.Chunks)
			rc.Cut(h.Grafts)
			return nil
		}
		req.Progress = total.Store
		if o.Progress != nil {
			rc.Progress = func(received int64) { o.Progress(received, total.Load()) }
		}
		return fetch(ctx, req)
	})
	if err != nil {
		return 0, err
	}
	return in.rc.Count(), in.become(ctx, root, may)
}

// deepen asks for what has come to the history of commits that the receiver has: a copy
// has the sender's grafts, and needs all that they lead to.
func deepen(req *remote.FetchRequest) {
	if len(req.Grafts) == 0 {
		return
	}
	req.Depth = FullDepth
	req.Grafts = slices.Clone(req.Grafts)
	for i := range req.Grafts {
		req.Grafts[i].Detail = nil
	}
}

// become makes what has arrived durable, and root the database's.
func (in *intake) become(ctx context.Context, root hash.Hash, may func(context.Context, *refs) error) error {
	release, err := in.im.Settle(ctx)
	if err != nil {
		return err
	}
	w := in.im.Writer()
	err = in.db.blocks.Commit(ctx, w, func(ctx context.Context, before hash.Hash) (hash.Hash, error) {
		r, err := in.db.settledRefs(ctx, w, before, nil)
		if err == nil {
			err = may(ctx, r) // somebody may have been faster
		}
		return root, err
	})
	if err == nil {
		in.db.moved.broadcast()
	}
	return errors.Join(err, release())
}

// known returns the root and what branches and tags stand for.
func (r *refs) known(ctx context.Context) ([]hash.Hash, error) {
	var known []hash.Hash
	if !r.root.IsZero() {
		known = append(known, r.root)
	}
	for item, err := range r.chosen(ctx, nil) {
		if err != nil {
			return nil, err
		}
		ref, err := r.shown(ctx, item)
		if err != nil {
			return nil, err
		}
		known = append(known, ref.Commit)
	}
	return known, nil
}

// planned yields what a request asks for of these refs.
func (r *refs) planned(ctx context.Context, req remote.FetchRequest) iter.Seq2[remote.Chunk, error] {
	return remote.NewPlan(r.source(), r.graftAt, req).Serve(ctx)
}

// openBackup calls fn with what the backup at a URL holds.
func openBackup(ctx context.Context, url string, o *remote.Options, fn func(root hash.Hash, fetch fetchFunc) (*DB, error)) (_ *DB, err error) {
	far, err := dial(ctx, url, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, far.Close()) }()
	if d, isDirectory := far.(directory); isDirectory {
		r, err := d.db.refs(ctx)
		if err != nil {
			return nil, err
		}
		if has, err := r.hasBranches(ctx); !has || err != nil {
			return nil, errors.Join(err, fmt.Errorf("%s: no backup was completed there: %w", d.db.path, remote.ErrNoDatabase))
		}
		return fn(r.root, r.planned)
	}
	shown, err := far.Refs(ctx)
	if err != nil {
		return nil, err
	}
	if shown.Root.IsZero() {
		return nil, fmt.Errorf("there is no backup: %w; a database that was pushed can be cloned", remote.ErrNoDatabase)
	}
	return fn(shown.Root, far.Fetch)
}

// backupFar makes a remote the copy.
func (db *DB) backupFar(ctx context.Context, r *refs, url string, whose identity, result *BackupResult, o *BackupOptions) (err error) {
	far, err := dial(ctx, url, db.remotes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, far.Close()) }()
	if _, mirrors := far.(remote.Mirror); !mirrors {
		return fmt.Errorf("a backup goes to a directory or a bucket: %w", remote.ErrURL)
	}
	shown, err := far.Refs(ctx)
	if err != nil || shown.Root == r.root {
		return err
	}
	req := remote.FetchRequest{Wants: []hash.Hash{r.root}, Haves: []hash.Hash{shown.Root}, Grafts: shown.Grafts}
	for _, ref := range shown.Refs {
		req.Haves = append(req.Haves, ref.Commit)
	}
	deepen(&req)
	plan := remote.NewPlan(r.source(), r.graftAt, req)
	header, err := plan.Header(ctx)
	if err != nil {
		return err
	}
	pushed := remote.PushRequest{ID: transferID("backup", r.root.String()), Total: header.Chunks, Grafts: header.Grafts, Root: r.root, Database: whose.String()}
	if pushed.Updates, err = r.mirrored(ctx, shown); err != nil {
		return err
	}
	p := &push{db: db, o: &PushOptions{Progress: o.Progress}}
	sending := p.counted(ctx, plan, header.Chunks)
	pushed.Chunks = func(yield func(remote.Chunk, error) bool) {
		for c, err := range sending {
			if err == nil {
				result.Chunks++
			}
			if !yield(c, err) {
				return
			}
		}
	}
	return far.Push(ctx, pushed)
}

// mirrored returns the updates that make a remote's branches and tags those here.
func (r *refs) mirrored(ctx context.Context, shown *remote.Refs) ([]remote.Update, error) {
	gone := map[string]hash.Hash{}
	for _, ref := range shown.Refs {
		gone[ref.Name] = ref.Hash
	}
	var updates []remote.Update
	for item, err := range r.chosen(ctx, nil) {
		if err != nil {
			return nil, err
		}
		ref, err := r.shown(ctx, item)
		if err != nil {
			return nil, err
		}
		if gone[ref.Name] != ref.Hash {
			updates = append(updates, remote.Update{Name: ref.Name, Old: gone[ref.Name], New: ref.Hash, Rule: remote.Force})
		}
		delete(gone, ref.Name)
	}
	for name, old := range gone {
		updates = append(updates, remote.Update{Name: name, Old: old, Rule: remote.Force})
	}
	return updates, nil
}
