// Package vfs shows SQLite database files that are Go values: a virtual file
// system (https://www.sqlite.org/vfs.html) beside the host's.
//
// [Register] gives it to SQLite once for a process. A name that [Name] makes is
// one of its database files, which [Add] has announced; temporary files, and
// database files of other names, are the host's business. Journals of the files
// here do not exist: their connections keep journals in memory.
package vfs
