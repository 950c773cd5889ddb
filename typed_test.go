package vdb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

type customer struct {
	ID      string `vdb:"id,pk"`
	Name    string `vdb:",index"`
	City    *string
	Visits  int64 `vdb:",default=0,merge=sum"`
	Created time.Time
}

var customers = vdb.MustTable[customer]("customers")

func customerOf(i int) customer {
	c := customer{
		ID: fmt.Sprintf("c%04d", i), Name: fmt.Sprintf("name %d", i%10), Visits: int64(i),
		Created: time.Date(2026, 11, 22, 0, 0, i, 0, time.UTC),
	}
	if i%3 == 0 {
		c.City = ptr("Graz")
	}
	return c
}

func withCustomers(t testing.TB, n int) *vdb.Branch {
	t.Helper()
	b := created(t, customers)
	update(t, b, func(tx *vdb.Tx) error {
		for i := range n {
			if err := customers.Insert(tx, customerOf(i)); err != nil {
				return err
			}
		}
		return nil
	})
	return b
}

// ids collects the keys of a sequence.
func ids(t *testing.T, rows func(func(customer, error) bool)) []string {
	t.Helper()
	var found []string
	for c, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, c.ID)
	}
	return found
}

func TestTypedWrites(t *testing.T) {
	b := withCustomers(t, 3)
	c := customerOf(1)
	for _, step := range []struct {
		name string
		do   func(*vdb.Tx) error
		want error
	}{
		{"insert a taken key", func(tx *vdb.Tx) error { return customers.Insert(tx, c) }, vdb.ErrExists},
		{"update a missing row", func(tx *vdb.Tx) error { return customers.Update(tx, customerOf(9)) }, vdb.ErrNotFound},
		{"delete a missing row", func(tx *vdb.Tx) error { return customers.Delete(tx, "c0009") }, vdb.ErrNotFound},
		{"create again", func(tx *vdb.Tx) error { return customers.Create(tx) }, vdb.ErrExists},
		{"create if missing", func(tx *vdb.Tx) error { return customers.CreateIfMissing(tx) }, nil},
		{"put over", func(tx *vdb.Tx) error { c.Visits = 100; return customers.Put(tx, c) }, nil},
		{"update", func(tx *vdb.Tx) error { c.City = ptr("Linz"); return customers.Update(tx, c) }, nil},
		{"delete", func(tx *vdb.Tx) error { return customers.Delete(tx, "c0000") }, nil},
	} {
		if err := b.Update(t.Context(), step.do); !errors.Is(err, step.want) {
			t.Fatalf("%s: %v, want %v", step.name, err, step.want)
		}
	}
	s := snapshot(t, b)
	if got, err := customers.Get(s, c.ID); err != nil || !reflect.DeepEqual(got, c) {
		t.Fatalf("got %+v, %v, want %+v", got, err, c)
	}
	_, err := customers.Get(s, "c0000")
	wants(t, err, vdb.ErrNotFound, "vdb: get: table customers, row ('c0000')")
	if got := ids(t, customers.By(s, "name", "name 0")); got != nil {
		t.Fatalf("the index still has %v", got)
	}
	if n, err := customers.Count(s, vdb.Range{}); err != nil || n != 2 {
		t.Fatalf("%d rows, %v", n, err)
	}
}

