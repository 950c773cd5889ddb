package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
	if status != 1 || !strings.Contains(out.String(), "damaged; vdb export") {
		t.Errorf("status %d: %s%s", status, &out, &errs)
	}
}

// flip changes a byte of the first place that has text.
func flip(t *testing.T, dir, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(content, []byte(text))
		if at < 0 {
			continue
		}
		content[at] ^= 1
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return true
	}
	return false
}
