package shell_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/vdbgo/vdb/cmd/vdb/internal/shell"
)

// typed is a prompt at which lines are typed.
type typed struct {
	lines     []any // a string, or the error that the prompt returns
	continued []bool
}

func (p *typed) ReadLine(continued bool) (string, error) {
	p.continued = append(p.continued, continued)
	if len(p.lines) == 0 {
		return "", io.EOF
	}
	next := p.lines[0]
	p.lines = p.lines[1:]
	if err, ok := next.(error); ok {
		return "", err
	}
	return next.(string), nil
}

func TestInteract(t *testing.T) {
	sh, stdout, stderr := newShell(t)
	prompt := &typed{lines: []any{"select 1", "+ 1;", "", "select 2,", shell.ErrInterrupted, "nonsense;", ".print hi", "select 3;", ".quit", "select 4;"}}
	sh.Interact(context.Background(), prompt)
	if got, want := stdout.String(), "2\nhi\n3\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	if got, want := stderr.String(), "Error: near \"nonsense\": syntax error\n"; got != want {
		t.Errorf("reported %q, want %q", got, want)
	}
	if want := []bool{false, true, false, false, true, false, false, false, false}; !slices.Equal(prompt.continued, want) {
		t.Errorf("prompts continued %v, want %v", prompt.continued, want)
	}
	if !sh.Failed() || sh.Status() != 1 {
		t.Errorf("failed %v, status %d", sh.Failed(), sh.Status())
	}
}

func TestPromptFails(t *testing.T) {
	sh, _, stderr := newShell(t)
	sh.Interact(context.Background(), &typed{lines: []any{errors.New("terminal lost")}})
	if got, want := stderr.String(), "Error: terminal lost\n"; got != want {
		t.Errorf("reported %q, want %q", got, want)
	}
}

const endless = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n; SELECT 'same line';`

// TestInterrupt ends a statement that would never end, and the script with it. A
// prompt goes on with the next line.
func TestInterrupt(t *testing.T) {
	sh, stdout, stderr := newShell(t)
	interruptSoon(sh)
	sh.Script(context.Background(), strings.NewReader("\n"+endless+"\nSELECT 'next line';"))
	if got, want := stderr.String(), "Error near line 2: interrupted\n"; stdout.Len() > 0 || got != want || sh.Status() != 1 {
		t.Errorf("printed %q, reported %q, want %q, status %d", stdout, got, want, sh.Status())
	}
	sh, stdout, stderr = newShell(t)
	interruptSoon(sh)
	sh.Interact(context.Background(), &typed{lines: []any{endless, "SELECT 'next line';"}})
	if got, want := stdout.String(), "next line\n"; got != want || stderr.String() != "Error: interrupted\n" {
		t.Errorf("printed %q, want %q, reported %q", got, want, stderr)
	}
}

// interruptSoon is Ctrl-C, a moment after the first statement has begun.
func interruptSoon(sh *shell.Shell) {
	pressed := false
	sh.OnInterrupt(func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		if pressed {
			return ctx, cancel
		}
		pressed = true
		timer := time.AfterFunc(50*time.Millisecond, cancel) // Ctrl-C
		return ctx, func() { timer.Stop(); cancel() }
	})
}

func TestComplete(t *testing.T) {
	sh, _, _ := newShell(t)
	sh.Script(context.Background(), strings.NewReader(`CREATE TABLE customers(id, customer_name);`))
	for _, c := range []struct {
		word  string
		first bool
		want  []string
	}{
		{"custom", false, []string{"customer_name", "customers"}},
		{"CUSTOMERS", false, nil},
		{"sele", true, []string{"select"}},
		{"SELE", true, []string{"SELECT"}},
		{".he", true, []string{".headers", ".help"}},
		{".he", false, nil},
		{"group_c", false, []string{"group_concat"}},
		{"", true, nil},
	} {
		if got := sh.Complete(context.Background(), c.word, c.first); !slices.Equal(got, c.want) {
			t.Errorf("%q completes to %q, want %q", c.word, got, c.want)
		}
	}
}

// TestCommands sees that every command has what .help prints, and can be found.
func TestCommands(t *testing.T) {
	for _, c := range shell.Commands() {
		if !strings.HasPrefix(c.Usage, "."+c.Name) || c.Does == "" {
			t.Errorf("command %+v lacks help", c)
		}
		sh, stdout, stderr := newShell(t)
		sh.Settings(context.Background(), ".help "+c.Name)
		if !strings.Contains(stdout.String(), c.Usage) || stderr.Len() > 0 {
			t.Errorf(".help %s: %s%s", c.Name, stdout, stderr)
		}
	}
}

func newShell(t *testing.T) (sh *shell.Shell, stdout, stderr *bytes.Buffer) {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return shell.New(conn, stdout, stderr), stdout, stderr
}