func TestTypedReads(t *testing.T) {
	b := withCustomers(t, 100)
	s := snapshot(t, b)
	first, last := ids(t, customers.All(s)), ids(t, customers.Backward(s, vdb.Range{}))
	if len(first) != 100 || first[0] != "c0000" || first[99] != "c0099" || len(last) != 100 || last[0] != "c0099" {
		t.Fatalf("all: %v; backward: %v", first, last)
	}
	for _, c := range []struct {
		in   vdb.Range
		want string
	}{
		{vdb.Range{From: []any{"c0098"}}, "c0098 c0099"},
		{vdb.Range{From: []any{label("c0003")}, To: []any{vdb.Text("c0005")}}, "c0003 c0004"},
		{vdb.Range{To: []any{"c0002"}, Backward: true}, "c0001 c0000"},
		{vdb.Range{Index: "customers_name", Prefix: []any{"name 7"}, Backward: true}, "c0097 c0087 c0077 c0067 c0057 c0047 c0037 c0027 c0017 c0007"},
		{vdb.Range{Index: "name", From: []any{"name 9"}}, "c0009 c0019 c0029 c0039 c0049 c0059 c0069 c0079 c0089 c0099"},
	} {
		got := ids(t, customers.Range(s, c.in))
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v, want %s", c.in, got, c.want)
		}
		if n, err := customers.Count(s, c.in); err != nil || int(n) != len(got) {
			t.Errorf("%+v: count %d, %v, want %d", c.in, n, err, len(got))
		}
	}
	for range customers.All(s) {
		break // an iteration may end early
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	type line struct {
		Order string `vdb:",pk"`
		No    int32  `vdb:",pk"`
		Text  string
	}
	lines := vdb.MustTable[line]("lines")
	b := created(t, customers, lines)
	update(t, b, func(tx *vdb.Tx) error { return lines.Put(tx, line{"o", 1, "text"}) })
	s := snapshot(t, b)
	if got, err := lines.Get(s, ptr(label("o")), level(1)); err != nil || got.Text != "text" {
		t.Fatalf("key of named types: %+v, %v", got, err)
	}
	for _, c := range []struct {
		key  []any
		says string
	}{
		{nil, "0 values for a key of 2 columns"},
		{[]any{"o"}, "1 values for a key of 2 columns"},
		{[]any{"o", 1, 2}, "3 values"},
		{[]any{1, 1}, "key column order: integer 1 for Go type string"},
		{[]any{"o", "1"}, "key column no: text '1' for Go type int32"},
		{[]any{"o", 1.5}, "key column no: real 1.5"},
		{[]any{"o", nil}, "key column no: null NULL"},
		{[]any{"\xff", 1}, "key value 1: text"},
		{[]any{struct{}{}, 1}, "key value 1: Go type struct {} in a key"},
	} {
		_, err := lines.Get(s, c.key...)
		wants(t, err, vdb.ErrInvalid, "vdb: get: table lines", c.says)
		err = b.Update(t.Context(), func(tx *vdb.Tx) error { return lines.Delete(tx, c.key...) })
		wants(t, err, vdb.ErrInvalid, "vdb: delete: table lines", c.says)
	}
	for _, err := range customers.By(s, "name", func() {}) {
		wants(t, err, vdb.ErrInvalid, "table customers", "value 1 of a range")
	}
	for _, err := range customers.By(s, "nothing", 1) {
		wants(t, err, vdb.ErrNotFound, "table customers", "index nothing")
	}
}

func TestCheckNamesTheColumn(t *testing.T) {
	type parent struct {
		ID string `vdb:",pk"`
	}
	type child struct {
		ID     int64   `vdb:",pk"`
		Name   string  `vdb:",unique,nocase"`
		Parent *string `vdb:",fk=parents"`
		Sum    float64 `vdb:",default=0.0,merge=sum"`
	}
	parents, children := vdb.MustTable[parent]("parents"), vdb.MustTable[child]("children")
	for _, c := range []struct {
		says   string
		change func(*vdb.Schema)
	}{
		{"", func(s *vdb.Schema) {}},
		{"", func(s *vdb.Schema) { s.Columns[1].Type = "VARCHAR(9)" }},
		{"", func(s *vdb.Schema) {
			s.Columns = append(s.Columns, vdb.Column{Name: "more", NotNull: true, Default: "1"})
		}},
		{"column more is NOT NULL without a default", func(s *vdb.Schema) { s.Columns = append(s.Columns, vdb.Column{Name: "more", NotNull: true}) }},
		{"column sum of Go field Sum is missing", func(s *vdb.Schema) { s.Columns = s.Columns[:3] }},
		{"column sum TEXT, of TEXT affinity, does not keep Go field Sum of type float64", func(s *vdb.Schema) { s.Columns[3].Type = "TEXT" }},
		{"column sum: default is 1.0, Go field Sum has 0.0", func(s *vdb.Schema) { s.Columns[3].Default = "1.0" }},
		{"column sum: merge policy is max, Go field Sum has sum", func(s *vdb.Schema) { s.Columns[3].Merge = vdb.PolicyMax }},
		{"column name: collation is BINARY, Go field Name has NOCASE", func(s *vdb.Schema) { s.Columns[1].Collation = "" }},
		{"column name: NOT NULL is false, Go field Name has true", func(s *vdb.Schema) { s.Columns[1].NotNull = false }},
		{"column parent: NOT NULL is true, Go field Parent has false", func(s *vdb.Schema) { s.Columns[2].NotNull = true }},
		{"the primary key is (name), the Go type has (id)", func(s *vdb.Schema) { s.PrimaryKey = []string{"name"} }},
		{"index children_name on UNIQUE (name NOCASE) is missing", func(s *vdb.Schema) { s.Indexes = nil }},
		{"index children_name is (name NOCASE), the Go type has UNIQUE (name NOCASE)", func(s *vdb.Schema) { s.Indexes[0].Unique = false }},
		{"index children_name is UNIQUE (name NOCASE DESC)", func(s *vdb.Schema) { s.Indexes[0].Columns[0].Desc = true }},
		{"the foreign key of (parent) to parents is missing", func(s *vdb.Schema) { s.ForeignKeys = nil }},
	} {
		b := created(t, parents)
		s := children.Schema()
		c.change(&s)
		update(t, b, func(tx *vdb.Tx) error { return tx.CreateTable(s) })
		err := children.Check(snapshot(t, b))
		if c.says == "" {
			if err != nil {
				t.Errorf("%+v: %v", s, err)
			}
			continue
		}
		wants(t, err, vdb.ErrInvalid, "vdb: check table: table children", c.says)
		err = b.Update(t.Context(), func(tx *vdb.Tx) error { return children.CreateIfMissing(tx) })
		wants(t, err, vdb.ErrInvalid, c.says)
	}
	wants(t, children.Check(snapshot(t, created(t, parents))), vdb.ErrNotFound, "table children")
}

