// Package convert copies all that one database has to another, over two connections
// whose SQL is SQLite's: between a vdb database and a plain SQLite file, both ways.
//
// [Copy] copies, in one transaction,
//
//   - tables with the statements that made them, so that AUTOINCREMENT, STRICT, CHECK,
//     generated columns and foreign keys are the same, and their rows, with their
//     rowids where both sides' tables have them;
//   - what AUTOINCREMENT counted (sqlite_sequence);
//   - virtual tables (FTS5, R-Tree and others): each is created, and then the rows of
//     its shadow tables, in which it keeps its content, are replaced by the source's;
//   - indexes, then views, then triggers, so that no trigger fires while rows are
//     copied;
//   - user_version and application_id.
//
// Statistics (sqlite_stat1) are left out: ANALYZE makes them anew. So are rows of
// virtual tables without shadow tables, such as CSV, whose content lies elsewhere.
//
// Nothing is overwritten: a table or view that the target has already is an error
// before anything is copied. At the end the rows of each table are counted on both
// sides.
package convert
