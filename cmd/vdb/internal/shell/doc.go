// Package shell runs SQL and dot-commands on a connection as the sqlite3 command
// line shell does, for scripts and for people.
//
// A [Shell] has a connection, two outputs and settings. [Shell.Script] runs a whole
// script and [Shell.Interact] what a person types; both go on after an error and
// report it, with its line, on the error output; [Shell.Failed] says that there was
// one. The connection may be of any driver whose SQL is SQLite's.
//
// Dot-commands stand alone on a line, where a statement could begin. [Commands] lists
// them.
package shell