// TestColumnsThatTheStructLacks uses a table that has got columns since.
func TestColumnsThatTheStructLacks(t *testing.T) {
	b := withCustomers(t, 2)
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.AddColumn("customers", vdb.Column{Name: "tier", Type: "TEXT", NotNull: true, Default: "'basic'"}),
			tx.AddColumn("customers", vdb.Column{Name: "photo", Type: "BLOB"}))
	})
	long := bytes.Repeat([]byte("photo"), 10_000)
	update(t, b, func(tx *vdb.Tx) error {
		row, err := tx.Get("customers", "c0001")
		if err != nil {
			return err
		}
		row[5], row[6] = vdb.Text("gold"), vdb.Bytes(long)
		return tx.Put("customers", row)
	})
	update(t, b, func(tx *vdb.Tx) error {
		put, updated := customerOf(1), customerOf(0)
		put.Visits, updated.Visits = 50, 60
		return errors.Join(customers.Check(tx), customers.Put(tx, put), customers.Update(tx, updated), customers.Insert(tx, customerOf(2)))
	})
	s := snapshot(t, b)
	for id, want := range map[string]string{"c0000": "basic", "c0001": "gold", "c0002": "basic"} {
		row, err := s.Get("customers", id)
		if err != nil || row[5].Text() != want || bytes.Equal(row[6].Bytes(), long) != (id == "c0001") {
			t.Errorf("row %s: tier %v, photo of %d bytes, %v", id, row[5], row[6].Size(), err)
		}
	}
	for id, want := range map[string]int64{"c0000": 60, "c0001": 50, "c0002": 2} {
		if c, err := customers.Get(s, id); err != nil || c.Visits != want {
			t.Errorf("row %s: %+v, %v", id, c, err)
		}
	}
}

func TestFieldsWithoutColumn(t *testing.T) {
	b := withCustomers(t, 1)
	update(t, b, func(tx *vdb.Tx) error { return tx.DropColumn("customers", "city") })
	s := snapshot(t, b)
	_, err := customers.Get(s, "c0000")
	wants(t, err, vdb.ErrNotFound, "table customers", "column city", "Go field City")
	for _, err := range customers.All(s) {
		wants(t, err, vdb.ErrNotFound, "column city")
	}
	err = b.Update(t.Context(), func(tx *vdb.Tx) error { return customers.Put(tx, customerOf(1)) })
	wants(t, err, vdb.ErrNotFound, "column city")
	wants(t, customers.Check(s), vdb.ErrInvalid, "column city of Go field City is missing")
}

func TestStructWithoutTheKey(t *testing.T) {
	type name struct{ Name string }
	names := vdb.MustTable[name]("customers")
	b := withCustomers(t, 2)
	if got, err := names.Get(snapshot(t, b), "c0001"); err != nil || got.Name != "name 1" {
		t.Fatalf("got %+v, %v", got, err)
	}
	err := b.Update(t.Context(), func(tx *vdb.Tx) error { return names.Put(tx, name{"x"}) })
	wants(t, err, vdb.ErrInvalid, "no Go field holds primary key column id")
}

