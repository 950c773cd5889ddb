// Package record holds SQL values and their two encodings: records, in which
// rows are stored, and keys, which sort as SQL does. Both agree with SQLite byte
// for byte and in every comparison; its tests compare them with SQLite itself.
//
// # Values
//
// A [Value] is one SQL value in one of SQLite's five storage classes: NULL,
// INTEGER, REAL, TEXT, BLOB. It is 24 bytes, made and passed without allocation,
// and aliases the bytes it was made from. [Of] makes one of a Go value and
// rejects what SQL cannot hold; [Value.Any] is the way back. [Compare] is SQL's
// order under one of the collations BINARY, NOCASE and RTRIM.
//
// # Columns
//
// The [Affinity] of a column follows from its declared type and converts what is
// written to it. There are three forms of a value in a column:
//
//	v          what the user writes           '12'   3        in a REAL column
//	Apply(v)   what a query reads             12.0   3.0
//	Store(v)   what the record holds          12     3        saves 7 bytes
//	Load(s)    back to what a query reads     12.0   3.0
//
// Store is canonical: values that read the same are stored as the same bytes. (In
// a column without affinity 3, 3.0, 0.0 and -0.0 read differently and are stored
// differently, as in SQLite.)
//
// # Records
//
// [Append] writes a row in SQLite's record format
// (https://www.sqlite.org/fileformat2.html#record_format), always in the
// shortest form. A text or blob longer than [InlineMax] is out of line: its
// content is a blob of its own, and the record has its address instead.
//
//	plain          ┌────────────────────────┬──────────────────────┐
//	               │ header length, types … │ bodies …             │  SQLite's record
//	               └────────────────────────┴──────────────────────┘
//	out of line ┌──┬────────────────────────┬──────────────────────┐
//	            │00│ header length, types … │ bodies, addresses …  │
//	            └──┴────────────────────────┴──────────────────────┘
//
// The byte 00 cannot begin a record of SQLite's. In what follows it, each serial
// type of a text or blob longer than InlineMax states the true length, and its
// body is the 20 bytes of the address. Longer values are never in line and
// shorter ones never out of line, so equal rows are equal bytes.
//
// [Parse] reads a whole record without copying, [Column] one column, [Addresses]
// and [LogicalSize] what the tree needs to know of it. [AppendSQLite] writes the
// record with all values in line, for SQLite's eyes.
//
// # Keys
//
// [AppendKey] encodes one value of a key so that bytes.Compare orders keys as SQL
// orders their values. The encodings of several columns simply follow each other.
// No value's encoding is the beginning of another's: all keys that start with a
// value lie between its encoding and [PrefixEnd] of that.
//
//	10                       NULL
//	27 ~F                    number ≤ -2^63, F its 8 bytes as a float
//	30-n ~M [~F]             number < 0
//	30                       0
//	30+n M [F]               number > 0
//	39 F                     number ≥ 2^63
//	40 content 00 01         TEXT, each zero in it as 00 ff
//	50 content 00 01         BLOB, likewise
//
// M is twice the whole part of the number's magnitude, in n bytes, no zero first.
// Its lowest bit is set when there is a fraction, and then F follows. All is
// big-endian, ~ is the complement. So 3 and 3.0, which SQL holds for equal, are
// one key; it decodes to the INTEGER, and [Affinity.Load] restores the REAL of a
// REAL column. A descending column is the complement of all its bytes.
//
// NOCASE text is in lower case and RTRIM text has no spaces at its end. What is
// lost that way [KeyColumn.Exact] tells before and [DecodeKey] after: whoever
// needs the original stores it beside the key. SQLite compares NOCASE texts up to
// their first NUL and then by length, hence such a key is
//
//	40 content 00 ff L       L the length in bytes, encoded as a number
//
// A table keyed by INTEGER PRIMARY KEY or rowid has keys of fixed width:
// [AppendIntKey].
//
// # Errors and concurrency
//
// Bytes that no encoder writes are [ErrCorrupt], never a wrong value and never a
// panic. A caller's mistake panics: an inline value too long to be in line, the
// content of an out-of-line value used before it was read. Everything here is
// safe for concurrent use as long as nobody changes bytes that a Value aliases.
package record
