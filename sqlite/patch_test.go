package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/faultfs"
)

// patched is a database in a directory, with a table of which small transactions have
// been appended as patches.
func patched(t *testing.T) *console {
	t.Helper()
	c := &console{t: t}
	c.open(filepath.Join(t.TempDir(), "db"), nil)
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a, b)", "CREATE INDEX by_a ON t(a)", "SELECT dolt_commit('-Am', 'table')")
	return c
}

// open opens a database for the console.
func (c *console) open(dir string, o *vdb.Options) {
	c.t.Helper()
	var err error
	if c.store, err = vdb.Open(c.t.Context(), dir, o); err != nil {
		c.t.Fatal(err)
	}
	c.db = OpenDB(c.store, vdb.MainBranch)
	c.connect()
	store, db, conn := c.store, c.db, c.conn
	c.t.Cleanup(func() { conn.Close(); db.Close(); store.Close() })
}

// isPatched tells whether the newest root is a patch of the main branch.
func isPatched(t *testing.T, db *vdb.DB) bool {
	t.Helper()
	v, err := db.Engine().Working(t.Context(), vdb.MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	return !v.Settled()
}

// copyPatched writes to the database, and copies its files while the trees have not been
// edited yet, as they are after a crash.
func (c *console) copyPatched(statements ...string) (dir string) {
	c.t.Helper()
	for range 50 {
		c.run(statements...)
		dir = filepath.Join(c.t.TempDir(), "copy")
		if err := os.CopyFS(dir, os.DirFS(c.store.Path())); err != nil {
			c.t.Fatal(err)
		}
		db, err := vdb.Open(c.t.Context(), dir, &vdb.Options{ReadOnly: true})
		if err != nil {
			c.t.Fatal(err)
		}
		is := isPatched(c.t, db)
		if err := db.Close(); err != nil {
			c.t.Fatal(err)
		}
		if is {
			return dir
		}
	}
	c.t.Fatal("the copy was settled 50 times")
	return ""
}

const sumOfT = "SELECT count(*), sum(a), sum(length(b)), max(id) FROM t"

// TestPatchesReadBack: what was appended as patches is what everybody reads: this process
// and another, in SQL and not, who may write and who may not, before and after a crash.
func TestPatchesReadBack(t *testing.T) {
	c := patched(t)
	writes := []string{
		"INSERT INTO t(a, b) VALUES(1, 'one'), (2, zeroblob(5000)), (3, randomblob(70000))",
		"UPDATE t SET a = a + 10 WHERE id % 2 = 0", "DELETE FROM t WHERE id % 5 = 3",
		"INSERT OR REPLACE INTO t VALUES(4, 4, 'four')",
	}
	dir := c.copyPatched(writes...)
	sum, err := c.rows(sumOfT)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := c.rows("SELECT dolt_hashof_db()")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []*vdb.Options{{ReadOnly: true}, nil} { // the first one leaves it as it is
		d := &console{t: t}
		d.open(dir, o)
		if isPatched(t, d.store) != (o != nil) {
			t.Fatalf("with %+v it is patched or is not", o)
		}
		d.want(strings.TrimSpace(sum), sumOfT)
		d.want(strings.TrimSpace(hash), "SELECT dolt_hashof_db()")
		d.want("ok", "PRAGMA integrity_check")
		main, err := d.store.Branch(t.Context(), vdb.MainBranch)
		if err != nil {
			t.Fatal(err)
		}
		s, err := main.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.Count("t", vdb.Range{Index: "by_a"})
		if d.want(fmt.Sprint(n), "SELECT count(*) FROM t"); err != nil {
			t.Fatal(err)
		}
		report, err := d.store.Check(t.Context(), nil)
		if err != nil || !report.OK() {
			t.Fatalf("%+v, %v", report, err)
		}
	}
}

// TestPatchesElsewhere: patches that another process settles are still known to the one
// that has written them: it need not render its branch anew, and no write is refused.
func TestPatchesElsewhere(t *testing.T) {
	c := patched(t)
	other := &console{t: t}
	other.open(c.store.Path(), nil)
	c.run("INSERT INTO t(a) VALUES(0)")
	file := sharedFile(t, c)
	over := file.latest.over
	for i := 1; i < 20; i++ {
		c.run("BEGIN", "SELECT count(*) FROM t")
		other.want(fmt.Sprint(i), "SELECT count(*) FROM t")
		if isPatched(t, other.store) {
			t.Fatal("the other process has not settled")
		}
		c.run(fmt.Sprintf("INSERT INTO t(a) VALUES(%d)", i), "COMMIT")
	}
	if file.latest.over != over {
		t.Error("the branch was rendered anew")
	}
	other.run("INSERT INTO t(a) VALUES(20)")
	c.want("21|210", "SELECT count(*), sum(a) FROM t")
	c.run("INSERT INTO t(a) VALUES(21)")
	other.want("22|22", "SELECT count(*), max(id) FROM t")
}

// sharedFile returns the console's branch.
func sharedFile(t *testing.T, c *console) *branchFile {
	t.Helper()
	var file *branchFile
	err := c.conn.Raw(func(driverConn any) error {
		file = driverConn.(*conn).file.file
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestPatchesCollected: a collection keeps what patches lead to.
func TestPatchesCollected(t *testing.T) {
	c := patched(t)
	c.run("INSERT INTO t(a, b) VALUES(1, randomblob(100000))")
	want, err := c.rows("SELECT length(b), hex(substr(b, 90000)) FROM t")
	if err != nil {
		t.Fatal(err)
	}
	dir := c.copyPatched("UPDATE t SET a = a + 1")
	d := &console{t: t}
	d.open(dir, nil)
	if _, err := d.store.Collect(t.Context(), &vdb.CollectOptions{Full: true}); err != nil {
		t.Fatal(err)
	}
	d.want(strings.TrimSpace(want), "SELECT length(b), hex(substr(b, 90000)) FROM t")
}

// TestPatchesRecovered: a database that is damaged comes back with its newest patches.
func TestPatchesRecovered(t *testing.T) {
	c := patched(t)
	c.run("INSERT INTO t(a, b) VALUES(1, 'first')", "CREATE TABLE lost(a)", "INSERT INTO lost VALUES('findmeplease')", "SELECT dolt_commit('-Am', 'more')")
	dir := c.copyPatched("INSERT INTO t(a, b) VALUES(2, 'second')", "UPDATE t SET b = b || '+'")
	sum, err := c.rows(sumOfT)
	if err != nil {
		t.Fatal(err)
	}
	damage(t, dir, "findmeplease")
	to := filepath.Join(t.TempDir(), "new")
	report, err := vdb.Recover(t.Context(), dir, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Refs) == 0 {
		t.Errorf("nothing was lost: %+v", report)
	}
	d := &console{t: t}
	d.open(to, nil)
	d.run("SELECT dolt_checkout('" + report.Mended[0].Ref[len("heads/"):] + "')")
	d.want(strings.TrimSpace(sum), sumOfT)
}

// damage changes a byte wherever a text stands.
func damage(t *testing.T, dir, text string) {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(data, []byte(text)) {
			return err
		}
		found = true
		return os.WriteFile(path, bytes.ReplaceAll(data, []byte(text), []byte("!"+text[1:])), 0o600)
	})
	if err != nil || !found {
		t.Fatalf("%v, found: %v", err, found)
	}
}

// TestPatchesPurged: what was appended as a patch is gone from the files after a purge.
func TestPatchesPurged(t *testing.T) {
	c := patched(t)
	c.run("INSERT INTO t(a, b) VALUES(1, 'kept'), (2, 'forgetmeplease')", "SELECT dolt_commit('-Am', 'rows')", "INSERT INTO t(a) VALUES(3)")
	if _, err := c.store.Purge(t.Context(), vdb.Purge{Table: "t", Where: map[string]any{"id": 2}}); err != nil {
		t.Fatal(err)
	}
	c.want("2", "SELECT count(*) FROM t")
	c.conn.Close()
	c.db.Close()
	if err := c.store.Close(); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(c.store.Path(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("forgetmeplease")) {
			t.Errorf("%s has the row", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPatchesAmongOthers has many write at once, in SQL and not, on branches of their own
// and on one, through two handles, while others read, collect and commit. Each counter must
// be what was confirmed, and the trees what a new database makes of the same rows.
func TestPatchesAmongOthers(t *testing.T) {
	c := patched(t)
	other := &console{t: t}
	other.open(c.store.Path(), nil)
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	const counters = 4
	for i := range counters {
		c.run(fmt.Sprintf("INSERT INTO t VALUES(%d, 0, '')", i+1))
	}
	c.run("SELECT dolt_commit('-Am', 'counters')", "SELECT dolt_branch('side')")
	var wg sync.WaitGroup
	var confirmed [counters]int
	for i := range counters {
		store, branch := []*vdb.DB{c.store, other.store}[i%2], []string{"main", "side"}[i/2]
		db := OpenDB(store, branch)
		t.Cleanup(func() { db.Close() })
		wg.Go(func() { confirmed[i] = count(ctx, t, db, i+1) })
	}
	wg.Go(func() { disturb(ctx, t, c.store, other.store) })
	wg.Wait()
	for i, branch := range []string{"main", "main", "side", "side"} {
		for _, store := range []*vdb.DB{c.store, other.store} {
			db := OpenDB(store, branch)
			var n int
			if err := db.QueryRow("SELECT a FROM t WHERE id = ?", i+1).Scan(&n); err != nil || n != confirmed[i] {
				t.Errorf("counter %d is %d, %v; %d were confirmed", i+1, n, err, confirmed[i])
			}
			db.Close()
		}
		if confirmed[i] == 0 {
			t.Errorf("counter %d was not counted", i+1)
		}
	}
	report, err := c.store.Check(t.Context(), nil)
	if err != nil || !report.OK() {
		t.Fatalf("%+v, %v", report, err)
	}
}

// count counts a row up until the context ends, and returns how often that was confirmed.
func count(ctx context.Context, t *testing.T, db *sql.DB, id int) (n int) {
	for ctx.Err() == nil {
		if _, err := db.ExecContext(t.Context(), "UPDATE t SET a = a + 1, b = b || 'x' WHERE id = ?", id); err == nil {
			n++
		} else if !strings.Contains(err.Error(), "SQLITE_BUSY") {
			t.Errorf("counter %d: %v", id, err)
			return n
		}
	}
	return n
}

// disturb does what others do until the context ends.
func disturb(ctx context.Context, t *testing.T, stores ...*vdb.DB) {
	rng := rand.New(rand.NewPCG(1, 2))
	for ctx.Err() == nil {
		store := stores[rng.IntN(len(stores))]
		main, err := store.Branch(t.Context(), vdb.MainBranch)
		if err == nil {
			err = disturbOnce(t.Context(), rng, main)
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}

func disturbOnce(ctx context.Context, rng *rand.Rand, main *vdb.Branch) error {
	switch rng.IntN(5) {
	case 0:
		_, err := main.Commit(ctx, vdb.Message{Text: "some", AllowEmpty: true})
		return err
	case 1:
		_, err := main.DB().Collect(ctx, &vdb.CollectOptions{Full: rng.IntN(2) == 0})
		return err
	case 2:
		return main.Update(ctx, func(tx *vdb.Tx) error {
			return tx.Put("t", vdb.Row{vdb.Int(int64(100 + rng.IntN(50))), vdb.Int(1), vdb.Text("typed")})
		})
	case 3:
		return main.View(ctx, func(s *vdb.Snapshot) error {
			for _, err := range s.Rows("t", vdb.Range{}) {
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	time.Sleep(time.Duration(rng.IntN(30)) * time.Millisecond)
	return nil
}

// TestPatchesPowerFailure stops the power at some operation of the disk, while rows are
// written one by one, settled, and committed, and takes back a part of what was not
// synced. All that was confirmed must be there, and of what was not all or nothing.
func TestPatchesPowerFailure(t *testing.T) {
	eachSeed(t, 2*time.Second, func(t *testing.T, seed uint64) {
		p := &powerFailure{t: t, rng: rand.New(rand.NewPCG(seed, 3)), disk: faultfs.New()}
		p.run()
	})
}

type powerFailure struct {
	t    *testing.T
	rng  *rand.Rand
	disk *faultfs.FS
	// confirmed is the highest row that was confirmed.
	confirmed int
}

func (p *powerFailure) run() {
	must := func(err error) {
		if err != nil {
			p.t.Fatal(err)
		}
	}
	must(p.live(func(db *sql.DB) error {
		_, err := db.Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE INDEX by_a ON t(a)")
		return err
	}))
	for range 3 {
		p.disk.Stop(p.disk.Ops() + p.rng.IntN(60))
		if p.live(p.write) == nil {
			p.t.Fatal("the power has not failed")
		}
		p.disk = p.disk.Crash(p.rng, []faultfs.Granularity{faultfs.Writes, faultfs.Sectors}[p.rng.IntN(2)])
		must(p.live(p.check))
	}
}

// live opens the database for a while.
func (p *powerFailure) live(fn func(*sql.DB) error) error {
	store, err := vdb.Open(p.t.Context(), "db", &vdb.Options{FS: p.disk})
	if err != nil {
		return err
	}
	defer store.Close()
	db := OpenDB(store, vdb.MainBranch)
	defer db.Close()
	return fn(db)
}

// write writes rows until the power fails: the next one, and one before anew.
func (p *powerFailure) write(db *sql.DB) error {
	for {
		n := p.confirmed + 1
		tx, err := db.Begin()
		if err == nil {
			_, err = tx.Exec("INSERT INTO t VALUES(?, ?, ?)", n, n%7, strings.Repeat("x", p.rng.IntN(1+p.rng.IntN(9000))))
		}
		if err == nil {
			_, err = tx.Exec("UPDATE t SET a = a + 1, b = b || '.' WHERE id = ?", 1+p.rng.IntN(n))
		}
		if err == nil {
			err = tx.Commit()
		}
		if err != nil {
			return err
		}
		p.confirmed = n
		switch p.rng.IntN(6) {
		case 0:
			_, err = db.Exec("SELECT dolt_commit('-Am', 'some')")
		case 1:
			_, err = db.Exec("SELECT dolt_hashof_db()")
		}
		if err != nil {
			return err
		}
	}
}

// check reads what is there. Each row brought one, by 1 or as a row, to the sum.
func (p *powerFailure) check(db *sql.DB) error {
	var rows, newest, sum int
	var ok string
	err := db.QueryRow("SELECT count(*), coalesce(max(id), 0), coalesce(sum(a - id % 7), 0) FROM t").Scan(&rows, &newest, &sum)
	if err == nil {
		err = db.QueryRow("PRAGMA integrity_check").Scan(&ok)
	}
	if err != nil {
		return err
	}
	if rows != newest || sum != rows || ok != "ok" || newest != p.confirmed && newest != p.confirmed+1 {
		p.t.Errorf("%d rows up to %d, changed %d times, %s; %d were confirmed", rows, newest, sum, ok, p.confirmed)
	}
	p.confirmed = newest
	return nil
}

// TestPatchesMergedMeanwhile merges branches of which SQL has to finish the full-text index,
// while another branch is patched: nobody may wait for what waits for it.
func TestPatchesMergedMeanwhile(t *testing.T) {
	c := patched(t)
	c.run("CREATE VIRTUAL TABLE f USING fts5(a)", "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)", "INSERT INTO f VALUES('one')", "SELECT dolt_commit('-Am', 'text')", "SELECT dolt_branch('side')", "SELECT dolt_branch('busy')")
	side, busy := OpenDB(c.store, "side"), OpenDB(c.store, "busy")
	defer side.Close()
	defer busy.Close()
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if _, err := busy.Exec("INSERT INTO t(a) VALUES(?)", i); err != nil && !strings.Contains(err.Error(), "SQLITE_BUSY") {
				t.Error(err)
				return
			}
		}
	})
	defer wg.Wait()
	defer stop()
	for i := range 10 {
		statements := []string{
			fmt.Sprintf("INSERT INTO f(rowid, a) VALUES(%d, 'side')", 1000+i), fmt.Sprintf("INSERT INTO r VALUES(%d, 1, 2)", 1000+i), "SELECT dolt_commit('-Am', 'side')",
		}
		for _, s := range statements {
			if _, err := side.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
		c.run(fmt.Sprintf("INSERT INTO f(rowid, a) VALUES(%d, 'main')", 10+i), fmt.Sprintf("INSERT INTO r VALUES(%d, 1, 2)", i), "SELECT dolt_commit('-Am', 'main')", "SELECT dolt_merge('side')")
		c.want(fmt.Sprintf("%d|%d", i+1, 2*(i+1)), "SELECT (SELECT count(*) FROM f WHERE f MATCH 'side'), (SELECT count(*) FROM r)")
		if _, err := side.Exec("SELECT dolt_merge('main')"); err != nil {
			t.Fatal(err)
		}
	}
}
