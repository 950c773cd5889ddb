package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	lib "modernc.org/sqlite/lib"
)

// childRole names an environment variable that makes the test binary a process that
// works on a database: "role number path".
const childRole = "VDB_TEST_SQL_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		if err := runChild(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func runChild(role string) error {
	parts := strings.SplitN(role, " ", 3)
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return err
	}
	db, err := sql.Open("vdb", dataSource(parts[2]))
	if err != nil {
		return err
	}
	defer db.Close()
	switch parts[0] {
	case "pairs":
		return writePairs(db, number)
	}
	return fmt.Errorf("role %q", role)
}

// dataSource names a database whose transactions claim the branch when they begin.
func dataSource(path string) string {
	return "file:" + path + "?_txlock=immediate&author=Teller&_pragma=busy_timeout(30000)"
}

// child starts the test binary again.
func child(t *testing.T, role string, number int, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", childRole, role, number, path))
	cmd.Stderr = os.Stderr
	return cmd
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
		cmd, after := child(t, "pairs", 1+2*round+n, path), time.Duration(100+rng.IntN(400))*time.Millisecond
		running.Go(func() {
			lines, err := killed(cmd, after)
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

// killed runs a process until it is killed and returns the lines that it has printed.
func killed(cmd *exec.Cmd, after time.Duration) (printed []string, err error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a line without its end was not acknowledged
		}
		if err != nil {
			return nil, err
		}
		printed = append(printed, strings.TrimSpace(line))
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		return nil, fmt.Errorf("a writer was not killed: %w", err)
	}
	return printed, nil
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
