package vdb_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/vdbgo/vdb"
)

// replayed is what an oracle that has seen each commit knows of one row.
type replayed struct {
	commit string
	kind   vdb.ChangeKind
	row    string
}

func TestHistoryAndBlameAgainstReplay(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	db := openMemory(t)
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(things) })
	commit(t, main, "create")
	table, width := "things", 3
	known := map[int64][]replayed{} // newest last
	rows := map[int64]string{}
	for round := range 60 {
		touched := map[int64]bool{}
		update(t, main, func(tx *vdb.Tx) error {
			for range r.IntN(4) {
				id := r.Int64N(12)
				touched[id] = true
				if r.IntN(4) == 0 {
					if err := tx.Delete(table, id); err != nil && !errors.Is(err, vdb.ErrNotFound) {
						return err
					}
					continue
				}
				row := thing(id, fmt.Sprint("v", r.IntN(3)), make([]int64, width-1)...)
				if err := tx.Put(table, row); err != nil {
					return err
				}
			}
			return nil
		})
		name := fmt.Sprint("round ", round)
		schemaChange(t, main, round, &table, &width)
		if _, err := main.Commit(t.Context(), vdb.Message{Text: name, AllowEmpty: true}); err != nil {
			t.Fatal(err)
		}
		for id := range touched {
			row, err := asOf(t, main, "HEAD").Get(table, id)
			text := ""
			if err == nil {
				text = row[1].Text()
			}
			switch was := rows[id]; {
			case was == text:
			case text == "":
				known[id] = append(known[id], replayed{name, vdb.Deleted, ""})
			case was == "":
				known[id] = append(known[id], replayed{name, vdb.Added, text})
			default:
				known[id] = append(known[id], replayed{name, vdb.Modified, text})
			}
			rows[id] = text
		}
	}
	for id := range int64(12) {
		var got []replayed
		for v, err := range main.History(t.Context(), table, id) {
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			if v.Row != nil {
				text = v.Row[1].Text()
			}
			got = append([]replayed{{v.Commit.Text, v.Kind, text}}, got...)
		}
		if fmt.Sprint(got) != fmt.Sprint(known[id]) {
			t.Errorf("row %d:\n%v, want\n%v", id, got, known[id])
		}
	}
	blamed := 0
	for b, err := range main.Blame(t.Context(), table, vdb.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		blamed++
		list := known[b.Key[0].Int()]
		if want := list[len(list)-1]; want.commit != b.Commit.Text || want.row != b.Row[1].Text() {
			t.Errorf("row %v blamed on %s, want %v", b.Row, b.Commit.Text, want)
		}
	}
	if n, err := asOf(t, main, "HEAD").Count(table, vdb.Range{}); err != nil || n != uint64(blamed) {
		t.Errorf("%d rows blamed of %d, %v", blamed, n, err)
	}
}

// schemaChange changes the table in some rounds without changing a row.
func schemaChange(t testing.TB, main *vdb.Branch, round int, table *string, width *int) {
	t.Helper()
	update(t, main, func(tx *vdb.Tx) error {
		switch round {
		case 10:
			err := tx.RenameTable(*table, "goods")
			*table = "goods"
			return err
		case 20:
			*width++
			return tx.AddColumn(*table, vdb.Column{Name: "extra", Type: "INT", Default: "0"})
		case 30:
			*width--
			return tx.DropColumn(*table, "b")
		case 40:
			return tx.RenameColumn(*table, "a", "label")
		}
		return nil
	})
}

func TestHistoryOfDroppedTable(t *testing.T) {
	db, main := thingsDB(t)
	update(t, main, func(tx *vdb.Tx) error { return tx.DropTable("things") })
	commit(t, main, "drop")
	var got []string
	for v, err := range db.History(t.Context(), "Things", 1) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(v.Commit.Text, " ", v.Kind, " ", v.Row))
	}
	wantLines(t, got, []string{"drop deleted []", "things added [1 't' 10 100]"})
	for _, err := range db.History(t.Context(), "nope", 1) {
		wantError(t, err, vdb.ErrNotFound)
	}
	for _, err := range db.History(t.Context(), "things", 1, 2) {
		wantError(t, err, vdb.ErrInvalid)
	}
	for _, err := range db.Blame(t.Context(), "things", vdb.Range{}) {
		wantError(t, err, vdb.ErrNotFound)
	}
}

func TestBlameRange(t *testing.T) {
	db, main := thingsDB(t)
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("things", thing(1, "x", 1, 1)) })
	commit(t, main, "one")
	var got []string
	for b, err := range db.Blame(t.Context(), "things", vdb.Range{From: []any{1}, Backward: true}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(b.Key, b.Commit.Text))
	}
	wantLines(t, got, []string{"[2]things", "[1]one"})
}
