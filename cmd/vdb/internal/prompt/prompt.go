// Package prompt is the line that a person types at: with editing, history and
// completion, on a terminal.
package prompt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"unicode"

	"github.com/peterh/liner"

	"github.com/vdbgo/vdb/cmd/vdb/internal/shell"
)

// Prompt reads lines from the terminal. There can be one at a time.
type Prompt struct {
	lines   *liner.State
	history string // the file of the history; empty for none
}

// New returns a prompt whose history is kept in a file. complete returns what a word
// may become; first says that the word begins its line.
func New(history string, complete func(word string, first bool) []string) *Prompt {
	p := &Prompt{lines: liner.NewLiner(), history: history}
	p.lines.SetCtrlCAborts(true)
	p.lines.SetTabCompletionStyle(liner.TabPrints)
	p.lines.SetWordCompleter(func(line string, at int) (string, []string, string) {
		head, word, tail := cut(line, at)
		return head, complete(word, head == ""), tail
	})
	if file, err := os.Open(history); err == nil {
		// A history that cannot be read is no reason not to have a prompt.
		_, _ = p.lines.ReadHistory(file)
		file.Close()
	}
	return p
}

// cut finds the word before a position, which counts characters.
func cut(line string, at int) (head, word, tail string) {
	runes := []rune(line)
	begin := at
	for begin > 0 && inWord(runes[begin-1]) {
		begin--
	}
	return string(runes[:begin]), string(runes[begin:at]), string(runes[at:])
}

func inWord(r rune) bool {
	return r == '_' || r == '.' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// ReadLine implements [shell.Lines].
func (p *Prompt) ReadLine(continued bool) (string, error) {
	prompt := "vdb> "
	if continued {
		prompt = "...> "
	}
	line, err := p.lines.Prompt(prompt)
	if errors.Is(err, liner.ErrPromptAborted) {
		return "", shell.ErrInterrupted
	}
	if err == nil && strings.TrimSpace(line) != "" {
		p.lines.AppendHistory(line)
	}
	return line, err
}

// Interruptible returns a context for a statement, which Ctrl-C ends.
//
// On Ctrl-C, Linux drops what a terminal has not taken yet, and may leave asleep who was
// waiting to write more; to set the terminal's mode wakes it.
func Interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt)
	mode, err := liner.TerminalMode()
	if err != nil {
		return ctx, stop
	}
	woken := make(chan struct{})
	ended := context.AfterFunc(ctx, func() {
		_ = mode.ApplyMode() // it is the mode that there is
		close(woken)
	})
	return ctx, sync.OnceFunc(func() {
		if !ended() {
			<-woken // before there is another mode
		}
		stop()
	})
}

// Close gives the terminal back and saves the history.
func (p *Prompt) Close() error {
	err := p.lines.Close()
	if p.history == "" {
		return err
	}
	// Statements may hold secrets: the file is for its owner alone.
	file, e := os.OpenFile(p.history, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if e != nil {
		return fmt.Errorf("save history: %w", e)
	}
	if _, e := p.lines.WriteHistory(file); err == nil {
		err = e
	}
	if e := file.Close(); err == nil {
		err = e
	}
	return err
}
