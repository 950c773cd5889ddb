// Command vdb is the shell of vdb: SQL, history and repairs from a terminal or a
// script.
//
//	vdb DBPATH [SQL...]                       run SQL, from the arguments, standard input or a prompt
//	vdb log DB [--branch b] [-n N] [--table t]          the commits of a branch, newest first
//	vdb diff DB FROM [TO] [--table t] [--stat|--sql]    what changed between two revisions
//	vdb branch DB [NAME [START]] [-d NAME]              list, make or delete branches
//	vdb clone URL DB [-b BRANCH]...           make a database of one somewhere else
//	vdb remote DB [NAME URL] [-d NAME]        list, name or forget databases somewhere else
//	vdb fetch DB [REMOTE] [BRANCH]...         bring what a remote's branches have
//	vdb push DB [REMOTE] [BRANCH]... [-f]     bring what branches have to a remote
//	vdb pull DB [REMOTE] [BRANCH]             fetch a branch and merge it
//	vdb backup DB TO                          copy all of a database, or what is new of it
//	vdb restore FROM DB                       make a database of a backup
//	vdb import DB SQLITE_FILE                 copy a SQLite file into a database, and commit
//	vdb export DB SQLITE_FILE [--rev r]       copy a version into a new SQLite file
//	vdb check DB                              read all that is stored, and report damage
//	vdb recover DAMAGED NEW [--from URL]...   make a new database of what is whole in a damaged one
//	vdb retain DB [BRANCHES KEEP] [--run]     say which commits branches keep, and squash the others
//	vdb purge DB TABLE COLUMN=VALUE... [--yes]          remove rows from all of history
//	vdb gc DB [--full]                        free what nothing leads to any more
//	vdb stats DB                              sizes, and what is in the database
//	vdb help [COMMAND], vdb --version
//
// A first argument that names a command is one: a database called log is opened as
// ./log.
//
// # SQL
//
// A database that does not exist is created, as sqlite3 does. SQL is all of SQLite's,
// with dolt_commit, dolt_diff_<table>, AS OF and the other functions, tables and words
// that package github.com/vdbgo/vdb/sqlite describes. Results look as those of the
// sqlite3 shell: values between |, without a header. At a prompt a statement ends with
// a semicolon and may have several lines; the Tab key completes names, the arrow keys
// lead through the history, Ctrl-C interrupts the statement that runs, Ctrl-D leaves.
//
// Lines that begin with a dot are commands to the shell:
//
//	.headers on|off            .mode list|csv|column|table|box|line|json|insert|quote|tabs|markdown|html
//	.separator COL [ROW]       .nullvalue TEXT           .width N...
//	.import [--csv] [--skip N] FILE TABLE                .read FILE
//	.dump [TABLE]...           .schema [PATTERN]         .tables [PATTERN]
//	.indexes [TABLE]           .databases                .show
//	.output [FILE]             .once FILE                .print TEXT...
//	.echo on|off               .bail on|off              .changes on|off
//	.timer on|off              .timeout MS               .cd DIRECTORY
//	.help [COMMAND]            .quit                     .exit [CODE]
//
// An abbreviation that fits one command is enough. After an error the script goes on,
// unless .bail is on; the message, "Error near line N: ...", is on standard error.
//
// # Exit codes
//
// 0 if all went well, 1 after any error, 2 for a wrong command line; .exit sets its own.
// vdb check exits with 1 if it found damage, vdb recover if something is lost, or may be.
//
// # Differences from sqlite3
//
// .dump makes virtual tables with their own statement and then replaces the rows of
// their shadow tables; sqlite3 writes their schema directly, which vdb refuses. A
// table whose primary key is not an integer shows as WITHOUT ROWID, as vdb keeps it.
// REALs have the digits of the SQLite engine in this program, in every mode. Errors
// have no picture of the place in the statement.
//
// Dates print as they are stored. Only what RETURNING yields of a column declared
// DATE, DATETIME or TIMESTAMP prints as 2006-01-02 or 2006-01-02 15:04:05, however it
// was written.
//
// # Files
//
// What is typed at the prompt is kept in ~/.vdb_history, which its owner alone can
// read.
package main
