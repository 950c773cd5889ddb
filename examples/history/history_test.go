package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// data is where the real histories are, seen from this folder.
const data = "../../../shared/data/sp500"

func TestRealHistories(t *testing.T) {
	for _, name := range []string{"constituents", "financials"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(data, name+".jsonl.gz")
			if _, err := os.Stat(path); err != nil {
				t.Skipf("the recorded history is not there: %v", err)
			}
			var out bytes.Buffer
			if err := run(context.Background(), path, t.TempDir(), &out); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			t.Log("\n" + out.String())
		})
	}
}

// The lines of a small history: rows are added, modified and deleted, a NULL
// comes and goes, a column is renamed, one dropped, one added in between.
func smallHistory() []string {
	return []string{
		`{"dataset":"towns","path":"towns.csv","key":["Code"],"revisions":4,"row_changes":9}`,
		revisionLine(1, `"columns":["Code","Name","Old"],"full":true,"insert":[["b","Bern","1"],["a","Aarau",null]]`, 2,
			"Code\x1fName\x1fOld\x1e"+"a\x1fAarau\x1f\x00\x1e"+"b\x1fBern\x1f1\x1e"),
		revisionLine(2, `"delete":[["b"]],"insert":[["c","Chur",""]],"update":[["a","Aarau","2"]]`, 2,
			"Code\x1fName\x1fOld\x1e"+"a\x1fAarau\x1f2\x1e"+"c\x1fChur\x1f\x1e"),
		revisionLine(3, `"columns":["Code","New","Town"],"full":true,"insert":[["a","x","Aarau"],["c",null,"Chur"],["d","y","Davos"]]`, 3,
			"Code\x1fNew\x1fTown\x1e"+"a\x1fx\x1fAarau\x1e"+"c\x1f\x00\x1fChur\x1e"+"d\x1fy\x1fDavos\x1e"),
		revisionLine(4, `"delete":[["d"]]`, 2,
			"Code\x1fNew\x1fTown\x1e"+"a\x1fx\x1fAarau\x1e"+"c\x1f\x00\x1fChur\x1e"),
	}
}

func revisionLine(seq int, body string, rows int, contents string) string {
	return fmt.Sprintf(`{"seq":%d,"commit":"-","time":%d,"author":"Support","message":"Revision %d",%s,"rows":%d,"sum":"%x"}`,
		seq, 1_400_000_000+seq, seq, body, rows, sha256.Sum256([]byte(contents)))
}

func runLines(t *testing.T, lines []string) (string, error) {
	t.Helper()
	var file, out bytes.Buffer
	zip := gzip.NewWriter(&file)
	fmt.Fprint(zip, strings.Join(lines, "\n"))
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "history.jsonl.gz")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(context.Background(), path, "", &out)
	return out.String(), err
}

func TestSmallHistory(t *testing.T) {
	out, err := runLines(t, smallHistory())
	if err != nil {
		t.Fatal(err)
	}
	// In revision 3, a has a new value and d is new; c is as it was, its new
	// column being NULL.
	for _, want := range []string{
		"revision 3: Name is renamed to Town, Old is dropped, New is added\n",
		"checked: 4 commits, 9 rows as of them, 8 rows in their diffs",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
}

// What the file says and the database does not is found.
func TestWrongHistory(t *testing.T) {
	for name, c := range map[string]struct {
		replace []string // old, new, …
		want    string
	}{
		"row count":     {[]string{`"rows":3`, `"rows":4`}, "revision 3, commit"},
		"value":         {[]string{`"Bern"`, `"Basel"`}, "rows of checksum"},
		"not modified":  {[]string{`[["d"]]`, `[["d"]],"update":[["a","x","Aarau"]]`, `changes":9`, `changes":10`}, `row "a" was modified, and the diff does not show it`},
		"missing row":   {[]string{`[["d"]]`, `[["e"]]`}, "not found"},
		"row twice":     {[]string{`["c","Chur",""]`, `["a","Chur",""]`}, "already exists"},
		"short row":     {[]string{`["c","Chur",""]`, `["c","Chur"]`}, "2 values for 3 columns"},
		"number":        {[]string{`["c","Chur",""]`, `["c","Chur",7]`}, "cannot unmarshal number"},
		"order":         {[]string{`"seq":3`, `"seq":4`}, "it has the number 4"},
		"row changes":   {[]string{`changes":9`, `changes":8`}, "9 rows changed, not 8"},
		"revisions":     {[]string{`"revisions":4`, `"revisions":5`}, "4 revisions, not 5"},
		"no key column": {[]string{`["Code"]`, `["Id"]`}, "key column Id is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			before := strings.Join(smallHistory(), "\n")
			after := strings.NewReplacer(c.replace...).Replace(before)
			if after == before {
				t.Fatal("nothing was changed")
			}
			if _, err := runLines(t, strings.Split(after, "\n")); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got the error %v, want one with %q", err, c.want)
			}
		})
	}
}

