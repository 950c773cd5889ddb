package shell

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/vdbgo/vdb/internal/sqltext"
)

// ErrInterrupted is what a Lines returns when Ctrl-C ended the line.
var ErrInterrupted = errors.New("interrupted")

// Lines is a prompt, which a person types at.
type Lines interface {
	// ReadLine returns a line without its end; io.EOF at the end, ErrInterrupted
	// after Ctrl-C. continued says that the line goes on with a statement.
	ReadLine(continued bool) (string, error)
}

// Script runs all of r.
func (s *Shell) Script(ctx context.Context, r io.Reader) {
	lines := &scriptLines{in: bufio.NewReader(r)}
	s.lines(ctx, lines, lines)
}

// Interact runs what is typed at a prompt until its end or .quit.
func (s *Shell) Interact(ctx context.Context, prompt Lines) { s.lines(ctx, prompt, nil) }

// lines runs lines, which are counted if they come from a script.
func (s *Shell) lines(ctx context.Context, in Lines, script *scriptLines) {
	var p pending
	for !s.stopped(ctx) {
		line, err := in.ReadLine(p.text.Len() > 0)
		if errors.Is(err, ErrInterrupted) {
			p = pending{}
			continue
		}
		if err != nil {
			s.last(ctx, &p, err)
			return
		}
		number := 0
		if script != nil {
			number = script.number
		}
		if p.add(line, number) {
			s.block(ctx, p.text.String(), p.line)
			p = pending{}
		}
		if script == nil {
			s.interrupted = false // the next line is a new input
		}
	}
}

// last runs what has no semicolon at the end of the input.
func (s *Shell) last(ctx context.Context, p *pending, err error) {
	if !errors.Is(err, io.EOF) {
		s.at(0)
		s.report(err)
		return
	}
	if p.text.Len() > 0 {
		s.block(ctx, p.text.String(), p.line)
	}
}

// pending is what was read of a statement.
type pending struct {
	text strings.Builder
	line int // the number of the first line
}

// add takes a line, and reports whether what there is can be run.
func (p *pending) add(line string, number int) bool {
	if p.text.Len() == 0 {
		if isDot(line) {
			p.text.WriteString(line)
			p.line = number
			return true
		}
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			return false
		}
		p.line = number
	}
	if p.text.Len() > 0 {
		p.text.WriteByte('\n')
	}
	p.text.WriteString(line)
	// Only a semicolon can have completed the text: this spares a look at all of it
	// for each line of a long statement.
	return strings.Contains(line, ";") && sqltext.Complete(p.text.String())
}

// scriptLines reads lines and counts them.
type scriptLines struct {
	in     *bufio.Reader
	number int
}

func (l *scriptLines) ReadLine(bool) (string, error) {
	line, err := l.in.ReadString('\n')
	if err != nil && line == "" {
		return "", err
	}
	l.number++
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
}
