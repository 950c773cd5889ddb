package sqlite

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestAsOfAtRandom reads many versions through one connection, of two tables whose
// schemas change now and then: one at a time, two at once, and while rows of others are
// still open, which must not see another version meanwhile.
func TestAsOfAtRandom(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	b := newDriverBench(t)
	const rows = 40
	b.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, pad TEXT)", "CREATE INDEX by_n ON t (n)", "CREATE TABLE u (id TEXT PRIMARY KEY, n INTEGER)")
	for i := range rows {
		b.run(fmt.Sprintf("INSERT INTO t (id, n, pad) VALUES (%d, 0, printf('%%0500d', %d))", i, i), fmt.Sprintf("INSERT INTO u VALUES ('k%02d', 0)", i))
	}
	read := func(query string) string { return strings.Join(b.query(query), "\n") }
	const all, other = "SELECT * FROM t AS OF '%s' ORDER BY id", "SELECT * FROM u AS OF '%s' ORDER BY n, id"
	var commits, wantT, wantU []string
	for i := range 40 {
		b.run(fmt.Sprintf("UPDATE t SET n = n + 1 + id %% 2 WHERE id %% %d = 0", 1+r.IntN(7)), fmt.Sprintf("UPDATE u SET n = %d WHERE id LIKE '%%%d'", i, r.IntN(10)))
		if r.IntN(12) == 0 {
			b.run(fmt.Sprintf("ALTER TABLE t ADD COLUMN more%d INTEGER DEFAULT %d", i, i))
		}
		commits = append(commits, b.query("SELECT dolt_commit('-Am', 'more')")[0])
		wantT = append(wantT, read("SELECT * FROM t ORDER BY id"))
		wantU = append(wantU, read("SELECT * FROM u ORDER BY n, id"))
	}
	type open struct {
		rows *sql.Rows
		want []string
	}
	var opened []open
	var versions []int // that are read while statements are open
	for step := range 400 {
		if len(opened) == 0 {
			versions = r.Perm(len(commits))[:maxAttached]
		}
		pick := func() int {
			if len(opened) > 0 {
				return versions[r.IntN(len(versions))]
			}
			return r.IntN(len(commits))
		}
		i, j := pick(), pick()
		switch r.IntN(6) {
		case 0:
			if got := read(fmt.Sprintf(other, commits[i])); got != wantU[i] {
				t.Fatalf("step %d: u at %d is\n%s\nwant\n%s", step, i, got, wantU[i])
			}
		case 1:
			query := fmt.Sprintf("SELECT (SELECT sum(n) FROM t AS OF '%s'), (SELECT sum(n) FROM t AS OF '%s')", commits[i], commits[j])
			if got, want := read(query), fmt.Sprintf("%d|%d", sumOf(wantT[i]), sumOf(wantT[j])); got != want {
				t.Fatalf("step %d: sums at %d and %d are %s, want %s", step, i, j, got, want)
			}
		case 2:
			if i = versions[r.IntN(len(versions))]; len(opened) < 5 {
				rows, err := b.conn.QueryContext(t.Context(), fmt.Sprintf(all, commits[i]))
				b.check(err)
				opened = append(opened, open{rows, strings.Split(wantT[i], "\n")})
			}
		case 3:
			if len(opened) > 0 {
				k := r.IntN(len(opened))
				o := &opened[k]
				for range 1 + r.IntN(20) {
					if !o.rows.Next() {
						b.check(o.rows.Close())
						break
					}
					if got := rowText(b, o.rows); len(o.want) == 0 || got != o.want[0] {
						t.Fatalf("step %d: an open statement has the row %s, want %q", step, got, o.want)
					}
					o.want = o.want[1:]
				}
				if len(o.want) == 0 {
					b.check(o.rows.Close())
					opened = slices.Delete(opened, k, k+1)
				}
			}
		default:
			if got := read(fmt.Sprintf(all, commits[i])); got != wantT[i] {
				t.Fatalf("step %d: t at %d is\n%s\nwant\n%s", step, i, got, wantT[i])
			}
		}
	}
	for _, o := range opened {
		o.rows.Close()
	}
	var many []string
	for _, c := range commits[:maxAttached+1] {
		many = append(many, fmt.Sprintf("(SELECT sum(n) FROM t AS OF '%s')", c))
	}
	b.refuses("SELECT "+strings.Join(many, ", "), "too many versions", "7 at most")
	b.run("BEGIN")
	for i := range maxAttached {
		if got := read(fmt.Sprintf(all, commits[i])); got != wantT[i] {
			t.Fatalf("in a transaction: t at %d is\n%s\nwant\n%s", i, got, wantT[i])
		}
	}
	b.refuses(fmt.Sprintf(all, commits[maxAttached]), "too many versions", "of a transaction", "7 at most")
	b.run("COMMIT", "BEGIN IMMEDIATE", "UPDATE t SET n = -1 WHERE id = 1")
	b.want("SELECT n FROM t WHERE id = 1", nil, "-1")
	if got := read(fmt.Sprintf(all, commits[0])); got != wantT[0] {
		t.Fatalf("in a transaction that writes: t is\n%s\nwant\n%s", got, wantT[0])
	}
	b.run("COMMIT", "BEGIN EXCLUSIVE", "COMMIT")
}

// sumOf adds up the second column of rows.
func sumOf(rows string) (sum int) {
	for row := range strings.SplitSeq(rows, "\n") {
		var id, n int
		fmt.Sscanf(row, "%d|%d", &id, &n)
		sum += n
	}
	return sum
}

// rowText returns a row as tabBench.query does.
func rowText(b *tabBench, rows *sql.Rows) string {
	columns, err := rows.Columns()
	b.check(err)
	values, places := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		places[i] = &values[i]
	}
	b.check(rows.Scan(places...))
	var texts []string
	for _, v := range values {
		texts = append(texts, v.String)
	}
	return strings.Join(texts, "|")
}

// TestAsOfWithoutArgument: an error names the parameter that has no value.
func TestAsOfWithoutArgument(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY)")
	c.fails("number 2, is not given", "SELECT ?, id FROM t AS OF ?")
	c.fails("the parameter ?3 ", "SELECT id FROM t AS OF ?3")
	c.fails("the parameter :rev ", "SELECT id FROM t AS OF :rev")
}
