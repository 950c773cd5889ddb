package vdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
)

// RecoverOptions of Recover. The zero value is good.
type RecoverOptions struct {
	// From are databases that may have what is lost: directories, backups, and what else
	// Clone and Backup take. Only what is needed is asked of them.
	From []string
	// Progress is called now and then with how much of a step is done: "read" counts the
	// bytes of the damaged files, "copy" chunks; then come the steps of DB.Check.
	Progress func(step string, done, total int64)
	// Open has the options for making the new database; its Remotes also say how From is
	// reached, and its FS has both directories.
	Open *Options
}

// Recovered is what Recover has found, and not found.
type Recovered struct {
	// Root is the address of the new database's whole state, as in BackupResult.
	Root Hash
	// Chunks were copied.
	Chunks int64
	// Remade are the chunks of indexes among them that were lost, and were made again of the
	// tables' rows.
	Remade int64
	// Files are the places in the damaged files where bytes are not what was written. What
	// was there may be stored elsewhere, or be used by nothing.
	Files []*DamageError
	// Doubt is nil if it is certain that the newest state was found, else why there may have
	// been a newer one. Of that the report cannot tell more. Where the end of the last append
	// to the journal was destroyed, and nothing else of it says so, it cannot be told
	// from one that a power failure has cut, which nobody was told of: that is no doubt.
	Doubt error
	// Lost are the chunks that nobody has any more, and what that hits, as in CheckReport.
	Lost []DamagedChunk
	// Refs are the refs that are not as they were.
	Refs []LostRef
	// Commits are those whose contents are lost.
	Commits []LostCommit
	// Mended are branches with what can be read of the newest state of others, of which a
	// part is lost.
	Mended []MendedBranch
	// Sources tells of each of RecoverOptions.From what it gave.
	Sources []RecoverSource
}

// LostRef is a ref that is not as it was.
type LostRef struct {
	// Ref is heads/NAME for a branch, tags/NAME for a tag, another key of the refs, or
	// "the reflog".
	Ref string
	// Old is the commit that it named, New the one that it names now; zero if it is gone.
	// Without an Old it is one that was not there: a branch recovered-…, made for commits of
	// which it is not known where they belong, because one that followed them cannot be read
	// or only another database still has them; or, if there is a Doubt, a ref of a remote.
	Old, New Hash
	// Commits are those of the branch's own line that it has lost, newest first, as far as
	// they are known.
	Commits []Hash
	// Tables are those of its head, or of its working set, of which a part is lost.
	Tables []string
	// Working: what was not committed is lost; the working set is what New has.
	// Merging: a merge was in progress that cannot go on.
	Working, Merging bool
}

// LostCommit is a commit whose contents are lost.
type LostCommit struct {
	Hash Hash
	// Tables are those of which a part is lost; none if that cannot be told.
	Tables []string
}

// RecoverSource is one of RecoverOptions.From.
type RecoverSource struct {
	URL string
	// Chunks came from there that are nowhere else.
	Chunks int64
	// Err is why it may not have given all that it has.
	Err error
}

// Whole tells whether nothing is lost, and that this is certain.
func (r *Recovered) Whole() bool {
	return r.Doubt == nil && len(r.Lost)+len(r.Refs)+len(r.Commits) == 0
}

// Recover makes a new database in the directory to, of all that is whole in the damaged one
// in from, whatever is damaged there: it reads all files from their start to their end.
// What is lost it takes from databases that have it, see RecoverOptions.From. The damaged
// directory is only read. Each chunk is compared with its address.
//
// Commits keep their hashes. A branch whose head is lost goes back to its newest commit
// that is whole, by first parents, else by the reflog; a working set that is lost becomes
// that commit's. What can be read of the state that is lost becomes a branch mended-NAME,
// one commit ahead: rows that are lost are there as they were in the older commit. Indexes
// that are lost are made again. A tag whose commit is lost is gone. If contents of a commit in the middle of history are
// lost, history goes on at the commits before it. The report says all that; nothing
// is dropped without it.
//
// The new database has passed DB.Check when Recover returns without an error. What an
// error, or the death of the process, leaves cannot be opened, or is an empty directory.
// ErrExists if to is there and not empty; ErrNotFound if no commit is whole.
func Recover(ctx context.Context, from, to string, o *RecoverOptions) (*Recovered, error) {
	x := &recovery{ctx: ctx, report: &Recovered{}}
	if o != nil {
		x.RecoverOptions = *o
	}
	if x.Open == nil {
		x.Open = &Options{}
	}
	err := x.run(from, to)
	if err != nil {
		return nil, opError("recover "+from, err)
	}
	return x.report, nil
}

// recovery is a Recover at work.
type recovery struct {
	RecoverOptions
	ctx    context.Context
	report *Recovered
	store  *pieces
	refs   *refs // of the newest root that can be read
	grafts *graftSet

	whole   map[hash.Hash]bool // chunks, with all that they lead to; commits with their contents
	history map[hash.Hash]*pastCommit
	edits   map[string][]byte // of refs; nil removes one
	mends   []*mend
	final   *graftSet // grafts of the new database; nil if they are as they were
	log     reflog    // of the new database
	moves   []RefMove // that recovery makes
}

