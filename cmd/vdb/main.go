package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/vdbgo/vdb/cmd/vdb/internal/shell"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// commands is the command line.
type commands struct {
	SQL     sqlCmd     `cmd:"" name:"sql" default:"withargs" hidden:"" help:"Run SQL."`
	Log     logCmd     `cmd:"" help:"Show the commits of a branch, newest first."`
	Diff    diffCmd    `cmd:"" help:"Show what changed between two revisions."`
	Branch  branchCmd  `cmd:"" help:"List, make or delete branches."`
	Clone   cloneCmd   `cmd:"" help:"Make a database of one somewhere else."`
	Remote  remoteCmd  `cmd:"" help:"List, name or forget databases somewhere else."`
	Fetch   fetchCmd   `cmd:"" help:"Bring what a remote's branches have."`
	Push    pushCmd    `cmd:"" help:"Bring what branches have to a remote."`
	Pull    pullCmd    `cmd:"" help:"Fetch a branch and merge it."`
	Backup  backupCmd  `cmd:"" help:"Copy all of a database, or what is new of it."`
	Restore restoreCmd `cmd:"" help:"Make a database of a backup."`
	Import  importCmd  `cmd:"" help:"Copy a SQLite file into a database, and commit."`
	Export  exportCmd  `cmd:"" help:"Copy a version into a new SQLite file."`
	Check   checkCmd   `cmd:"" help:"Read all that is stored, and report damage."`
	Stats   statsCmd   `cmd:"" help:"Show sizes, and what is in the database."`

	Version kong.VersionFlag `help:"Print the version."`
}

// console is where a command reads and prints.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// terminal reports whether a stream is one that a person sits at.
func terminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && file.Name() != os.DevNull
}

// errStatus is an exit code of which everything has been said.
type errStatus int

func (e errStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// exited carries an exit code out of the parser, when it has printed help or the
// version.
type exited int

// run runs a command line and returns the exit code.
func run(args []string, in io.Reader, out, errs io.Writer) (status int) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exited:
			status = int(e)
		default:
			panic(e)
		}
	}()
	var all commands
	parser, err := newParser(&all, out, errs)
	if err != nil {
		fmt.Fprintln(errs, "vdb:", err)
		return 2
	}
	parsed, err := parser.Parse(helpAsFlag(args))
	if err != nil {
		fmt.Fprintf(errs, "vdb: %v; vdb help says what there is\n", err)
		return 2
	}
	parsed.BindTo(context.Background(), (*context.Context)(nil))
	return exitCode(parsed.Run(&console{in, out, errs}), errs)
}

func newParser(all *commands, out, errs io.Writer) (*kong.Kong, error) {
	return kong.New(all,
		kong.Name("vdb"),
		kong.Description("SQL with history: vdb DBPATH [SQL...] runs SQL, from the arguments, standard input or a prompt."),
		kong.Writers(out, errs),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": version()},
	)
}

// helpAsFlag understands "vdb help", and shows the help where nothing was asked for.
func helpAsFlag(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(args[1:len(args):len(args)], "--help")
	}
	return args
}

func exitCode(err error, errs io.Writer) int {
	var status errStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintln(errs, "vdb:", strings.TrimPrefix(shell.Message(err), "vdb: "))
	return 1
}

// version is that of the module, as the go command has recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "vdb (unknown version)"
	}
	return "vdb " + info.Main.Version
}
