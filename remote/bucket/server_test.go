package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
	"github.com/vdbgo/vdb/remote/bucket"
)

func TestMain(m *testing.M) {
	os.Setenv("AWS_ACCESS_KEY_ID", "tester")
	os.Setenv("AWS_SECRET_ACCESS_KEY", "secret of the tester")
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(os.TempDir(), "none"))
	status := m.Run()
	if err := server.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// server is a real S3 server, built from the example's module and started by the first
// test that needs it.
var server s3Server

type s3Server struct {
	once    sync.Once
	dir     string
	address string
	process *exec.Cmd
	stdin   io.Closer
	err     error
}

func (s *s3Server) start() {
	if s.dir, s.err = os.MkdirTemp("", "s3server-*"); s.err != nil {
		return
	}
	program := filepath.Join(s.dir, "s3server.exe")
	build := exec.Command("go", "build", "-C", filepath.Join("..", "..", "examples", "bucket"), "-o", program, "./s3server")
	if out, err := build.CombinedOutput(); err != nil {
		s.err = fmt.Errorf("build the S3 server: %w: %s", err, out)
		return
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.err = err
		return
	}
	s.address = free.Addr().String()
	free.Close()
	if s.err = os.MkdirAll(filepath.Join(s.dir, "data", "databases"), 0o777); s.err != nil {
		return
	}
	s.process = exec.Command(program, "-dir", filepath.Join(s.dir, "data"), "-listen", s.address)
	s.process.Stderr = os.Stderr
	if s.stdin, s.err = s.process.StdinPipe(); s.err != nil {
		return
	}
	if s.err = s.process.Start(); s.err != nil {
		return
	}
	s.err = s.wait()
}

// wait returns when the server answers.
func (s *s3Server) wait() (err error) {
	b, err := bucket.Open("s3://databases/none?endpoint=http://"+s.address, nil)
	if err != nil {
		return err
	}
	for range 10 { // each tries for some seconds
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		_, err = b.Refs(ctx)
		cancel()
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("the S3 server does not answer: %w", err)
}

func (s *s3Server) stop() error {
	if s.process == nil || s.process.Process == nil {
		return os.RemoveAll(s.dir)
	}
	err := errors.Join(s.stdin.Close(), s.process.Wait())
	return errors.Join(err, os.RemoveAll(s.dir))
}

// place is a prefix in the server's bucket that nobody else has.
type place struct {
	t       testing.TB
	prefix  string
	address string
}

func newPlace(t testing.TB) place {
	t.Helper()
	server.once.Do(server.start)
	if server.err != nil {
		t.Fatal(server.err)
	}
	dir, err := os.MkdirTemp(filepath.Join(server.dir, "data", "databases"), "db-*")
	succeeds(t, err)
	return place{t, filepath.Base(dir), server.address}
}

func (p place) url() string {
	return fmt.Sprintf("s3://databases/%s?endpoint=http://%s&region=us-east-1", p.prefix, p.address)
}

// tables are the files in which the server keeps the tables.
func (p place) tables() []string {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(server.dir, "data", "databases", p.prefix, "tables", "*"))
	succeeds(p.t, err)
	return files
}

func succeeds(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fails(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

// options reach buckets.
func options(o *bucket.Options) *vdb.Options {
	if o == nil {
		o = &bucket.Options{}
	}
	o.Pause = 2 * time.Millisecond
	return &vdb.Options{Remotes: &remote.Options{Transports: map[string]remote.Transport{"s3": bucket.Transport(o)}}}
}

// box is a database that can reach buckets.
type box struct {
	*vdb.DB
	t testing.TB
}

func newBox(t testing.TB) box { return newBoxAt(t, options(nil)) }

func newBoxAt(t testing.TB, o *vdb.Options) box {
	t.Helper()
	db, err := vdb.Open(t.Context(), filepath.Join(t.TempDir(), "box"), o)
	succeeds(t, err)
	t.Cleanup(func() { db.Close() })
	b := box{db, t}
	succeeds(t, b.branch("main").Update(t.Context(), func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{
			Name:       "orders",
			Columns:    []vdb.Column{{Name: "id", Type: "INTEGER", NotNull: true}, {Name: "text", Type: "TEXT"}},
			PrimaryKey: []string{"id"},
		})
	}))
	b.commit("main", 0, 0)
	return b
}

func clone(t testing.TB, url string, o *vdb.CloneOptions) (box, error) {
	if o == nil {
		o = &vdb.CloneOptions{}
	}
	if o.Open == nil {
		o.Open = options(nil)
	}
	db, err := vdb.Clone(t.Context(), url, filepath.Join(t.TempDir(), "clone"), o)
	if err == nil {
		t.Cleanup(func() { db.Close() })
	}
	return box{db, t}, err
}

func mustClone(t testing.TB, url string, o *vdb.CloneOptions) box {
	t.Helper()
	b, err := clone(t, url, o)
	succeeds(t, err)
	return b
}

func (b box) branch(name string) *vdb.Branch {
	b.t.Helper()
	branch, err := b.Branch(b.t.Context(), name)
	succeeds(b.t, err)
	return branch
}

// commit adds rows from a number on to a branch, and commits.
func (b box) commit(branch string, from, n int) *vdb.Commit {
	b.t.Helper()
	br := b.branch(branch)
	succeeds(b.t, br.Update(b.t.Context(), func(tx *vdb.Tx) error {
		for i := range n {
			if err := tx.Put("orders", vdb.Row{vdb.Int(int64(from + i)), vdb.Text(fmt.Sprintf("order %d of %d", i, from))}); err != nil {
				return err
			}
		}
		return nil
	}))
	c, err := br.Commit(b.t.Context(), vdb.Message{Author: "Billing", Text: fmt.Sprintf("%d orders from %d", n, from), AllowEmpty: true})
	succeeds(b.t, err)
	return c
}