func (x *recovery) run(from, to string) (err error) {
	if err := x.mustBeEmpty(to); err != nil {
		return err
	}
	found, err := nbs.OpenSalvage(x.ctx, from, &nbs.SalvageOptions{FS: x.Open.FS, Progress: func(done, total int64) { x.tell("read", done, total) }})
	if err != nil {
		return err
	}
	x.store = &pieces{found: found}
	defer func() { err = errors.Join(err, x.store.close()) }()
	x.report.Files = found.Damage()
	if err := x.store.lend(x.ctx, x.From, x.Open); err != nil {
		return err
	}
	x.forget()
	if err := x.chooseRoot(); err != nil {
		return err
	}
	if err := x.survey(); err != nil {
		return err
	}
	if err := x.decide(); err != nil {
		return err
	}
	if err := x.tellLost(); err != nil {
		return err
	}
	x.report.Sources = x.store.reports()
	if x.store.own != nil {
		x.report.Remade = int64(len(x.store.own.gave))
	}
	return x.write(to)
}

func (x *recovery) tell(step string, done, total int64) {
	if x.Progress != nil {
		x.Progress(step, done, total)
	}
}

// forget forgets what is not whole: more chunks have come.
func (x *recovery) forget() {
	if x.whole == nil {
		x.whole = map[hash.Hash]bool{}
	}
	for h, whole := range x.whole {
		if !whole {
			delete(x.whole, h)
		}
	}
	x.history = map[hash.Hash]*pastCommit{}
	x.store.forget()
}

// chooseRoot finds the newest root whose refs can all be read.
func (x *recovery) chooseRoot() error {
	found := x.store.found
	x.report.Doubt = found.Doubt()
	var roots []hash.Hash
	if x.report.Doubt != nil {
		roots = append(roots, found.Unconfirmed()...)
	}
	for _, r := range found.Roots() {
		roots = append(roots, r.Root)
	}
	first := len(roots) - len(found.Roots()) // the newest one that is recorded
	for i, h := range roots {
		r, err := x.readableRefs(h)
		if x.ctx.Err() != nil {
			return x.ctx.Err()
		}
		if errors.Is(err, ErrNotDatabase) && x.report.Doubt == nil {
			return err
		}
		if err != nil && i >= first && x.report.Doubt == nil {
			x.report.Doubt = fmt.Errorf("the newest refs cannot be read: %w", err)
		}
		if err == nil {
			x.refs = r
			break
		}
	}
	switch {
	case x.report.Doubt != nil:
		return x.chooseOlderRoot()
	case x.refs == nil:
		return fmt.Errorf("nothing was ever written: %w", ErrNotDatabase)
	}
	return nil
}

// chooseOlderRoot looks for newer refs than those that were found, in sources and, if there
// are none at all, among all chunks: it is not certain which are the newest.
func (x *recovery) chooseOlderRoot() error {
	candidates := x.store.roots()
	if x.refs == nil {
		for h := range x.store.found.Chunks() {
			if data, err := x.store.found.Get(x.ctx, h); err == nil && isRoot(data) {
				candidates = append(candidates, h)
			}
		}
	} else {
		known := map[hash.Hash]bool{}
		for _, r := range x.store.found.Roots() {
			known[r.Root] = true
		}
		candidates = slices.DeleteFunc(candidates, func(h hash.Hash) bool { return known[h] }) // no newer
	}
	slices.SortFunc(candidates, hash.Hash.Compare)
	for _, h := range slices.Compact(candidates) {
		r, err := x.readableRefs(h)
		if err == nil && (x.refs == nil || x.lastMove(r).After(x.lastMove(x.refs))) {
			x.refs = r
		}
	}
	if x.refs == nil {
		return errors.Join(x.ctx.Err(), fmt.Errorf("no list of branches can be read: %w; restore a backup: %w", x.report.Doubt, ErrNotFound))
	}
	return x.ctx.Err()
}

// readableRefs returns the refs of a root if all of them can be read.
func (x *recovery) readableRefs(root hash.Hash) (*refs, error) {
	data, err := x.store.Get(x.ctx, root)
	switch {
	case err != nil:
	case isPatch(data):
		root, err = x.store.settle(x.ctx, root)
	case !isRoot(data):
		err = fmt.Errorf("chunk %s is no root", root)
	}
	if err != nil {
		return nil, err
	}
	r, err := loadRefs(x.ctx, x.store, root)
	if err != nil {
		return nil, err
	}
	if _, err := r.items(x.ctx); err != nil {
		return nil, err
	}
	has, err := r.hasBranches(x.ctx)
	if err == nil && !has {
		err = fmt.Errorf("there is no branch, it is a clone that was cut: %w", ErrNotDatabase)
	}
	return r, err
}

// lastMove is when a ref has moved last.
func (x *recovery) lastMove(r *refs) (last time.Time) {
	for m, err := range r.log.moves(x.ctx, x.store) {
		if err == nil {
			last = m.Time
		}
		break
	}
	return last
}

// mustBeEmpty refuses a directory that holds something.
func (x *recovery) mustBeEmpty(to string) error {
	names, err := x.filesOf(to)
	if err == nil && len(names) > 0 {
		err = orExists(nil, to)
	}
	return err
}

// fs is where both directories are.
func (x *recovery) fs() nbs.FS {
	if x.Open.FS != nil {
		return x.Open.FS
	}
	return nbs.OS()
}

// filesOf lists a directory; nothing if it is missing.
func (x *recovery) filesOf(dir string) (names []string, err error) {
	entries, err := x.fs().ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// write makes the new database. What an error leaves of it is removed.
func (x *recovery) write(to string) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, x.removeAll(to))
		}
	}()
	o := *x.Open
	o.ReadOnly, o.CollectGrowth = false, -1
	db, err := openStore(x.ctx, to, &o)
	if err != nil {
		return err
	}
	return errors.Join(x.fill(db), db.Close())
}

// removeAll removes what was made of the new database.
func (x *recovery) removeAll(to string) error {
	names, err := x.filesOf(to)
	for _, name := range names {
		err = errors.Join(err, x.fs().Remove(filepath.Join(to, name)))
	}
	return err
}
