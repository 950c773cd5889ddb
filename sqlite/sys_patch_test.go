package sqlite

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
	_ "modernc.org/sqlite"
)

// plainSQLite is a SQLite database to try patches on.
func plainSQLite(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// patch applies what leads from one revision to another to a plain database.
func (b *sysBench) patch(to *sql.DB, from, rev string) {
	b.Helper()
	for _, statement := range b.query("SELECT statement FROM dolt_patch(?, ?) ORDER BY statement_order", from, rev) {
		if _, err := to.Exec(statement); err != nil {
			b.Fatalf("patch from %s to %s: %s: %v", from, rev, statement, err)
		}
	}
}

// dump lists the columns, indexes and rows of a plain database.
func dump(t testing.TB, db *sql.DB) string {
	t.Helper()
	list := func(query string) []string {
		rows, err := db.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var all []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			all = append(all, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return all
	}
	out := list("SELECT type || ' ' || name || ' ' || tbl_name || CASE WHEN type <> 'table' THEN sql ELSE '' END FROM sqlite_schema WHERE name NOT LIKE 'sqlite_autoindex%' ORDER BY 1")
	for _, table := range list("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
		out = append(out, list("SELECT \"from\" || '>' || \"table\" FROM pragma_foreign_key_list("+literal(vdb.Text(table))+") ORDER BY 1")...)
		columns := list("SELECT quote(name) FROM pragma_table_xinfo(" + literal(vdb.Text(table)) + ") ORDER BY cid")
		out = append(out, list("SELECT name || '|' || type || '|' || \"notnull\" || '|' || coalesce(dflt_value, '-') || '|' || pk FROM pragma_table_xinfo("+literal(vdb.Text(table))+") ORDER BY cid")...)
		var quoted []string
		for _, c := range columns {
			quoted = append(quoted, "quote("+quote(strings.Trim(c, "'"))+")")
		}
		out = append(out, list("SELECT "+strings.Join(quoted, " || '|' || ")+" FROM "+quote(table)+" ORDER BY 1")...)
	}
	return strings.Join(out, "\n")
}

// TestSysPatch turns versions of a database into others, its neighbours and some
// more, by the statements of dolt_patch in a plain SQLite.
func TestSysPatch(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	b := newSysBench(t)
	b.write(func(tx *vdb.Tx) error {
		for _, s := range benchSchemas {
			if err := tx.CreateTable(s); err != nil {
				return err
			}
		}
		for i := range int64(20) {
			if err := tx.Insert("accounts", account(i, fmt.Sprint("it's ", i), i)); err != nil {
				return err
			}
		}
		return tx.Insert("notes", vdb.Row{vdb.Int(1), vdb.Int(3), vdb.Text("line\nline")})
	})
	b.commit("tables")
	for i, step := range patchSteps() {
		b.write(step)
		b.commit(fmt.Sprint("step ", i))
	}
	revs := b.query("SELECT commit_hash FROM dolt_log ORDER BY commit_order")
	states := map[string]string{}
	for _, rev := range revs {
		db := plainSQLite(t)
		b.patch(db, revs[0], rev)
		states[rev] = dump(t, db)
	}
	for i, from := range revs {
		for j, to := range revs {
			if i-j != 1 && j-i != 1 && random.IntN(8) > 0 {
				continue
			}
			db := plainSQLite(t)
			b.patch(db, revs[0], from)
			b.patch(db, from, to)
			if got := dump(t, db); got != states[to] {
				t.Fatalf("the patch from %d to %d leads to\n%s\nwant\n%s", i, j, got, states[to])
			}
		}
	}
}

// patchSteps change definitions and rows in all ways that a patch has to follow.
func patchSteps() []func(*vdb.Tx) error {
	text := func(name string) vdb.Column { return vdb.Column{Name: name, Type: "TEXT"} }
	return []func(*vdb.Tx) error{
		func(tx *vdb.Tx) error { return tx.Put("accounts", account(3, "changed", 33)) },
		func(tx *vdb.Tx) error { return tx.Delete("accounts", 5) },
		func(tx *vdb.Tx) error { return tx.AddColumn("accounts", text("mail")) },
		func(tx *vdb.Tx) error {
			return tx.Put("accounts", vdb.Row{vdb.Int(4), vdb.Text("NUL \x00 in it"), vdb.Int(1), vdb.Text("a@b")})
		},
		func(tx *vdb.Tx) error {
			return tx.CreateIndex("accounts", vdb.Index{Name: "names", Unique: true, Columns: []vdb.IndexColumn{{Name: "name"}}})
		},
		func(tx *vdb.Tx) error { // two rows change names
			if err := tx.Put("accounts", vdb.Row{vdb.Int(7), vdb.Text("it's 8"), vdb.Int(7), vdb.Null()}); err != nil {
				return err
			}
			return tx.Put("accounts", vdb.Row{vdb.Int(8), vdb.Text("it's 7"), vdb.Int(8), vdb.Null()})
		},
		func(tx *vdb.Tx) error { return tx.RenameColumn("accounts", "mail", "email") },
		func(tx *vdb.Tx) error { return tx.RenameTable("notes", "remarks") },
		func(tx *vdb.Tx) error {
			return tx.AlterColumn("accounts", vdb.Column{Name: "cents", Type: "REAL", Default: "0.5"})
		},
		func(tx *vdb.Tx) error {
			return tx.AddColumn("accounts", vdb.Column{Name: "class", Type: "TEXT", NotNull: true, Default: "'x'"})
		},
		func(tx *vdb.Tx) error { return tx.DropIndex("accounts", "names") },
		func(tx *vdb.Tx) error { return tx.DropColumn("accounts", "email") },
		func(tx *vdb.Tx) error { // two tables change names
			for _, r := range [][2]string{{"remarks", "t"}, {"accounts", "remarks"}, {"t", "accounts"}} {
				if err := tx.RenameTable(r[0], r[1]); err != nil {
					return err
				}
			}
			return nil
		},
		func(tx *vdb.Tx) error { return tx.DropForeignKey("accounts", "account") },
		func(tx *vdb.Tx) error { return tx.DropTable("remarks") },
		func(tx *vdb.Tx) error {
			return tx.CreateTable(vdb.Schema{Name: "log", Columns: []vdb.Column{text("line"), {Name: "n"}}})
		},
		func(tx *vdb.Tx) error {
			for i := range 5 {
				if err := tx.Put("log", vdb.Row{vdb.Text("same"), vdb.Float(float64(i % 2))}); err != nil {
					return err
				}
			}
			return nil
		},
		func(tx *vdb.Tx) error { return tx.Delete("log", 2) },
		func(tx *vdb.Tx) error { return tx.AlterColumn("log", vdb.Column{Name: "line", Type: "BLOB"}) },
		func(tx *vdb.Tx) error {
			return tx.CreateTable(vdb.Schema{Name: "pairs", Columns: []vdb.Column{text("a"), text("b"), {Name: "rowid", Type: "INTEGER"}},
				PrimaryKey: []string{"b", "a"}})
		},
		func(tx *vdb.Tx) error {
			return tx.Insert("pairs", vdb.Row{vdb.Text("x"), vdb.Text("y"), vdb.Int(1)})
		},
		func(tx *vdb.Tx) error {
			if err := tx.DropTable("pairs"); err != nil {
				return err
			}
			return tx.CreateTable(vdb.Schema{Name: "pairs", Columns: []vdb.Column{text("a"), text("b"), {Name: "rowid", Type: "INTEGER"}},
				PrimaryKey: []string{"a"}})
		},
	}
}

// TestSysPatchRows follows random changes of rows.
func TestSysPatchRows(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	b := newSysBench(t)
	b.write(func(tx *vdb.Tx) error {
		s := benchSchemas[0]
		s.Indexes = []vdb.Index{{Name: "names", Unique: true, Columns: []vdb.IndexColumn{{Name: "name"}}}}
		return tx.CreateTable(s)
	})
	b.commit("table")
	db := plainSQLite(t)
	b.patch(db, "HEAD~", "HEAD")
	for range 20 {
		b.write(func(tx *vdb.Tx) error {
			names := random.Perm(40) // so that rows take each other's names
			for id := range int64(40) {
				if random.IntN(3) == 0 {
					_ = tx.Delete("accounts", id) // it may not be there
				} else if err := tx.Put("accounts", account(id, fmt.Sprint(names[id]), random.Int64N(3))); err != nil {
					return err
				}
			}
			return nil
		})
		b.patch(db, "HEAD", "WORKING")
		b.commit("rows")
		want := plainSQLite(t)
		b.patch(want, "main~"+fmt.Sprint(len(b.query("SELECT 1 FROM dolt_log"))-1), "HEAD")
		if got, want := dump(t, db), dump(t, want); got != want {
			t.Fatalf("the patches lead to\n%s\nwant\n%s", got, want)
		}
	}
}

func TestSysPatchColumns(t *testing.T) {
	b := forkedSys(t)
	b.want("1|1|1|accounts|data\n2|1|1|accounts|data\n3|1|1|accounts|data", `SELECT statement_order, from_commit_hash = dolt_hashof('main'),
		to_commit_hash = dolt_hashof('feature'), table_name, diff_type FROM dolt_patch('main..feature')`)
	b.want(`DELETE FROM "accounts" WHERE "id" IS 2;
UPDATE "accounts" SET "name" = 'theirs' WHERE "id" IS 1;
INSERT INTO "accounts"("id", "name", "cents") VALUES (3, 'third', 30);`, "SELECT statement FROM dolt_patch('main', 'feature', 'accounts')")
	b.write(func(tx *vdb.Tx) error { return tx.AddColumn("accounts", vdb.Column{Name: "vip", Type: "INTEGER"}) })
	b.write(func(tx *vdb.Tx) error { return tx.Delete("accounts", 1) })
	b.want("WORKING|1|schema|ALTER TABLE \"accounts\" ADD COLUMN \"vip\" INTEGER;", "SELECT to_commit_hash, statement_order, diff_type, statement FROM dolt_patch('HEAD', 'WORKING') WHERE diff_type = 'schema'")
	b.want("1|DELETE FROM \"accounts\" WHERE \"id\" IS 1;", "SELECT statement_order, statement FROM dolt_patch('HEAD', 'WORKING') WHERE diff_type = 'data'")
	b.want("", "SELECT * FROM dolt_patch('HEAD', 'HEAD')")
	b.want("2", "SELECT count(*) FROM (SELECT * FROM dolt_patch('HEAD', 'WORKING') LIMIT 2)")
	b.fails("none", "SELECT * FROM dolt_patch('HEAD', 'WORKING', 'none')")
}
