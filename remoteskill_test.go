package vdb_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/child"
	"github.com/vdbgo/vdb/remote"
)

// transferChild is the role of a child that does something with the database in a
// directory and one somewhere else: "verb|URL|directory". A clone may be there already:
// the child before it can have been killed when all was done.
func transferChild(_ int, path string) (err error) {
	ctx := context.Background()
	what := strings.Split(path, "|")
	verb, url, dir := what[0], what[1], what[2]
	if verb == "clone" {
		fmt.Println("begun")
		db, err := vdb.Clone(ctx, url, dir, nil)
		if errors.Is(err, vdb.ErrExists) {
			return nil
		} else if err != nil {
			return err
		}
		return db.Close()
	}
	db, err := vdb.Open(ctx, dir, nil)
	if err != nil {
		return err
	}
	fmt.Println("begun")
	switch verb {
	case "fetch":
		_, err = db.Fetch(ctx, "origin", nil)
	case "push":
		err = db.Push(ctx, "origin", nil)
		if errors.Is(err, remote.ErrMoved) { // the far end has just taken what the child before sent
			err = db.Push(ctx, "origin", nil)
		}
	case "backup":
		_, err = db.Backup(ctx, url, nil)
	}
	return errors.Join(err, db.Close())
}

// serveChild is the role of a child that serves the database in a directory and prints
// its URL.
func serveChild(_ int, dir string) error {
	db, err := vdb.Open(context.Background(), dir, nil)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	return http.Serve(l, remote.Handler(db, &remote.HandlerOptions{
		Allow: func(*http.Request) (remote.Access, error) { return remote.FullAccess(), nil },
	}))
}

// killedAfter runs a child and kills it some time after its first line. It returns how
// long it has run since then, and whether it ended by itself before.
func killedAfter(t *testing.T, cmd *exec.Cmd, after time.Duration) (took time.Duration, ended bool) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	succeeds(t, err)
	succeeds(t, cmd.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	begin := time.Now()
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if wait := cmd.Wait(); err != nil || wait != nil && !strings.Contains(wait.Error(), "killed") {
		t.Fatalf("the child: %v, %v", err, wait)
	} else if wait != nil {
		return time.Since(begin), false
	}
	return time.Since(begin), true
}

// photos commits rows that are too large for a journal alone, and do not pack.
func (b box) photos(r *rand.Rand, from int) {
	b.t.Helper()
	succeeds(b.t, b.branch("main").Update(b.t.Context(), func(tx *vdb.Tx) error {
		for i := range 9 {
			photo := make([]byte, 1<<20)
			for j := 0; j < len(photo); j += 4 {
				binary.LittleEndian.PutUint32(photo[j:], r.Uint32())
			}
			if err := tx.Put("customers", vdb.Row{vdb.Int(int64(from + i)), vdb.Null(), vdb.Bytes(photo)}); err != nil {
				return err
			}
		}
		return nil
	}))
	b.commit("photos")
}

func (b box) mustBeWhole() {
	b.t.Helper()
	report, err := b.Check(b.t.Context(), nil)
	succeeds(b.t, err)
	if !report.OK() {
		b.t.Fatalf("check: %+v", report)
	}
}

// kills is how often each transfer is killed.
func kills() int {
	if *soak {
		return 10
	}
	return 1
}

// Clients that are killed in the middle of anything leave both sides whole, and the next
// one succeeds.
func TestClientKilled(t *testing.T) {
	for _, verb := range []string{"clone", "fetch", "push", "backup"} {
		t.Run(verb, func(t *testing.T) { killClients(t, verb) })
	}
}

