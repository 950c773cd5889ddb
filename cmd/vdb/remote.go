package main

import (
	"context"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
	"github.com/vdbgo/vdb/remote/bucket"
)

// reach are the flags of commands that reach other databases.
type reach struct {
	Header []string `arg:"--header,separate" placeholder:"NAME:VALUE" help:"A header for requests over HTTP, such as Authorization."`
}

func (r *reach) options() *remote.Options {
	s3 := map[string]remote.Transport{"s3": bucket.Transport(nil)}
	return &remote.Options{Transports: s3, Header: func(context.Context, *url.URL) (http.Header, error) {
		h := http.Header{}
		for _, line := range r.Header {
			name, value, found := strings.Cut(line, ":")
			if !found {
				return nil, fmt.Errorf("a header is NAME:VALUE")
			}
			h.Add(textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value))
		}
		return h, nil
	}}
}

// open opens the database at path.
func (r *reach) open(ctx context.Context, path string) (*vdb.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return openExisting(ctx, path, false) // says what is wrong
	}
	return vdb.Open(ctx, path, &vdb.Options{Remotes: r.options()})
}

// chunkBar shows the progress of a transfer.
func chunkBar(con *console, what string) (progress func(done, total int64), finish func()) {
	var b *progressbar.ProgressBar
	return func(done, total int64) {
			if b == nil {
				b = bar(con, total, what)
			}
			b.ChangeMax64(total)
			_ = b.Set64(done) // what is shown of it does not matter
		}, func() {
			if b != nil {
				_ = b.Finish()
			}
		}
}

type cloneCmd struct {
	URL    string   `arg:"positional,required" placeholder:"URL" help:"Where the database is: a directory, file://, http:// or https://."`
	DB     string   `arg:"positional,required" placeholder:"DB" help:"The database to be made."`
	Branch []string `arg:"-b,--branch,separate" help:"A branch to clone; all if left out."`
	Depth  int      `arg:"--depth" help:"How many commits of its history to clone; all if left out."`
	Remote string   `arg:"--remote" default:"origin" help:"What to call the remote."`
	reach
}

// Run clones a database.
func (c *cloneCmd) Run(ctx context.Context, con *console) error {
	progress, finish := chunkBar(con, "clone")
	db, err := vdb.Clone(ctx, c.URL, c.DB, &vdb.CloneOptions{
		Branches: c.Branch, Depth: c.Depth, Remote: c.Remote, Progress: progress, Open: &vdb.Options{Remotes: c.options()},
	})
	finish()
	if err != nil {
		return err
	}
	defer db.Close()
	return listBranches(ctx, con.out, db)
}

type remoteCmd struct {
	DB     string `arg:"positional,required" placeholder:"DB" help:"The database."`
	Name   string `arg:"positional" placeholder:"NAME" help:"A name for another database."`
	URL    string `arg:"positional" placeholder:"URL" help:"Where that is."`
	Delete string `arg:"-d,--delete" placeholder:"NAME" help:"Forget a remote."`
}

// Run lists, names or forgets remotes.
func (c *remoteCmd) Run(ctx context.Context, con *console) error {
	if (c.Name == "") != (c.URL == "") || c.Name != "" && c.Delete != "" {
		return fmt.Errorf("remote: either a name and a URL, or one to delete")
	}
	db, err := openExisting(ctx, c.DB, c.Name == "" && c.Delete == "")
	if err != nil {
		return err
	}
	defer db.Close()
	switch {
	case c.Delete != "":
		return db.RemoveRemote(ctx, c.Delete)
	case c.Name != "":
		return db.AddRemote(ctx, c.Name, c.URL)
	}
	for r, err := range db.Remotes(ctx) {
		if err != nil {
			return err
		}
		fmt.Fprintf(con.out, "%s  %s\n", r.Name, r.URL)
	}
	return nil
}

