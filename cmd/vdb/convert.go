package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // plain SQLite files

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/cmd/vdb/internal/convert"
)

type importCmd struct {
	DB       string `arg:"positional,required" placeholder:"DB" help:"The database; it is created if there is none."`
	File     string `arg:"positional,required" placeholder:"SQLITE-FILE" help:"The SQLite file to read."`
	Branch   string `arg:"-b,--branch" default:"main" help:"The branch to import into."`
	Message  string `arg:"-m,--message" help:"The commit's message."`
	Author   string `arg:"--author" help:"The commit's author, as 'Name <mail>'."`
	NoCommit bool   `arg:"--no-commit" help:"Leave what was imported uncommitted."`
}

// Run copies all of a SQLite file.
func (c *importCmd) Run(ctx context.Context, con *console) error {
	if _, err := os.Stat(c.File); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	from, err := openPlain(ctx, c.File, url.Values{"mode": {"ro"}})
	if err != nil {
		return err
	}
	defer from.close()
	to, _, err := openSQL(ctx, c.DB, c.Branch, false)
	if err != nil {
		return err
	}
	report, err := copyAll(ctx, con, "import", from.conn, to.conn)
	if err == nil {
		fmt.Fprintf(con.out, "imported %s\n", report)
		err = c.commit(ctx, con, to.db)
	}
	if e := to.Close(); err == nil {
		err = e
	}
	return err
}

// commit records what was imported.
func (c *importCmd) commit(ctx context.Context, con *console, db *vdb.DB) error {
	if c.NoCommit {
		return nil
	}
	branch, err := db.Branch(ctx, c.Branch)
	if err != nil {
		return err
	}
	text := c.Message
	if text == "" {
		text = "Import " + filepath.Base(c.File)
	}
	commit, err := branch.Commit(ctx, vdb.Message{Author: c.Author, Text: text})
	if errors.Is(err, vdb.ErrNothingToCommit) {
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(con.out, "commit %s\n", commit.Hash)
	return nil
}

type exportCmd struct {
	DB   string `arg:"positional,required" placeholder:"DB" help:"The database."`
	File string `arg:"positional,required" placeholder:"SQLITE-FILE" help:"The SQLite file to make; there must be none."`
	Rev  string `arg:"--rev" default:"main" help:"The branch, with what is uncommitted, or the revision to export."`
}

// Run copies a version into a SQLite file, which appears when it is complete.
func (c *exportCmd) Run(ctx context.Context, con *console) error {
	if _, err := os.Stat(c.DB); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if _, err := os.Lstat(c.File); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("export: there is a %s already; remove it, or choose another name", c.File)
	}
	unfinished := c.File + ".unfinished"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("export: %w", err)
	}
	report, err := c.write(ctx, con, unfinished)
	if err != nil {
		_ = os.Remove(unfinished) // err says more
		return err
	}
	if err := os.Rename(unfinished, c.File); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	fmt.Fprintf(con.out, "exported %s\n", report)
	return nil
}

func (c *exportCmd) write(ctx context.Context, con *console, file string) (*convert.Report, error) {
	from, _, err := openSQL(ctx, c.DB, c.Rev, true)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	to, err := openPlain(ctx, file, nil)
	if err != nil {
		return nil, err
	}
	report, err := copyAll(ctx, con, "export", from.conn, to.conn)
	if e := to.close(); err == nil {
		err = e
	}
	return report, err
}

// copyAll is convert.Copy with a progress bar.
func copyAll(ctx context.Context, con *console, what string, from, to *sql.Conn) (*convert.Report, error) {
	b := bar(con, -1, what)
	defer b.Finish()
	return convert.Copy(ctx, from, to, &convert.Options{Progress: func(done, all int64) {
		b.ChangeMax64(all)
		_ = b.Set64(done)
	}})
}

// plain is a connection to a SQLite file.
type plain struct {
	db   *sql.DB
	conn *sql.Conn
}

func openPlain(ctx context.Context, path string, options url.Values) (*plain, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &plain{db, conn}, nil
}

func (p *plain) close() error {
	err := p.conn.Close()
	if e := p.db.Close(); err == nil {
		err = e
	}
	return err
}
