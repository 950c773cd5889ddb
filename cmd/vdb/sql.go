package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/vdbgo/vdb/cmd/vdb/internal/prompt"
	"github.com/vdbgo/vdb/cmd/vdb/internal/shell"
)

type sqlCmd struct {
	DB       string   `arg:"positional,required" placeholder:"DBPATH" help:"The database, a directory; it is created if there is none. :memory: is one in memory."`
	SQL      []string `arg:"positional" placeholder:"SQL" help:"SQL or a dot-command to run."`
	Branch   string   `arg:"-b,--branch" default:"main" help:"The branch to work on, or a revision to read."`
	ReadOnly bool     `arg:"--read-only" help:"Refuse to write."`
	Bail     bool     `arg:"--bail" help:"Stop at the first error."`
	Header   bool     `arg:"--header" help:"Print the columns' names."`
	Mode     string   `arg:"--mode" default:"list" help:"How rows are printed; .help mode lists the ways."`
}

// Run runs SQL from the arguments, from standard input, or from a prompt.
func (c *sqlCmd) Run(ctx context.Context, con *console) (err error) {
	db, created, err := openSQL(ctx, c.DB, c.Branch, c.ReadOnly)
	if err != nil {
		return err
	}
	defer func() {
		if e := db.Close(); err == nil {
			err = e
		}
	}()
	if created && terminal(con.err) {
		fmt.Fprintf(con.err, "%s is a new database\n", c.DB)
	}
	sh := shell.New(db.conn, con.out, con.err)
	c.settings(ctx, sh)
	if len(c.SQL) == 0 && terminal(con.in) {
		err = prompted(ctx, con, sh)
	} else {
		err = c.script(ctx, con, sh)
	}
	if e := sh.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if status := sh.Status(); status != 0 {
		return errStatus(status)
	}
	return nil
}

func (c *sqlCmd) settings(ctx context.Context, sh *shell.Shell) {
	sh.Bail = c.Bail
	if c.Mode != "list" {
		sh.Settings(ctx, ".mode '"+c.Mode+"'")
	}
	if c.Header {
		sh.Settings(ctx, ".headers on")
	}
}

// script runs the arguments or standard input. Ctrl-C ends it, a second one the process.
func (c *sqlCmd) script(ctx context.Context, con *console, sh *shell.Shell) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop)
	for _, text := range c.SQL {
		sh.Script(ctx, strings.NewReader(text))
	}
	if len(c.SQL) == 0 {
		sh.Script(ctx, con.in)
	}
	if ctx.Err() != nil {
		return errStatus(1)
	}
	return nil
}

// prompted runs what is typed at a prompt. Ctrl-C ends the statement that runs.
func prompted(ctx context.Context, con *console, sh *shell.Shell) error {
	// Between two statements it does nothing: it came too late.
	late := make(chan os.Signal, 1)
	signal.Notify(late, os.Interrupt)
	defer signal.Stop(late)
	sh.OnInterrupt(prompt.Interruptible)
	fmt.Fprintf(con.out, "%s\nStatements end with a semicolon; .help lists the other commands, .quit leaves.\n", version())
	p := prompt.New(historyFile(), func(word string, first bool) []string { return sh.Complete(ctx, word, first) })
	sh.Interact(ctx, p)
	return p.Close()
}

// historyFile is where the prompt's history is kept; empty where there is no home.
func historyFile() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".vdb_history")
}
