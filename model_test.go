package vdb_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

// The reference model: each branch, and each commit, is a map of rows.
type model map[string]vdb.Row

func (m model) keys() []string { return slices.Sorted(maps.Keys(m)) }

// modelRun drives a database and its model with the same random operations.
type modelRun struct {
	t        *testing.T
	rng      *rand.Rand
	db       *vdb.DB
	schema   vdb.Schema
	branches map[string]model
	commits  map[vdb.Hash]modelCommit
}

type modelCommit struct {
	rows   model
	schema vdb.Schema
}

// modelSchemas are the three kinds of tables that have an identity for each row.
var modelSchemas = []vdb.Schema{
	{
		Name:       "t",
		Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "a", Type: "TEXT"}, {Name: "b", Type: "REAL", Default: "1.5"}, {Name: "c", Type: "BLOB"}},
		PrimaryKey: []string{"id"},
		Indexes:    []vdb.Index{{Name: "ia", Columns: []vdb.IndexColumn{{Name: "a", Collation: "NOCASE"}, {Name: "b", Desc: true}}}},
	},
	{
		Name:       "t",
		Columns:    []vdb.Column{{Name: "a", Type: "TEXT"}, {Name: "id", Type: "TEXT", Collation: "NOCASE"}, {Name: "b"}, {Name: "c", Type: "INT", Default: "7"}},
		PrimaryKey: []string{"id", "b"},
		Indexes:    []vdb.Index{{Name: "ic", Columns: []vdb.IndexColumn{{Name: "c"}}}, {Name: "ia", Columns: []vdb.IndexColumn{{Name: "a"}}}},
	},
}

func (r *modelRun) value(column vdb.Column) vdb.Value {
	switch r.rng.IntN(8) {
	case 0:
		return vdb.Null()
	case 1:
		return vdb.Float(float64(r.rng.IntN(100)) / 4)
	case 2:
		if column.Type == "" {
			return vdb.Bytes([]byte{0, byte(r.rng.IntN(3))})
		}
		return vdb.Text(strings.Repeat("long ", 150+r.rng.IntN(300)))
	case 3, 4:
		return vdb.Int(int64(r.rng.IntN(50) - 5))
	}
	return vdb.Text([]string{"a", "A", "b\x00c", "", "ü", "12"}[r.rng.IntN(6)])
}

func (r *modelRun) row() vdb.Row {
	row := make(vdb.Row, len(r.schema.Columns))
	for i, c := range r.schema.Columns {
		row[i] = r.value(c)
		if slices.Contains(r.schema.PrimaryKey, c.Name) {
			row[i] = vdb.Int(int64(r.rng.IntN(60)))
		}
	}
	return row
}

func (r *modelRun) key(row vdb.Row) []any {
	var key []any
	for _, name := range r.schema.PrimaryKey {
		key = append(key, row[r.schema.Column(name)])
	}
	return key
}

