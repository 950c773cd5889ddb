package shell

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// Shell runs SQL and dot-commands. It is for one goroutine.
type Shell struct {
	// Style is how results are printed.
	Style format.Style
	// Bail ends a script at its first error.
	Bail bool

	conn   *sql.Conn
	stdout io.Writer
	stderr io.Writer
	out    *output

	echo, timer, changes bool
	// headersSet: .headers was used, so that .mode column leaves them alone.
	headersSet bool
	failed     bool
	quit       bool
	// interrupted: Ctrl-C has ended a statement. Nothing more of the same input is run.
	interrupted bool
	status      int // what .exit asked for
	depth       int // of .read in .read
	// where is the place of the statement that runs, such as "near line 7"; empty at
	// a prompt.
	where string
	// interrupt returns the context of one statement, which Ctrl-C ends.
	interrupt func(context.Context) (context.Context, context.CancelFunc)
}

// New returns a shell on a connection, which stays the caller's.
func New(conn *sql.Conn, stdout, stderr io.Writer) *Shell {
	return &Shell{
		Style:     format.New(),
		conn:      conn,
		stdout:    stdout,
		stderr:    stderr,
		out:       &output{Writer: stdout},
		interrupt: context.WithCancel,
	}
}

// OnInterrupt sets what makes the context of one statement, so that Ctrl-C can end
// the statement and not the shell.
func (s *Shell) OnInterrupt(fn func(context.Context) (context.Context, context.CancelFunc)) {
	s.interrupt = fn
}

// Failed reports whether a statement or command has failed.
func (s *Shell) Failed() bool { return s.failed }

// Status returns the exit code that .exit asked for, or 1 after an error.
func (s *Shell) Status() int {
	if s.status == 0 && s.failed {
		return 1
	}
	return s.status
}

// Close puts back what .output and .once redirected.
func (s *Shell) Close() error { return s.out.redirect(s.stdout, nil) }

// stopped reports whether nothing more is to be run.
func (s *Shell) stopped(ctx context.Context) bool {
	return s.quit || s.interrupted || s.Bail && s.failed || ctx.Err() != nil
}

// Settings runs a line of a dot-command, such as ".mode csv", before any script.
func (s *Shell) Settings(ctx context.Context, line string) {
	s.where = ""
	s.dot(ctx, line)
}

// report prints an error and remembers that there was one.
func (s *Shell) report(err error) {
	s.failed = true
	s.interrupted = s.interrupted || errors.Is(err, context.Canceled)
	place := "Error: "
	if s.where != "" {
		place = "Error " + s.where + ": "
	}
	fmt.Fprintln(s.stderr, place+Message(err))
}

// warn prints what is no error but should be known.
func (s *Shell) warn(format string, args ...any) {
	fmt.Fprintf(s.stderr, format+"\n", args...)
}

// block runs lines that were read together: a dot-command, or statements. line is
// the number of the first, 0 at a prompt.
func (s *Shell) block(ctx context.Context, text string, line int) {
	s.at(line)
	if s.echo {
		fmt.Fprintln(s.out, strings.TrimRight(text, "\n"))
	}
	if isDot(text) {
		s.dot(ctx, text)
		return
	}
	for statement := range sqltext.Statements(text) {
		if s.stopped(ctx) {
			return
		}
		if line > 0 {
			s.at(line + statement.Line - 1)
		}
		s.statement(ctx, statement.Of(text))
	}
}

func (s *Shell) at(line int) {
	s.where = ""
	if line > 0 {
		s.where = fmt.Sprintf("near line %d", line)
	}
}

func isDot(text string) bool { return strings.HasPrefix(text, ".") }
