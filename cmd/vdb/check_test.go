package main

import (
	"bytes"
	"context"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/prolly"
)

// TestCheckDamage flips a byte of a row, which check must find.
func TestCheckDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop.vdb")
	var out, errs bytes.Buffer
	sql := "create table t(a, b); insert into t values(1, 'findmeplease'); select length(dolt_commit('-Am', 'one'))"
	if status := run([]string{dir, sql}, strings.NewReader(""), &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, &errs)
	}
	if !flip(t, dir, "findmeplease") {
		t.Fatal("the row is in no file")
	}
	out.Reset()
	status := run([]string{"check", dir}, strings.NewReader(""), &out, &errs)
	if status != 1 || !strings.Contains(out.String(), "damaged; vdb recover") {
		t.Errorf("status %d: %s%s", status, &out, &errs)
	}
}

// flip changes a byte wherever text stands, and tells whether it does anywhere.
func flip(t *testing.T, dir, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for at := bytes.Index(content, []byte(text)); at >= 0; at = bytes.Index(content, []byte(text)) {
			content[at] ^= 1
			found = true
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// TestCheckExpressionIndex takes an entry out of an index that only SQL can evaluate.
func TestCheckExpressionIndex(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop.vdb")
	var out, errs bytes.Buffer
	sql := "create table t(a integer primary key, b text check (b <> '')); create index low on t(lower(b)); create index few on t(b) where a > 1;" +
		"insert into t values (1, 'X'), (2, 'Y'), (3, 'Z')"
	if status := run([]string{dir, sql}, strings.NewReader(""), &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, &errs)
	}
	if status := run([]string{"check", dir}, strings.NewReader(""), &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, &out)
	}
	forget(t, dir)
	out.Reset()
	status := run([]string{"check", dir}, strings.NewReader(""), &out, &errs)
	if status != 1 || !strings.Contains(out.String(), "branch main, table t: row 1 missing from index low") || !strings.Contains(out.String(), "few") {
		t.Errorf("status %d: %s%s", status, &out, &errs)
	}
}

// forget takes the first entry out of each index of the first table.
func forget(t *testing.T, dir string) {
	t.Helper()
	ctx := t.Context()
	db, err := vdb.Open(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	engine := db.Engine()
	version, err := engine.Working(ctx, vdb.MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	contents, err := engine.Load(ctx, version)
	if err != nil {
		t.Fatal(err)
	}
	edit := vdb.EngineTableEdit{Table: contents.Tables[0]}
	for i := range contents.Tables[0].Schema().Indexes {
		tree := contents.Tables[0].Index(i)
		edit.Indexes = append(edit.Indexes, func(ctx context.Context, _ prolly.Store) iter.Seq2[prolly.Edit, error] {
			return func(yield func(prolly.Edit, error) bool) {
				for item, err := range tree.Items(ctx, prolly.Range{}) {
					yield(prolly.Edit{Key: item.Key}, err)
					return
				}
			}
		})
	}
	if _, _, err := engine.Commit(ctx, vdb.MainBranch, &vdb.EngineEdit{Base: version, Tables: []vdb.EngineTableEdit{edit}}); err != nil {
		t.Fatal(err)
	}
}