type fetchCmd struct {
	DB     string   `arg:"positional,required" placeholder:"DB" help:"The database."`
	Remote string   `arg:"positional" placeholder:"REMOTE" default:"origin" help:"The remote."`
	Branch []string `arg:"positional" placeholder:"BRANCH" help:"Branches; all if left out."`
	Depth  int      `arg:"--depth" help:"How many commits of history to fetch."`
	Prune  bool     `arg:"-p,--prune" help:"Forget branches that the remote no longer has."`
	reach
}

// Run fetches from a remote.
func (c *fetchCmd) Run(ctx context.Context, con *console) error {
	db, err := c.open(ctx, c.DB)
	if err != nil {
		return err
	}
	defer db.Close()
	progress, finish := chunkBar(con, "fetch")
	result, err := db.Fetch(ctx, c.Remote, &vdb.FetchOptions{Branches: c.Branch, Depth: c.Depth, Prune: c.Prune, Progress: progress})
	finish()
	if err != nil {
		return err
	}
	for _, b := range result.Updated {
		fmt.Fprintf(con.out, "%s/%s  %s\n", b.Remote, b.Name, b.Head.String()[:10])
	}
	for _, name := range result.Pruned {
		fmt.Fprintf(con.out, "%s/%s  is gone\n", c.Remote, name)
	}
	return nil
}

type pushCmd struct {
	DB     string   `arg:"positional,required" placeholder:"DB" help:"The database."`
	Remote string   `arg:"positional" placeholder:"REMOTE" default:"origin" help:"The remote."`
	Branch []string `arg:"positional" placeholder:"BRANCH" help:"Branches, NAME or HERE:THERE; all if left out."`
	Force  bool     `arg:"-f,--force" help:"Move the remote's branches even if that loses commits there."`
	Lease  bool     `arg:"--force-with-lease" help:"As force, but only if they are where the last fetch saw them."`
	Delete []string `arg:"-d,--delete,separate" placeholder:"NAME" help:"Branches of the remote to remove."`
	Tag    []string `arg:"-t,--tag,separate" placeholder:"NAME" help:"Tags to push."`
	reach
}

// Run pushes to a remote.
func (c *pushCmd) Run(ctx context.Context, con *console) error {
	if err := exclusive(c.Force, c.Lease, "--force and --force-with-lease"); err != nil {
		return err
	}
	db, err := c.open(ctx, c.DB)
	if err != nil {
		return err
	}
	defer db.Close()
	progress, finish := chunkBar(con, "push")
	err = db.Push(ctx, c.Remote, &vdb.PushOptions{
		Branches: c.Branch, Force: c.Force, ForceWithLease: c.Lease, Delete: c.Delete, Tags: c.Tag, Progress: progress,
	})
	finish()
	return err
}

type pullCmd struct {
	DB     string `arg:"positional,required" placeholder:"DB" help:"The database."`
	Remote string `arg:"positional" placeholder:"REMOTE" default:"origin" help:"The remote."`
	Branch string `arg:"positional" placeholder:"BRANCH" default:"main" help:"The branch, here and there."`
	Ours   bool   `arg:"--ours" help:"Settle conflicts as they are here."`
	Theirs bool   `arg:"--theirs" help:"Settle conflicts as they are there."`
	reach
}

// Run fetches a branch and merges it.
func (c *pullCmd) Run(ctx context.Context, con *console) error {
	if err := exclusive(c.Ours, c.Theirs, "--ours and --theirs"); err != nil {
		return err
	}
	db, err := c.open(ctx, c.DB)
	if err != nil {
		return err
	}
	defer db.Close()
	b, err := db.Branch(ctx, c.Branch)
	if err != nil {
		return err
	}
	o := &vdb.MergeOptions{OrNothing: true}
	switch {
	case c.Ours:
		o.Take = vdb.Ours
	case c.Theirs:
		o.Take = vdb.Theirs
	}
	progress, finish := chunkBar(con, "pull")
	head, err := b.Pull(ctx, c.Remote, &vdb.PullOptions{Progress: progress, Merge: o})
	finish()
	if err != nil {
		return err
	}
	fmt.Fprintf(con.out, "%s  %s %s\n", c.Branch, head.Short(), head.Subject())
	return nil
}
