package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb/internal/child"
	lib "modernc.org/sqlite/lib"
)

func TestMain(m *testing.M) {
	child.Main(m, map[string]child.Role{"teller": onDatabase(tell), "pairs": onDatabase(writePairs)})
}

// onDatabase is the role of a child that works on a database.
func onDatabase(work func(db *sql.DB, number int) error) child.Role {
	return func(number int, path string) error {
		db, err := sql.Open("vdb", dataSource(path))
		if err != nil {
			return err
		}
		defer db.Close()
		return work(db, number)
	}
}

// dataSource names a database whose transactions claim the branch when they begin.
func dataSource(path string) string {
	return "file:" + path + "?_txlock=immediate&author=Teller&_pragma=busy_timeout(30000)"
}

const (
	accounts     = 12
	tellers      = 6
	transfers    = 30 // of a teller
	centsAtFirst = 1000
)

// tell moves money between accounts: some is counted by single statements, some is
// moved by transactions, and now and then there is a commit.
func tell(db *sql.DB, number int) error {
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(uint64(number), 1))
	for i := range transfers {
		if _, err := db.ExecContext(ctx, "UPDATE counters SET n = n + 1 WHERE id = 0"); err != nil {
			return fmt.Errorf("count: %w", err)
		}
		if err := retried(func() error { return transfer(ctx, db, rng.IntN(accounts), rng.IntN(accounts), rng.IntN(50), number) }); err != nil {
			return fmt.Errorf("transfer: %w", err)
		}
		if i%10 != 0 {
			continue
		}
		if _, err := db.ExecContext(ctx, "SELECT dolt_commit('-am', ?, '--skip-empty')", fmt.Sprint("Teller ", number)); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	return nil
}

// retried runs a transaction again when it has lost a race.
func retried(transaction func() error) error {
	for {
		err := transaction()
		var coded interface{ Code() int }
		if !errors.As(err, &coded) || coded.Code()&0xff != lib.SQLITE_BUSY {
			return err
		}
	}
}