// A diff that is not what was recorded is told from one that is.
func TestCompare(t *testing.T) {
	want := changes{vdb.Added: {"a": "a1"}, vdb.Deleted: {"d": ""}, vdb.Modified: {"m": "m1"}}
	if err := want.compare(want); err != nil {
		t.Error(err)
	}
	for _, got := range []changes{
		{vdb.Added: {"a": "a1"}, vdb.Deleted: {}, vdb.Modified: {"m": "m1"}},
		{vdb.Added: {"a": "a1"}, vdb.Deleted: {"d": "", "e": ""}, vdb.Modified: {"m": "m1"}},
		{vdb.Added: {"a": "a1"}, vdb.Deleted: {"d": ""}, vdb.Modified: {"m": "m2"}},
		{vdb.Added: {"b": "a1"}, vdb.Deleted: {"d": ""}, vdb.Modified: {"m": "m1"}},
	} {
		if err := got.compare(want); err == nil {
			t.Errorf("no difference was found in %v", got)
		}
	}
}

func TestNoHistory(t *testing.T) {
	if _, err := runLines(t, []string{`{"seq":1}`}); err == nil || !strings.Contains(err.Error(), "does not describe") {
		t.Errorf("got the error %v", err)
	}
	if err := run(context.Background(), filepath.Join(t.TempDir(), "none"), "", &bytes.Buffer{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got the error %v", err)
	}
}

func TestPlanColumns(t *testing.T) {
	alike := func(parts map[[2]string]float64) func(a, b string) float64 {
		return func(a, b string) float64 { return parts[[2]string{a, b}] }
	}
	for _, c := range []struct {
		from, to string
		alike    map[[2]string]float64
		want     string
	}{
		{"k a b", "k a b", nil, ""},
		{"k a b", "k b a", nil, ""},
		{"k a", "k A", nil, "a is renamed to A"},
		{"k a b", "k a", nil, "b is dropped"},
		{"k a", "k a b", nil, "b is added"},
		{"k a", "k b", map[[2]string]float64{{"a", "b"}: 0.4}, "a is dropped, b is added"},
		{"k a", "k b", map[[2]string]float64{{"a", "b"}: 0.6}, "a is renamed to b"},
		{"k a", "k b c", map[[2]string]float64{{"a", "b"}: 0.6, {"a", "c"}: 0.9}, "a is renamed to c, b is added"},
		{"k a b", "k c", map[[2]string]float64{{"a", "c"}: 0.9, {"b", "c"}: 0.9}, "a is renamed to c, b is dropped"},
	} {
		got := planColumns(strings.Fields(c.from), strings.Fields(c.to), alike(c.alike)).String()
		if got != c.want {
			t.Errorf("from %s to %s: %q, want %q", c.from, c.to, got, c.want)
		}
	}
}
