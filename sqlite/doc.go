// Package sqlite is the database/sql driver of vdb: all of SQLite's SQL over
// versioned tables, with branches, commits, merges, diffs and time travel. It is
// registered as "vdb":
//
//	import _ "github.com/vdbgo/vdb/sqlite"
//
//	db, err := sql.Open("vdb", "file:prod.vdb?branch=main")
//	_, err = db.Exec("INSERT INTO customers VALUES('c1', 'Example Ltd')")
//	_, err = db.Exec("SELECT dolt_commit('-Am', 'New customer')")
//	err = db.QueryRow("SELECT name FROM customers AS OF 'HEAD~1' WHERE id = ?", "c1").Scan(&name)
//
// SQLite itself runs the statements (modernc.org/sqlite, pure Go). It sees a
// database file that does not exist: its pages are made from the version's trees
// when they are asked for. So a branch or commit of any size opens at once, and no
// data is copied.
//
// # Data source names
//
// A name is a path, or file: and a path, then options after a question mark. The
// path is the database's directory; a directory that is not there is created.
// ":memory:" is a database of its own for each sql.DB.
//
//	branch=NAME         the branch to read and write, main if not given; or a revision to
//	                    read: a tag, a hash, main~3, main@{2026-11-22T09:30:00Z}
//	revision=, rev=     the same by other names
//	author=NAME <MAIL>  who signs commits
//	mode=ro             do not write and do not create; rw and rwc are the default
//	chunk_cache=BYTES   the budget for chunks in memory
//
// The connections of a process to one path share the open database: mode and
// chunk_cache count in the first name that opens it.
//
// Options that begin with _ are those of modernc.org/sqlite and are passed on:
//
//	_pragma=foreign_keys(1)   a pragma of each new connection; may be repeated
//	_txlock=immediate         transactions claim the branch when they begin
//	_time_format=sqlite       how a time.Time is written; recommended, as the typed API
//	                          reads this form
//	_busy_timeout=MS          how long to wait for another writer, 5000 if not given
//
// Others are an error, vfs, cache, immutable and nolock included.
//
// # SQL
//
// SQL is SQLite's, with all that this build of it has: UPSERT, RETURNING, triggers,
// views, foreign keys, CHECK, generated columns, STRICT, window functions, JSON,
// FTS5, R*Tree, ATTACH, temporary tables, expression and partial indexes, savepoints.
// As in SQLite, foreign keys are enforced where PRAGMA foreign_keys is on; the typed
// API and merges always check them. What differs:
//
//   - A table with a declared primary key other than INTEGER PRIMARY KEY is made
//     WITHOUT ROWID: its key is the identity of a row in diffs and merges, and
//     clusters the table. Such a table has no rowid, and its key is NOT NULL.
//   - A table without a primary key is keyed by rowid, which is no identity: a merge
//     may renumber rows.
//   - AUTOINCREMENT counts across all branches of a database, so that rows which
//     two branches add do not collide. sqlite_sequence is not versioned.
//   - The journal mode is memory and stays so; locking_mode, page_size and auto_vacuum
//     do not change either. Each transaction is durable when it is committed, whatever
//     PRAGMA synchronous says. A transaction that writes to two plain databases that
//     are attached needs them in WAL mode: it has no super-journal.
//   - VACUUM does nothing. VACUUM INTO 'file.db' writes a plain SQLite file, of a
//     revision as well.
//   - The schema table and the pages cannot be written directly: PRAGMA
//     writable_schema is ignored, sqlite_dbpage read-only.
//   - An index with a collation that the application has registered works, and is
//     slow to open: its pages are sorted anew when the branch has moved. A primary key
//     with one does not cluster its table.
//   - A connection that changes the schema outside of a transaction while rows of a query
//     of its own are open gets SQLITE_LOCKED when it writes again before these are closed.
//   - A value in a primary key or an index may have up to 32 KiB.
//
// # Transactions
//
// A transaction reads the branch as it was at its first statement. Readers wait for
// nobody. A branch has one writer at a time in a process; another waits for the busy
// timeout, then gets SQLITE_BUSY. What was written becomes visible when its append to
// the journal is on disk, and not before.
//
// A transaction that has read, and writes after others have written, gets
// SQLITE_BUSY_SNAPSHOT: roll back and begin again, or use _txlock=immediate. At COMMIT
// the changes of other processes and of the typed API are merged in, row by row and
// column by column; if they collide, COMMIT fails with SQLITE_BUSY_SNAPSHOT and an error
// that is a vdb.ErrConflict. A single statement outside of a transaction is run again
// when that happens; the rows that INSERT, UPDATE or DELETE return come when it is
// committed. A COMMIT can be cancelled by its context until it is appended to the
// journal: that is SQLITE_INTERRUPT, and nothing is changed.
//
// # Commits
//
// COMMIT changes the branch's working set and makes no history. dolt_commit records
// the working set, or what of it is staged, in history:
//
//	SELECT dolt_commit('-Am', 'message')        all tables, new ones too
//	SELECT dolt_commit('-am', 'message')        all tables that are known
//	SELECT dolt_add('t'), dolt_commit('-m', 'message')
//
// Functions of version control work on the branch. An SQL transaction that is open is
// committed first, and another one opened after, with the same savepoints: ROLLBACK does
// not undo a merge. What they do is not for triggers and views.
//
// A merge, revert or cherry-pick with conflicts, or with rows that break a rule, is an
// error. Outside of a transaction it changes nothing then, as all statements of SQL that
// fail. Inside of BEGIN, or after dolt_config('dolt_allow_commit_conflicts', 1), it stays
// in progress on the branch, for all connections and over a restart: look at
// dolt_conflicts and dolt_conflicts_<table>, settle them there or by
// dolt_conflicts_resolve; then dolt_commit; or give '--abort', for ROLLBACK does not
// end it. Triggers do not fire in merges: what they wrote merges as rows do.
//
// Where both sides wrote an FTS5 table, its content merges as rows do and its index is made
// anew of all of that; so it is when conflicts of the content are settled. Rows of an
// R*Tree merge one by one. Those that collide, and an FTS5 table without content that
// both sides wrote, are in dolt_schema_conflicts, and dolt_conflicts_resolve decides for all
// of the table at once.
//
// # Branches and the pool
//
// The branch belongs to the connection. dolt_checkout and USE move one connection, and
// when it goes back to the pool it is on the branch of its name again; so they are for
// a sql.Conn:
//
//	conn, err := db.Conn(ctx)
//	_, err = conn.ExecContext(ctx, "SELECT dolt_checkout('-b', 'fix')")
//
// A server opens one sql.DB for each branch that it serves: by OpenDB, or by a name
// with another branch=. They share the open database and its caches.
//
// # Syntax
//
// Beside SQLite's there is:
//
//	FROM t AS OF 'HEAD~3' [AS x]     the table at a revision, its indexes included; a literal
//	                                 or a parameter; in joins, subqueries and INSERT … SELECT
//	USE `db/branch`, USE branch      move the connection to a branch, or to a revision
//	CALL dolt_commit(…)              the same as SELECT dolt_commit(…)
//
// Revisions are those of package vdb: branches, tags, hashes and their prefixes, HEAD,
// WORKING, STAGED, ~n, ^n, @{time}; WORKING is the table as the open transaction has it.
// History cannot be written, a view or trigger cannot read it, and a statement or
// transaction can read seven versions at most.
//
// # Functions
//
// Flags and arguments come as in a command line: dolt_merge('--no-ff', 'fix'). A wrong
// flag is an error that lists those that there are.
//
//	dolt_add('.' or tables)          stage tables
//	dolt_backup('sync', name)        back up to a place that was named by 'add', name, URL; or
//	                                 'sync-url', URL; 'restore', URL, directory; 'remove', name
//	dolt_branch(name[, revision])    make a branch; -m move, -c copy, -d delete, -f force
//	dolt_checkout(branch)            move the connection; -b make the branch first
//	dolt_checkout([revision,] tables) make tables what they were
//	dolt_cherry_pick(commit)         repeat a commit, or those of a range a..b, here
//	dolt_clean([tables])             drop tables that were never committed; --dry-run
//	dolt_clone(URL[, directory])     make a database of another one; -b, --single-branch, --depth, --remote
//	dolt_commit('-Am', message)      record; --amend, --allow-empty, --author, --date
//	dolt_config('user.name'[, value]) the author, for this connection; dolt_allow_commit_conflicts
//	dolt_conflicts_resolve('--ours' or '--theirs', tables)
//	dolt_fetch([remote, branches])   bring what a remote has; --prune, --depth
//	dolt_gc()                        free what nothing leads to any more; --shallow
//	dolt_merge(revision)             merge; --squash, --no-ff, --no-commit, --ours, --theirs, --abort
//	dolt_pull([remote, branch])      fetch and merge; --depth and the flags of dolt_merge
//	dolt_push([remote, branches])    bring branches to a remote; --all, --force, --force-with-lease, --delete
//	dolt_rebase(revision)            replay the branch's commits on another; -i to plan them in a table
//	dolt_remote('add', name, URL)    name a database somewhere else; 'remove', name
//	dolt_reset([tables])             unstage; --soft, --mixed, --hard with a revision
//	dolt_restore(table, revision, conditions) put rows back as they were, without triggers but
//	                                 with their full-text indexes; --follow, --exact, --dry-run
//	dolt_retain()                    squash commits that branches need not keep; --dry-run
//	dolt_retain('set', branches, keep) which commits branches keep, as in 'cust/*', '7d:1h 30d:1d';
//	                                 'remove', branches
//	dolt_revert(commit)              undo a commit, or those of a range a..b
//	dolt_tag(name[, revision])       make a tag; -d delete
//	dolt_verify_constraints([tables]) 1 if rows break a rule
//	active_branch()                  the connection's branch; NULL on a revision
//	dolt_hashof(revision)            the hash of a commit
//	dolt_hashof_db([revision])       the address of all contents: equal contents, equal hash
//	dolt_hashof_table(table[, revision])
//	dolt_merge_base(a, b)            the best common ancestor
//	dolt_version()                   of this module
//	has_ancestor(revision, ancestor) 0 or 1
//
// dolt_restore is the one for the bad day. It brings back what a condition selects,
// touches nothing else, and with --follow what depends on it by foreign keys:
//
//	SELECT dolt_restore('customers', 'HEAD~3', 'c042', '--follow', '-m', 'Bring c042 back')
//
// # Tables
//
// They are there when they are named and are in no schema. Those marked with () take
// arguments, as table-valued functions do. Inside of a transaction they show what it has
// written so far, as dolt_hashof_db and dolt_hashof_table do, which costs about as much
// as its COMMIT; with deferred foreign keys that are not kept yet it is an error. What
// is staged, in conflict or accepted is no part of a transaction: a write to
// dolt_workspace_t, dolt_conflicts_t or dolt_constraint_violations_t commits the one
// that is open first, as a function of version control does.
//
//	dolt_log, dolt_log()             the commits of the branch; of a revision or range
//	dolt_commits                     the commits of all branches and tags
//	dolt_commit_ancestors            their parents
//	dolt_branches, dolt_tags         what there is, and where it stands; a tag's date is its commit's
//	dolt_reflog, dolt_reflog()       how branches and tags moved
//	dolt_remotes, dolt_backups       other databases and places for backups that have names
//	dolt_retentions                  which commits branches keep
//	dolt_remote_branches             where the branches of remotes were when they were last looked at
//	dolt_status                      tables with changes that are not committed
//	dolt_schemas                     views and triggers
//	dolt_diff                        which commit changed which table
//	dolt_column_diff                 which commit changed which column
//	dolt_diff_stat()                 rows and cells that differ between two revisions
//	dolt_diff_summary()              tables that differ
//	dolt_schema_diff()               definitions that differ
//	dolt_patch()                     SQL that leads from one revision to another, where foreign_keys is off
//	dolt_query_diff()                how the results of two queries differ
//	dolt_merge_status                the merge in progress
//	dolt_conflicts                   tables with rows in conflict
//	dolt_schema_conflicts            definitions in conflict
//	dolt_constraint_violations       tables with rows that break a rule after a merge
//	dolt_preview_merge_conflicts()   rows that a merge would leave in conflict
//	dolt_preview_merge_conflicts_summary() how many of them
//	dolt_ignore                      patterns of new tables that '.' and -A leave out; yours to write
//	dolt_docs                        documents, versioned; yours to write
//
// And for each table t:
//
//	dolt_diff_t, dolt_diff_t()       the rows that each commit changed; between two revisions
//	dolt_commit_diff_t               between those that from_commit and to_commit name
//	dolt_history_t                   the rows at each commit
//	dolt_at_t()                      the rows at a revision, see below
//	dolt_blame_t                     the commit that changed each row last
//	dolt_workspace_t                 rows that are not committed; UPDATE staged, DELETE to discard
//	dolt_conflicts_t                 rows in conflict; UPDATE our_ columns, DELETE to settle
//	dolt_constraint_violations_t     rows that break a rule; DELETE to accept
//
// Conditions on keys, commits and revisions are pushed down: WHERE to_commit = '…'
// reads one commit, dolt_history_t WHERE id = 7 the versions of one row.
//
// dolt_at_t('HEAD~3'), or with a parameter, is another way to write t AS OF 'HEAD~3',
// for a table that had another name then as well: the table has the columns, types
// and indexes of that version. Where the argument is anything else, as a column of
// another table, and in views, the columns are those of all versions, NULL where
// one was not there. So they are beyond the seventh version of a statement.
//
// # The typed API beside it
//
// OpenDB gives SQL over a vdb.DB that the program has opened, and Options what a data
// source name would say. Both see the same
// branches, tables and transactions at once. Tables that the typed API has made are
// ordinary tables here, and the other way round. Importing this package gives the typed
// API, merges, reverts and restores what only SQL can evaluate: CHECKs and the types of
// STRICT tables, generated columns, and the entries of indexes on an expression or with
// a WHERE. They obey and keep them as SQL does: CHECKs when a transaction commits, and
// after a merge row by row, as violations. A program without the import gets
// vdb.ErrNeedsSQL where they are needed.
//
// Writes by the typed API to a table with triggers are run here, as statements on the
// transaction's own state: see vdb.Tx. The pragmas are SQLite's defaults: a trigger does
// not fire itself, and foreign keys are checked at the transaction's end without their
// actions. So are changes of definitions that are texts: where a typed transaction renames a table
// or column, views, triggers, indexes and CHECKs follow, as they do after ALTER TABLE. No
// trigger is fired by a merge, for what triggers did on either side are rows that it
// merges; nor by reverts and restores, which bring rows back as they were.
//
// # Processes
//
// Several processes may use one database, through SQL, the typed API or the shell. A
// connection sees the others' transactions at its next statement outside of one of its
// own. No lock is held but while a commit is appended.
//
// # Errors
//
// SQLite's errors are those of modernc.org/sqlite: errors.As finds a *sqlite.Error of
// that package, or any interface{ Code() int }, with SQLite's extended result code. At
// COMMIT errors.Is finds vdb.ErrConflict and other errors of package vdb as well, and so
// it does in those of AS OF and USE. Those of functions and of system tables have a code
// and the text, which names what is wrong, alone: conflicts and rows that break a rule have SQLITE_CONSTRAINT.
//
// # Concurrency
//
// A sql.DB may be used by many goroutines. Each connection has a page cache of its own
// (PRAGMA cache_size); the connections to a database share 32 MiB of rendered pages, and
// for each branch up to 32 MiB of pages that were written since it was last rendered, 64
// MiB together but for branches in use.
package sqlite