// stored is the row as the table gives it back: its affinities applied.
func (r *modelRun) stored(tx *vdb.Tx, row vdb.Row) vdb.Row {
	got, err := tx.Get("t", r.key(row)...)
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

func (r *modelRun) transaction(name string) {
	b, err := r.db.Branch(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	rows := maps.Clone(r.branches[name])
	roll := errors.New("roll back")
	abort := r.rng.IntN(6) == 0
	err = b.Update(r.t.Context(), func(tx *vdb.Tx) error {
		for range 1 + r.rng.IntN(30) {
			r.step(tx, rows)
		}
		r.same(tx.Snapshot, rows)
		if abort {
			return roll
		}
		return nil
	})
	if abort != errors.Is(err, roll) || !abort && err != nil {
		r.t.Fatalf("update: %v", err)
	}
	if !abort {
		r.branches[name] = rows
	}
}

func (r *modelRun) step(tx *vdb.Tx, rows model) {
	row := r.row()
	key := fmt.Sprint(r.key(row))
	_, there := rows[key]
	var err error
	want := error(nil)
	switch r.rng.IntN(5) {
	case 0:
		if err, want = tx.Delete("t", r.key(row)...), nil; !there {
			want = vdb.ErrNotFound
		}
		delete(rows, key)
		r.expect(err, want)
		return
	case 1:
		if err = tx.Insert("t", row); there {
			want = vdb.ErrExists
		}
	case 2:
		if err = tx.Update("t", row); !there {
			want = vdb.ErrNotFound
		}
	default:
		err = tx.Put("t", row)
	}
	r.expect(err, want)
	if want == nil {
		rows[key] = r.stored(tx, row)
	}
}

func (r *modelRun) expect(err, want error) {
	r.t.Helper()
	if !errors.Is(err, want) {
		r.t.Fatalf("got %v, want %v", err, want)
	}
}

// same compares all rows, by the key in both directions and through each index.
func (r *modelRun) same(s *vdb.Snapshot, rows model) {
	r.t.Helper()
	want := slices.Sorted(func(yield func(string) bool) {
		for _, row := range rows {
			if !yield(fmt.Sprint(row)) {
				return
			}
		}
	})
	ranges := []vdb.Range{{}, {Backward: true}}
	for _, x := range r.schema.Indexes {
		ranges = append(ranges, vdb.Range{Index: x.Name})
	}
	for _, rg := range ranges {
		var got []string
		for row, err := range s.Rows("t", rg) {
			if err != nil {
				r.t.Fatal(err)
			}
			got = append(got, fmt.Sprint(row))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			r.t.Fatalf("%+v: %d rows, want %d", rg, len(got), len(want))
		}
		if n, err := s.Count("t", rg); err != nil || n != uint64(len(want)) {
			r.t.Fatalf("count %+v: %d, %v, want %d", rg, n, err, len(want))
		}
	}
}

func (r *modelRun) commit(name string) {
	b, err := r.db.Branch(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := b.Commit(r.t.Context(), vdb.Message{Text: "c", AllowEmpty: true})
	if err != nil {
		r.t.Fatal(err)
	}
	r.commits[c.Hash] = modelCommit{rows: r.branches[name], schema: r.schema}
	if want := r.rebuilt(r.branches[name]); c.Root != want {
		r.t.Fatalf("root %s, a database loaded in another order has %s", c.Root, want)
	}
}

// rebuilt is the root of a new database with the same rows.
func (r *modelRun) rebuilt(rows model) vdb.Hash {
	b := mainBranch(r.t, openMemory(r.t))
	keys := rows.keys()
	r.rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	update(r.t, b, func(tx *vdb.Tx) error { return tx.CreateTable(r.schema) })
	for chunk := range slices.Chunk(keys, 50) {
		update(r.t, b, func(tx *vdb.Tx) error {
			for _, k := range chunk {
				if err := tx.Put("t", rows[k]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	s, err := b.Snapshot(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return s.Root()
}

func (r *modelRun) checkHistory() {
	for h, want := range r.commits {
		s, err := r.db.AsOf(r.t.Context(), h.String())
		if err != nil {
			r.t.Fatal(err)
		}
		r.same(s, want.rows)
	}
}

func TestAgainstModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for i, schema := range modelSchemas {
		r := &modelRun{
			t: t, rng: rand.New(rand.NewPCG(seed, uint64(i))), db: openMemory(t), schema: schema,
			branches: map[string]model{"main": {}}, commits: map[vdb.Hash]modelCommit{},
		}
		update(t, mainBranch(t, r.db), func(tx *vdb.Tx) error { return tx.CreateTable(schema) })
		r.commit("main")
		for step := range 120 {
			names := slices.SortedFunc(maps.Keys(r.branches), cmp.Compare[string])
			name := names[r.rng.IntN(len(names))]
			switch r.rng.IntN(8) {
			case 0:
				r.commit(name)
				fresh := fmt.Sprint("b", step)
				if _, err := r.db.CreateBranch(t.Context(), fresh, name); err != nil {
					t.Fatal(err)
				}
				r.branches[fresh] = maps.Clone(r.branches[name])
			case 1, 2:
				r.commit(name)
			default:
				r.transaction(name)
			}
		}
		r.checkHistory()
	}
}