func TestAutomaticKeys(t *testing.T) {
	type note struct {
		ID   uint32 `vdb:",pk,auto"`
		Text string
	}
	type entry struct{ Text string } // no key at all
	notes, entries := vdb.MustTable[note]("notes"), vdb.MustTable[entry]("entries")
	b := created(t, notes, entries)
	update(t, b, func(tx *vdb.Tx) error {
		one, seven, eight := note{Text: "one"}, note{7, "seven"}, note{Text: "eight"}
		err := errors.Join(notes.Add(tx, &one), notes.Add(tx, &seven), notes.Add(tx, &eight), notes.Put(tx, note{Text: "nine"}),
			entries.Put(tx, entry{"a"}), entries.Put(tx, entry{"a"}), entries.Insert(tx, entry{"b"}))
		if one.ID != 1 || seven.ID != 7 || eight.ID != 8 {
			t.Errorf("keys %d, %d, %d", one.ID, seven.ID, eight.ID)
		}
		return err
	})
	s := snapshot(t, b)
	if got, err := notes.Get(s, 9); err != nil || got.Text != "nine" {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := entries.Get(s, 3); err != nil || got.Text != "b" {
		t.Errorf("got %+v, %v", got, err)
	}
	update(t, b, func(tx *vdb.Tx) error { return notes.Put(tx, note{ID: 1<<32 - 1}) })
	err := b.Update(t.Context(), func(tx *vdb.Tx) error { return notes.Add(tx, &note{}) })
	wants(t, err, vdb.ErrInvalid, "column id", "4294967296")
	err = b.Update(t.Context(), func(tx *vdb.Tx) error { return entries.Update(tx, entry{"c"}) })
	wants(t, err, vdb.ErrInvalid, "no primary key")
}

func TestUseAfterTheTransaction(t *testing.T) {
	b := withCustomers(t, 1)
	tx, err := b.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := customers.Get(tx, "c0000"); err != nil {
		t.Fatal(err)
	}
	tx.Rollback()
	_, getErr := customers.Get(tx, "c0000")
	_, countErr := customers.Count(tx, vdb.Range{})
	c := customerOf(1)
	for name, err := range map[string]error{
		"get": getErr, "count": countErr, "put": customers.Put(tx, c), "insert": customers.Insert(tx, c), "add": customers.Add(tx, &c),
		"update": customers.Update(tx, c), "delete": customers.Delete(tx, "c0000"), "create": customers.Create(tx), "check": customers.Check(tx),
	} {
		if !errors.Is(err, vdb.ErrTxDone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	n := 0
	for _, err := range customers.All(tx) {
		wants(t, err, vdb.ErrTxDone, "read rows")
		n++
	}
	if n != 1 {
		t.Errorf("%d errors from a scan", n)
	}
}

func TestCancelledScan(t *testing.T) {
	b := withCustomers(t, 2000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := b.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range customers.All(s) {
		if err != nil {
			wants(t, err, context.Canceled)
			return
		}
		if n++; n == 10 {
			cancel()
		}
	}
	t.Fatal("the scan went on to its end")
}

func TestOneTableInManyGoroutines(t *testing.T) {
	table := vdb.MustTable[customer]("customers") // with no mapping made yet
	old, wide := withCustomers(t, 100), withCustomers(t, 100)
	update(t, wide, func(tx *vdb.Tx) error { return tx.AddColumn("customers", vdb.Column{Name: "more"}) })
	snapshots := []*vdb.Snapshot{snapshot(t, old), snapshot(t, wide)}
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 200 {
				want := customerOf((i * 7) % 100)
				got, err := table.Get(snapshots[(g+i)%2], want.ID)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("got %+v, %v, want %+v", got, err, want)
					return
				}
				if i%50 == 0 {
					err := old.Update(t.Context(), func(tx *vdb.Tx) error { return table.Put(tx, customerOf(1000+g)) })
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
}

// TestRowsOwnTheirBytes changes what was read and what was written.
func TestRowsOwnTheirBytes(t *testing.T) {
	type file struct {
		ID   int64 `vdb:",pk"`
		Data []byte
		Name string
	}
	files := vdb.MustTable[file]("files")
	b := created(t, files)
	data := []byte("abc")
	update(t, b, func(tx *vdb.Tx) error {
		if err := files.Put(tx, file{1, data, "name"}); err != nil {
			return err
		}
		data[0] = 'x'
		got, err := files.Get(tx, 1)
		got.Data[1] = 'y'
		_ = append(got.Data, "more"...)
		if got.Name != "name" {
			t.Errorf("name %q", got.Name)
		}
		return err
	})
	if got, err := files.Get(snapshot(t, b), 1); err != nil || string(got.Data) != "abc" || got.Name != "name" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// counting yields n bytes, each one from its position, and holds none.
type counting struct{ at, n int64 }

func (c *counting) Read(p []byte) (int, error) {
	if c.at == c.n {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), c.n-c.at))
	for i := range p[:n] {
		p[i] = byte((c.at + int64(i)) * 31 >> 3)
	}
	c.at += int64(n)
	return n, nil
}

type document struct {
	ID   int64 `vdb:",pk"`
	Body *vdb.Blob
	Text *vdb.Blob `vdb:",type=TEXT"`
}

var documents = vdb.MustTable[document]("documents")

func sameContent(t *testing.T, got *vdb.Blob, size int64) {
	t.Helper()
	if got.Size() != size {
		t.Fatalf("blob of %d bytes, want %d", got.Size(), size)
	}
	r, want := got.Reader(), &counting{n: size}
	a, b := make([]byte, 32<<10), make([]byte, 32<<10)
	for {
		n, err := io.ReadFull(r, a)
		m, _ := io.ReadFull(want, b)
		if n != m || !bytes.Equal(a[:n], b[:m]) {
			t.Fatalf("content differs")
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestBlobsStream(t *testing.T) {
	db, err := vdb.Open(t.Context(), t.TempDir(), &vdb.Options{CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	b := mainBranch(t, db)
	const size = 10 << 20
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(documents.Create(tx),
			documents.Put(tx, document{ID: 1, Body: vdb.NewBlob(&counting{n: size})}),
			documents.Put(tx, document{ID: 2, Body: vdb.NewBlob(strings.NewReader("short")), Text: vdb.NewBlob(strings.NewReader("text"))}))
	})
	s := snapshot(t, b)
	allocated := allocatedBytes(func() {
		got, err := documents.Get(s, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Text.IsNull() || got.Body.Size() != size {
			t.Fatalf("got %+v", got)
		}
	})
	if allocated > 1<<20 {
		t.Errorf("a row with a blob of %d bytes took %d bytes to read", size, allocated)
	}
	got, err := documents.Get(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	sameContent(t, got.Body, size)
	got, err = documents.Get(s, 2)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(got.Text.Reader())
	if err != nil || string(text) != "text" || got.Body.Size() != 5 {
		t.Errorf("text %q, %v, body of %d bytes", text, err, got.Body.Size())
	}
	if row, err := s.Get("documents", 2); err != nil || row[2].Kind().String() != "text" {
		t.Errorf("stored as %v, %v", row, err)
	}
}

func TestBlobsAreWrittenAgain(t *testing.T) {
	const size = 100_000
	b, other := created(t, documents), created(t, documents)
	update(t, b, func(tx *vdb.Tx) error {
		return documents.Put(tx, document{ID: 1, Body: vdb.NewBlob(&counting{n: size})})
	})
	read, err := documents.Get(snapshot(t, b), 1)
	if err != nil {
		t.Fatal(err)
	}
	read.ID = 2
	for _, to := range []*vdb.Branch{b, other} { // where the bytes are, and where they are not
		update(t, to, func(tx *vdb.Tx) error { return documents.Put(tx, read) })
		got, err := documents.Get(snapshot(t, to), 2)
		if err != nil {
			t.Fatal(err)
		}
		sameContent(t, got.Body, size)
	}
	seeker := vdb.NewBlob(strings.NewReader("again"))
	stream := vdb.NewBlob(&counting{n: 10})
	for i := range int64(2) {
		update(t, b, func(tx *vdb.Tx) error { return documents.Put(tx, document{ID: 10 + i, Body: seeker}) })
		if got, err := documents.Get(snapshot(t, b), 10+i); err != nil || got.Body.Size() != 5 {
			t.Fatalf("got %+v, %v", got.Body, err)
		}
		err := b.Update(t.Context(), func(tx *vdb.Tx) error { return documents.Put(tx, document{ID: 20, Body: stream}) })
		if i == 1 {
			wants(t, err, vdb.ErrInvalid, "column body", "read before")
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestFailingBlobReader(t *testing.T) {
	b := created(t, documents)
	broken := errors.New("the line is dead")
	err := b.Update(t.Context(), func(tx *vdb.Tx) error {
		return documents.Put(tx, document{ID: 1, Body: vdb.NewBlob(io.MultiReader(&counting{n: 50_000}, failingReader{broken}))})
	})
	wants(t, err, broken, "table documents", "column body")
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

// allocatedBytes returns what fn takes from the heap.
func allocatedBytes(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
