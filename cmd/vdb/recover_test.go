package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecoverLoss flips a byte of a row: the branch goes back to where it was before that
// was written, and recover says so, in words and by its exit code.
func TestRecoverLoss(t *testing.T) {
	dir, to := filepath.Join(t.TempDir(), "shop.vdb"), filepath.Join(t.TempDir(), "new.vdb")
	shell := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if status := run(args, strings.NewReader(""), &out, &errs); status != want {
			t.Fatalf("%q: status %d, want %d: %s%s", args, status, want, &out, &errs)
		}
		return out.String()
	}
	shell(0, dir, "create table t(a, b); insert into t values(1, 'first'); select length(dolt_commit('-Am', 'one'))")
	shell(0, dir, "insert into t values(2, 'findmeplease'); select length(dolt_commit('-am', 'two'))")
	if !flip(t, dir, "findmeplease") {
		t.Fatal("the row is in no file")
	}
	out := shell(1, "recover", dir, to)
	for _, want := range []string{"damage in " + dir, "lost: chunk", "lost: commit", "heads/main was at", "a part of t\n", to + " is whole, but not all is in it"} {
		if !strings.Contains(out, want) {
			t.Errorf("recover printed %q, want %q", out, want)
		}
	}
	if out := shell(0, to, "select group_concat(b) from t"); out != "first\n" {
		t.Errorf("the new database has %q", out)
	}
	shell(0, "check", to)
	shell(1, "recover", dir, to)
}
