//go:build linux || darwin

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// asShell is set in the environment of a test binary that is to be the shell.
const asShell = "VDB_TEST_AS_SHELL"

func TestMain(m *testing.M) {
	if os.Getenv(asShell) != "" {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestPrompt types at a terminal: a statement of two lines, a completion, one that
// Ctrl-C interrupts, one from the history, and Ctrl-D.
func TestPrompt(t *testing.T) {
	home := t.TempDir()
	p := newTerminal(t, home, filepath.Join(home, "new.vdb"))
	p.expect("new.vdb is a new database")
	// Lines are painted anew with each key, so only what statements print is waited for.
	p.send("create table customers(id,\r")
	p.expect("...> ")
	p.send("name); select upper('created');\r")
	p.expect("CREATED")
	p.send("insert into custome\t values(1,'Anna'); select upper('inserted');\r")
	p.expect("INSERTED")
	p.send("with recursive n(i) as (select 1 union all select i+1 from n) select upper('running') from n;\r")
	p.expect("RUNNING")
	p.send("\x03")
	p.expect("Error: interrupted")
	p.send("select 'half")
	p.expect("half") // the prompt has the terminal: Ctrl-C is a key, no signal
	p.send("\x03")
	p.send("select upper(name)||'!' from customers;\r")
	p.expect("ANNA!")
	p.send("\x1b[A\r") // up
	p.expect("ANNA!")
	p.send("\x04")
	if err := p.command.Wait(); err == nil || p.command.ProcessState.ExitCode() != 1 {
		t.Errorf("the shell ended with %v, want exit status 1 for the interrupted statement", err)
	}
	history, err := os.ReadFile(filepath.Join(home, ".vdb_history"))
	if err != nil || !strings.Contains(string(history), "select upper(name)||'!' from customers;") {
		t.Errorf("history %q, %v", history, err)
	}
}

// dialog is a shell in a terminal.
type dialog struct {
	t       *testing.T
	command *exec.Cmd
	tty     *os.File
	seen    string // what it printed since the last expectation
}

func newTerminal(t *testing.T, home string, args ...string) *dialog {
	t.Helper()
	command := exec.Command(os.Args[0], args...)
	command.Env = append(os.Environ(), asShell+"=1", "HOME="+home, "TERM=xterm")
	tty, err := pty.StartWithSize(command, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tty.Close()
		_ = command.Process.Kill() // no error if it has ended
	})
	return &dialog{t: t, command: command, tty: tty}
}

func (d *dialog) send(text string) {
	d.t.Helper()
	if _, err := io.WriteString(d.tty, text); err != nil {
		d.t.Fatal(err)
	}
}

// expect reads until the shell has printed text. It waits for as long as the test may.
func (d *dialog) expect(text string) {
	d.t.Helper()
	buffer := make([]byte, 4096)
	for {
		if _, after, found := strings.Cut(d.seen, text); found {
			d.seen = after
			return
		}
		n, err := d.tty.Read(buffer)
		if err != nil {
			d.t.Fatalf("expected %q, and the shell ended (%v) after %q", text, err, d.seen)
		}
		d.seen += string(buffer[:n])
	}
}