// transfer moves cents from an account to another, and counts it.
func transfer(ctx context.Context, db *sql.DB, from, to, cents, teller int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var have int
	if err := tx.QueryRowContext(ctx, "SELECT cents FROM accounts WHERE id = ?", from).Scan(&have); err != nil {
		return err
	}
	for _, s := range []struct {
		statement string
		args      []any
	}{
		{"UPDATE accounts SET cents = ? WHERE id = ?", []any{have - cents, from}},
		{"UPDATE accounts SET cents = cents + ? WHERE id = ?", []any{cents, to}},
		{"UPDATE counters SET n = n + 1 WHERE id = ?", []any{teller}},
		{"INSERT INTO transfers(source, target, cents) VALUES (?, ?, ?)", []any{from, to, cents}},
	} {
		if _, err := tx.ExecContext(ctx, s.statement, s.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// newBank makes a database with accounts, and closes it.
func newBank(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bank.vdb")
	a := openApp(t, "vdb", dataSource(path))
	a.run("CREATE TABLE accounts(id INTEGER PRIMARY KEY, cents INTEGER NOT NULL)",
		"CREATE TABLE counters(id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0)",
		"CREATE TABLE transfers(id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER, target INTEGER, cents INTEGER)",
		"CREATE INDEX transfers_source ON transfers(source)")
	for i := range accounts {
		a.exec("INSERT INTO accounts VALUES (?, ?)", i, centsAtFirst)
	}
	for i := range tellers + 1 {
		a.exec("INSERT INTO counters(id) VALUES (?)", i)
	}
	a.run("SELECT dolt_commit('-Am', 'Open')")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProcesses(t *testing.T) {
	path := newBank(t)
	var running sync.WaitGroup
	for n := 1; n <= tellers; n++ {
		cmd := child.Command("teller", n, path)
		running.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Errorf("process %d: %v", n, err)
			}
		})
	}
	running.Wait()
	a := openApp(t, "vdb", dataSource(path))
	a.want(fmt.Sprint(accounts*centsAtFirst), "SELECT sum(cents) FROM accounts")
	a.want(fmt.Sprint(tellers*transfers), "SELECT n FROM counters WHERE id = 0")
	a.want(fmt.Sprintf("%d|%d|%d", tellers, transfers, transfers), "SELECT count(*), min(n), max(n) FROM counters WHERE id > 0")
	a.want(fmt.Sprint(tellers*transfers), "SELECT count(*) FROM transfers")
	a.want("0", `SELECT count(*) FROM accounts AS a WHERE cents <> ? + (SELECT total(cents) FROM transfers WHERE target = a.id)
		- (SELECT total(cents) FROM transfers INDEXED BY transfers_source WHERE source = a.id)`, centsAtFirst)
	a.want("ok", "PRAGMA integrity_check")
}

// writePairs writes numbers that nobody else writes until it is killed: every one to
// a and b in one transaction, and then to c on its own. It says what is durable.
func writePairs(db *sql.DB, number int) error {
	ctx := context.Background()
	var mu sync.Mutex
	say := func(table string, n int) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(table, n)
	}
	const writers = 3
	failed := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := number*1_000_000 + w; ; i += writers {
				if err := writePair(ctx, db, i, say); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

func writePair(ctx context.Context, db *sql.DB, i int, say func(table string, n int)) error {
	err := retried(func() error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		for _, table := range []string{"a", "b"} {
			if _, err := tx.ExecContext(ctx, "INSERT INTO "+table+" VALUES (?, ?)", i, fmt.Sprint("row ", i)); err != nil {
				return err
			}
		}
		return tx.Commit()
	})
	if err != nil {
		return fmt.Errorf("write pair %d: %w", i, err)
	}
	say("a", i)
	if err := retried(func() error { _, err := db.ExecContext(ctx, "INSERT INTO c VALUES (?, ?)", i, i); return err }); err != nil {
		return fmt.Errorf("write %d: %w", i, err)
	}
	say("c", i)
	if i%16 != 0 {
		return nil
	}
	if _, err := db.ExecContext(ctx, "SELECT dolt_commit('-am', 'Pairs', '--skip-empty')"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Two processes write and are killed, again and again.
func TestKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "pairs.vdb")
	a := openApp(t, "vdb", dataSource(path))
	for _, table := range []string{"a", "b", "c"} {
		a.run("CREATE TABLE "+table+"(id INTEGER PRIMARY KEY, v TEXT)", "CREATE UNIQUE INDEX "+table+"_v ON "+table+"(v)")
	}
	a.run("SELECT dolt_commit('-Am', 'Empty')")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	all := 0
	for round := range 5 {
		all += len(killedRound(t, rng, path, round))
	}
	if all == 0 {
		t.Error("no process wrote anything before it was killed")
	}
	t.Logf("%d writes were acknowledged", all)
}

// killedRound runs two processes until they are killed, checks the database, and
// returns what they acknowledged.
func killedRound(t *testing.T, rng *rand.Rand, path string, round int) []string {
	t.Helper()
	var mu sync.Mutex
	var acknowledged []string
	var running sync.WaitGroup
	for n := range 2 {
		cmd, after := child.Command("pairs", 1+2*round+n, path), time.Duration(100+rng.IntN(400))*time.Millisecond
		running.Go(func() {
			lines, err := child.Killed(cmd, after)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			acknowledged = append(acknowledged, lines...)
		})
	}
	running.Wait()
	checkPairs(t, path, acknowledged)
	return acknowledged
}

func checkPairs(t *testing.T, path string, acknowledged []string) {
	t.Helper()
	a := openApp(t, "vdb", dataSource(path))
	defer a.Close()
	a.want("ok", "PRAGMA integrity_check")
	a.want("0", "SELECT count(*) FROM (SELECT * FROM a EXCEPT SELECT * FROM b UNION ALL SELECT * FROM b EXCEPT SELECT * FROM a)")
	a.want("", "SELECT id FROM c WHERE id NOT IN (SELECT id FROM a)")
	for _, line := range acknowledged {
		table, id, _ := strings.Cut(line, " ")
		var n int
		if err := a.QueryRow("SELECT count(*) FROM "+table+" WHERE id = ?", id).Scan(&n); err != nil || n != 1 {
			t.Fatalf("acknowledged row %s of table %s: %d rows, %v", id, table, n, err)
		}
	}
}
