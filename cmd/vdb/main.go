package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/alexflint/go-arg"

	"github.com/vdbgo/vdb/cmd/vdb/internal/shell"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// commands is the command line.
type commands struct {
	SQL     *sqlCmd     `arg:"subcommand:sql" help:"Run SQL: the command where none is named."`
	Log     *logCmd     `arg:"subcommand:log" help:"Show the commits of a branch, newest first."`
	Diff    *diffCmd    `arg:"subcommand:diff" help:"Show what changed between two revisions."`
	Branch  *branchCmd  `arg:"subcommand:branch" help:"List, make or delete branches."`
	Clone   *cloneCmd   `arg:"subcommand:clone" help:"Make a database of one somewhere else."`
	Remote  *remoteCmd  `arg:"subcommand:remote" help:"List, name or forget databases somewhere else."`
	Fetch   *fetchCmd   `arg:"subcommand:fetch" help:"Bring what a remote's branches have."`
	Push    *pushCmd    `arg:"subcommand:push" help:"Bring what branches have to a remote."`
	Pull    *pullCmd    `arg:"subcommand:pull" help:"Fetch a branch and merge it."`
	Backup  *backupCmd  `arg:"subcommand:backup" help:"Copy all of a database, or what is new of it."`
	Restore *restoreCmd `arg:"subcommand:restore" help:"Make a database of a backup."`
	Import  *importCmd  `arg:"subcommand:import" help:"Copy a SQLite file into a database, and commit."`
	Export  *exportCmd  `arg:"subcommand:export" help:"Copy a version into a new SQLite file."`
	Check   *checkCmd   `arg:"subcommand:check" help:"Read all that is stored, and report damage."`
	Recover *recoverCmd `arg:"subcommand:recover" help:"Make a new database of what is whole in a damaged one."`
	Retain  *retainCmd  `arg:"subcommand:retain" help:"Say which commits branches keep, and squash the others."`
	Purge   *purgeCmd   `arg:"subcommand:purge" help:"Remove rows from all of history."`
	GC      *gcCmd      `arg:"subcommand:gc" help:"Free what nothing leads to any more."`
	Stats   *statsCmd   `arg:"subcommand:stats" help:"Show sizes, and what is in the database."`
}

// Description is what the help begins with.
func (commands) Description() string {
	return "SQL with history: vdb DBPATH [SQL...] runs SQL, from the arguments, standard input or a prompt."
}

// Epilogue is what the help ends with.
func (commands) Epilogue() string {
	return "vdb help COMMAND says more of a command, vdb --version which version this is."
}

// command is one of commands.
type command interface {
	Run(ctx context.Context, con *console) error
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

// usageError is a command line that makes no sense.
type usageError string

func (e usageError) Error() string { return string(e) + "; vdb help says what there is" }

// run runs a command line and returns the exit code.
func run(args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) == 1 && args[0] == "--version" {
		fmt.Fprintln(out, version())
		return 0
	}
	var all commands
	parser, err := arg.NewParser(arg.Config{Program: "vdb", IgnoreEnv: true, Out: out}, &all)
	if err != nil {
		fmt.Fprintln(errs, "vdb:", err)
		return 2
	}
	switch err := parser.Parse(withCommand(args)); {
	case errors.Is(err, arg.ErrHelp):
		return exitCode(parser.WriteHelpForSubcommand(out, parser.SubcommandNames()...), errs)
	case err != nil:
		return exitCode(usageError(err.Error()), errs)
	}
	return exitCode(parser.Subcommand().(command).Run(context.Background(), &console{in, out, errs}), errs)
}

// withCommand understands "vdb help", shows the help where nothing was asked for, and
// names the command where there is none.
func withCommand(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(args[1:len(args):len(args)], "--help")
	case args[0] == "--help", args[0] == "-h", isCommand(args[0]):
		return args
	}
	return append([]string{"sql"}, args...)
}

// isCommand tells whether a command has the name.
func isCommand(name string) bool {
	t := reflect.TypeFor[commands]()
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("arg") == "subcommand:"+name {
			return true
		}
	}
	return false
}

// exclusive refuses flags that were given together.
func exclusive(first, second bool, names string) error {
	if first && second {
		return usageError(names + " cannot be used together")
	}
	return nil
}

func exitCode(err error, errs io.Writer) int {
	var status errStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintln(errs, "vdb:", err)
		return 2
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
