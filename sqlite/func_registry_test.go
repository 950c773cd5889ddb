package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

func TestFunctionFlags(t *testing.T) {
	b := newBench(t)
	for _, stmt := range []string{
		"CREATE TABLE local(x)", "CREATE VIEW reads AS SELECT active_branch() AS branch, dolt_hashof('HEAD') AS hash",
		"CREATE VIEW writes AS SELECT dolt_branch('from_a_view')",
		"CREATE TRIGGER writer AFTER INSERT ON local BEGIN SELECT dolt_branch('from_a_trigger'); END",
	} {
		if _, err := b.conn.ExecContext(t.Context(), stmt); err != nil {
			t.Fatalf("%s: %v", stmt, err)
		}
	}
	b.want("main", "SELECT branch FROM reads WHERE hash = dolt_hashof('main')")
	b.fails([]string{"unsafe use of dolt_branch"}, "SELECT * FROM writes")
	b.fails([]string{"unsafe use of dolt_branch"}, "INSERT INTO local VALUES (1) RETURNING x")
	b.wantBranches("main")
}

// An error has the code that SQLite has for its kind.
func TestFunctionCodes(t *testing.T) {
	b := forkedBench(t, true)
	for _, c := range []struct {
		query string
		code  int
	}{
		{"SELECT dolt_merge('nope')", lib.SQLITE_ERROR},
		{"SELECT dolt_merge('work')", lib.SQLITE_CONSTRAINT},
		{"SELECT dolt_commit('-Am', 'too early')", lib.SQLITE_CONSTRAINT},
	} {
		_, err := b.query(c.query)
		var coded *driver.Error
		if !errors.As(err, &coded) || coded.Code() != c.code {
			t.Errorf("%s: %v, want code %d", c.query, err, c.code)
		}
	}
	if err := withCode(fmt.Errorf("write: %w", vdb.ErrReadOnly)); err.(*functionError).Code() != lib.SQLITE_READONLY || !errors.Is(err, vdb.ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
}

// Connections have a branch and an author each.
func TestTwoConnections(t *testing.T) {
	b := newBench(t)
	other := &bench{t: t, db: b.db}
	other.connect()
	b.want("0", "SELECT dolt_checkout('-b', 'work')")
	b.want("0", "SELECT dolt_config('user.name', 'Billing')")
	other.want("main", "SELECT active_branch()")
	other.want("Support", "SELECT dolt_config('user.name')")
	hash := other.commitPut(1, "main", "on main")
	b.want(hash, "SELECT dolt_hashof('main')")
	b.want("0", "SELECT dolt_hashof('HEAD') = dolt_hashof('main')")
	b.want(hash, "SELECT dolt_merge('main')")
}

// Whatever the functions are given, in any order, they fail or do what they say:
// the connection stays on a branch that there is, and rows keep the rules unless
// a merge is in progress.
func TestFunctionsAtRandom(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	b := newBench(t)
	pick := func(from []any) any { return from[rng.IntN(len(from))] }
	vocabulary := []any{
		nil, "", int64(1), 1.5, []byte("x"), "main", "work", "accounts", "notes", "draft", ".", "HEAD", "HEAD~", "WORKING", "STAGED",
		"v1", "main..work", "nope", "--", "text", "Audit <a@bank.example>", "id = 1", "user.name", "drop", "-am", "-Am", "-b", "'",
	}
	for _, c := range []*command{commitCommand, branchCommand, mergeCommand, rebaseCommand, resetCommand, revertCommand, restoreCommand} {
		for _, f := range c.flags {
			vocabulary = append(vocabulary, "--"+f.long)
		}
	}
	succeeded := 0
	for step := range 3000 {
		f := systemFunctions[rng.IntN(len(systemFunctions))]
		args := make([]any, rng.IntN(4))
		for i := range args {
			args[i] = pick(vocabulary)
		}
		what := fmt.Sprintf("seed %d, step %d: %s%q", seed, step, f.name, args)
		query := "SELECT " + f.name + "(" + strings.TrimSuffix(strings.Repeat("?,", len(args)), ",") + ")"
		_, err := b.query(query, args...)
		switch {
		case err == nil:
			succeeded++
		case strings.Contains(err.Error(), "panic") || strings.Contains(err.Error(), "no such function"):
			t.Fatalf("%s: %v", what, err)
		}
		if step%10 == 0 {
			_ = b.branch("").Update(t.Context(), func(tx *vdb.Tx) error { return randomWrite(tx, rng) })
		}
		if err := b.sound(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if succeeded < 100 {
		t.Errorf("seed %d: %d calls succeeded", seed, succeeded)
	}
}

func randomWrite(tx *vdb.Tx, rng *rand.Rand) error {
	id := rng.Int64N(5)
	switch rng.IntN(4) {
	case 0:
		return tx.CreateTable(vdb.Schema{Name: "draft", Columns: []vdb.Column{{Name: "x", Type: "TEXT"}}})
	case 1:
		return tx.Put("notes", vdb.Row{vdb.Int(id), vdb.Int(id), vdb.Text("note")})
	case 2:
		return tx.Delete("accounts", id)
	}
	return tx.Put("accounts", vdb.Row{vdb.Int(id), vdb.Text(fmt.Sprint(rng.Int())), vdb.Int(0)})
}

// sound tells what is wrong with the connection's branch.
func (b *bench) sound() error {
	ctx := b.t.Context()
	branch, err := b.s.working(ctx)
	if err != nil {
		return err
	}
	if _, err := branch.Merging(ctx); err == nil {
		return nil
	}
	s, err := branch.Snapshot(ctx)
	if err != nil {
		return err
	}
	for v, err := range s.Violations(nil) {
		return errors.Join(err, errors.New(v.String()))
	}
	return nil
}