func killClients(t *testing.T, verb string) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	here := newBox(t, 300)
	s := here.serve(nil)
	there := here.cloneURL(s.URL, nil)
	source, url, dir := here, s.URL, there.Path()
	switch verb {
	case "push":
		source = there
	case "backup":
		url, dir = filepath.Join(t.TempDir(), "backup"), here.Path()
	}
	took := 150 * time.Millisecond
	for n := range kills() {
		source.photos(r, 10_000*(n+1))
		if verb == "clone" {
			dir = filepath.Join(t.TempDir(), "clone")
		}
		run := func(after time.Duration) (ended bool) {
			lasted, ended := killedAfter(t, child.Command("transfer", 0, verb+"|"+url+"|"+dir), after)
			if ended {
				took = max(lasted, time.Millisecond)
			}
			return ended
		}
		after := time.Duration(r.Int64N(int64(took)))
		t.Logf("killed after %v: %v", after, !run(after))
		switch verb {
		case "fetch":
			there.mustBeWhole()
		case "push":
			here.mustBeWhole()
		}
		if !run(time.Minute) {
			t.Fatal("it has not ended")
		}
		switch verb {
		case "clone", "fetch":
			db, err := vdb.Open(t.Context(), dir, nil)
			succeeds(t, err)
			(box{db, t}).mustBeWhole()
			if got, err := db.Resolve(t.Context(), "origin/main"); err != nil || got.Hash != here.head("main") {
				t.Errorf("%v, %v came", got, err)
			}
			if got, err := db.Resolve(t.Context(), "main"); verb == "clone" && (err != nil || got.Hash != here.head("main")) {
				t.Errorf("main of the clone is %v, %v", got, err)
			}
			succeeds(t, db.Close())
		case "push":
			here.mustBeWhole()
			here.mustEqual(there, "main")
		case "backup":
			restored := here.restored(url)
			restored.mustBeWhole()
			restored.mustEqual(here, "main")
		}
	}
}

// Servers that are killed in the middle of a clone, a fetch or a push leave both sides
// whole, and with the next server the same call succeeds.
func TestServerKilled(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	here := newBox(t, 300)
	took := 200 * time.Millisecond
	o := &vdb.Options{Remotes: &remote.Options{Attempts: 1}}
	var dir string
	var there *vdb.DB
	defer func() {
		if there != nil {
			there.Close()
		}
	}()
	clone := func(url string) (err error) {
		there, err = vdb.Clone(t.Context(), url, dir, &vdb.CloneOptions{Open: o})
		return err
	}
	fetch := func(url string) error {
		_ = there.RemoveRemote(t.Context(), "origin")
		succeeds(t, there.AddRemote(t.Context(), "origin", url))
		_, err := there.Fetch(t.Context(), "origin", nil)
		return err
	}
	push := func(url string) error {
		_ = there.RemoveRemote(t.Context(), "origin")
		succeeds(t, there.AddRemote(t.Context(), "origin", url))
		return there.Push(t.Context(), "origin", &vdb.PushOptions{Branches: []string{"main:work"}, Force: true})
	}
	for round := range kills() {
		here.photos(r, 10_000*(round+1))
		dir = filepath.Join(t.TempDir(), "clone")
		for n, do := range []func(string) error{clone, fetch, push} {
			if there != nil {
				here.photos(r, 10_000*(round+1)+100)
				(box{there, t}).photos(r, 10_000*(round+1)+200)
			}
			begin := time.Now()
			after := time.Duration(r.Int64N(int64(took)))
			err := here.servedUntil(after, do)
			t.Logf("killed after %v: %v", after, err)
			if err != nil && !errors.Is(err, remote.ErrInterrupted) && !errors.Is(err, remote.ErrNoDatabase) {
				t.Errorf("error is %v", err)
			}
			if err == nil {
				took = max(time.Since(begin)/2, time.Millisecond)
			}
			here.mustBeWhole()
			if there != nil {
				(box{there, t}).mustBeWhole()
			}
			if err != nil {
				succeeds(t, here.servedUntil(time.Minute, do))
			}
			(box{there, t}).mustBeWhole()
			if got, err := there.Resolve(t.Context(), "origin/main"); n < 2 && (err != nil || got.Hash != here.head("main")) {
				t.Errorf("%v, %v came", got, err)
			}
		}
		if !slices.Equal(here.rows("work"), (box{there, t}).rows("main")) {
			t.Error("what was pushed is not what came")
		}
		succeeds(t, there.Close())
		there = nil
	}
}

// servedUntil serves the box by a process that is killed some time after do was called,
// or when it returns.
func (b box) servedUntil(after time.Duration, do func(url string) error) error {
	b.t.Helper()
	cmd := child.Command("serve", 0, b.Path())
	out, err := cmd.StdoutPipe()
	succeeds(b.t, err)
	succeeds(b.t, cmd.Start())
	url, err := bufio.NewReader(out).ReadString('\n')
	succeeds(b.t, err)
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	err = do(strings.TrimSpace(url))
	timer.Stop()
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it says that it was killed
	return err
}
