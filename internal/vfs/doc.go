// Package vfs shows SQLite database files that are Go values: a virtual file
// system (https://www.sqlite.org/vfs.html) beside the host's.
//
// [Register] gives it to SQLite once for a process. A name that [Name] makes is
// one of its database files, which [Add] has announced; temporary files, and
// database files of other names, are the host's business. Journals are files in
// memory. A super-journal cannot be opened: with one, SQLite would commit several
// files, and not look at what a [File] here says of its commit.
package vfs
