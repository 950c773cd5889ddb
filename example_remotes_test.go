package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
)

// exampleServer serves a database with two cities to everybody.
func exampleServer(ctx context.Context) (main *vdb.Branch, server *httptest.Server) {
	main = exampleBranch(ctx)
	return main, httptest.NewServer(remote.Handler(main.DB(), &remote.HandlerOptions{
		Allow: func(*http.Request) (remote.Access, error) { return remote.FullAccess(), nil },
	}))
}

// exampleClone is main of a clone of it. The path of a clone is a directory, as a rule.
func exampleClone(ctx context.Context, server *httptest.Server) *vdb.Branch {
	db, err := vdb.Clone(ctx, server.URL, vdb.Memory, nil)
	must(err)
	main, err := db.Branch(ctx, "main")
	must(err)
	return main
}

func exampleCities(ctx context.Context, b *vdb.Branch) {
	s, err := b.Snapshot(ctx)
	must(err)
	for row, err := range s.Rows("cities", vdb.Range{}) {
		must(err)
		fmt.Println(row[0].Text(), row[1].Int())
	}
}

func ExampleClone() {
	ctx := context.Background()
	_, server := exampleServer(ctx)
	defer server.Close()
	dir, err := os.MkdirTemp("", "clone-*")
	must(err)
	defer os.RemoveAll(dir)
	db, err := vdb.Clone(ctx, server.URL, filepath.Join(dir, "cities.vdb"), &vdb.CloneOptions{
		Branches: []string{"main"},
		Progress: func(received, total int64) {
			if received == total {
				fmt.Println(total, "chunks")
			}
		},
	})
	must(err)
	defer db.Close()
	main, err := db.Branch(ctx, "main")
	must(err)
	exampleCities(ctx, main)
	// Output:
	// 5 chunks
	// Bern 134000
	// Lima 10000000
}

func ExampleDB_Fetch() {
	ctx := context.Background()
	there, server := exampleServer(ctx)
	defer server.Close()
	here := exampleClone(ctx, server)
	exampleCommit(ctx, there, "Oslo", map[string]int64{"Oslo": 700_000})
	result, err := here.DB().Fetch(ctx, "origin", nil)
	must(err)
	for _, b := range result.Updated {
		fmt.Println(b.Remote+"/"+b.Name, "has moved;", result.Chunks, "chunks came")
	}
	for c, err := range here.DB().Log(ctx, &vdb.LogOptions{From: "main..origin/main"}) {
		must(err)
		fmt.Println(c.Text)
	}
	// Output:
	// origin/main has moved; 3 chunks came
	// Oslo
}

func ExampleBranch_Pull() {
	ctx := context.Background()
	there, server := exampleServer(ctx)
	defer server.Close()
	here := exampleClone(ctx, server)
	exampleCommit(ctx, there, "Oslo", map[string]int64{"Oslo": 700_000})
	exampleCommit(ctx, here, "Kyiv", map[string]int64{"Kyiv": 3_000_000})
	_, err := here.Pull(ctx, "origin", nil)
	must(err)
	exampleCities(ctx, here)
	// Output:
	// Bern 134000
	// Kyiv 3000000
	// Lima 10000000
	// Oslo 700000
}

func ExampleBranch_Push() {
	ctx := context.Background()
	there, server := exampleServer(ctx)
	defer server.Close()
	here := exampleClone(ctx, server)
	exampleCommit(ctx, there, "Oslo", map[string]int64{"Oslo": 700_000})
	exampleCommit(ctx, here, "Kyiv", map[string]int64{"Kyiv": 3_000_000})
	err := here.Push(ctx, "origin", nil)
	if errors.Is(err, remote.ErrNotFastForward) {
		fmt.Println("somebody has pushed before: pull first")
		_, err = here.Pull(ctx, "origin", nil)
		must(err)
		err = here.Push(ctx, "origin", nil)
	}
	must(err)
	exampleCities(ctx, there)
	// Output:
	// somebody has pushed before: pull first
	// Bern 134000
	// Kyiv 3000000
	// Lima 10000000
	// Oslo 700000
}

func ExampleDB_Push() {
	ctx := context.Background()
	there, server := exampleServer(ctx)
	defer server.Close()
	here := exampleClone(ctx, server).DB()
	_, err := here.CreateBranch(ctx, "trial", "main")
	must(err)
	// Under another name there; all branches move, or none.
	must(here.Push(ctx, "origin", &vdb.PushOptions{Branches: []string{"main", "trial:proposal"}}))
	for b, err := range there.DB().Branches(ctx) {
		must(err)
		fmt.Println(b.Name)
	}
	// Output:
	// main
	// proposal
}

func ExampleDB_AddRemote() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	must(db.AddRemote(ctx, "office", "https://audit:secret@office.example.org/cities"))
	rm, err := db.Remote(ctx, "office")
	fmt.Println(rm.URL, err)
	must(db.RemoveRemote(ctx, "office"))
	_, err = db.Remote(ctx, "office")
	fmt.Println(errors.Is(err, vdb.ErrNotFound))
	// Output:
	// https://office.example.org/cities <nil>
	// true
}

func ExampleDB_Remotes() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	must(db.AddRemote(ctx, "office", "https://office.example.org/cities"))
	must(db.AddRemote(ctx, "archive", "/mnt/archive/cities.vdb"))
	for rm, err := range db.Remotes(ctx) {
		must(err)
		fmt.Println(rm.Name, rm.URL)
	}
	// Output:
	// archive /mnt/archive/cities.vdb
	// office https://office.example.org/cities
}

func ExampleDB_RemoteBranches() {
	ctx := context.Background()
	_, server := exampleServer(ctx)
	defer server.Close()
	here := exampleClone(ctx, server)
	exampleCommit(ctx, here, "Oslo", map[string]int64{"Oslo": 700_000})
	for b, err := range here.DB().RemoteBranches(ctx) {
		must(err)
		c, err := here.DB().Resolve(ctx, b.Remote+"/"+b.Name)
		must(err)
		fmt.Println(b.Remote, b.Name, c.Hash == b.Head, c.Text)
	}
	// Output: origin main true Two cities
}

func ExampleDB_AddBackup() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	dir, err := os.MkdirTemp("", "backup-*")
	must(err)
	defer os.RemoveAll(dir)
	must(db.AddBackup(ctx, "nightly", filepath.Join(dir, "nightly")))
	for b, err := range db.Backups(ctx) {
		must(err)
		fmt.Println(b.Name)
	}
	url, err := db.BackupURL(ctx, "nightly")
	must(err)
	_, err = db.Backup(ctx, url, nil)
	must(err)
	must(db.RemoveBackup(ctx, "nightly")) // the backup stays
	restored, err := vdb.RestoreBackup(ctx, url, filepath.Join(dir, "restored"), nil)
	must(err)
	defer restored.Close()
	main, err := restored.Branch(ctx, "main")
	must(err)
	exampleCities(ctx, main)
	// Output:
	// nightly
	// Bern 134000
	// Lima 10000000
}
