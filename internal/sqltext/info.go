package sqltext

// Info is what [Parse] found out about a statement.
type Info struct {
	Kind Kind
	// Explained is the kind of the statement that an EXPLAIN explains.
	Explained Kind
	// Writes says that the statement, when it runs, writes to a database (a
	// temporary one, if Temp) or, as BEGIN IMMEDIATE does, takes the right to.
	// A SELECT of a function with effects, such as dolt_commit, is not known to
	// write: look into Names.
	Writes bool
	// Temp says that the statement names a temporary object as the one that it
	// creates, drops, alters or writes to.
	Temp bool
	// Target is what the statement creates, drops, alters or writes to. It has no
	// Name if there is no such thing. A pragma's name is here too.
	Target Table
	// AsOf has the tables that are to be read as of a revision, by position.
	AsOf []AsOf
	// Names has the identifiers that begin with dolt_ or vdb_, by position.
	Names []Name
	// Call is the word CALL, to be replaced by SELECT; see [CallRewrite].
	Call Span
	// Use is the name that follows USE, without quotes: a database, or a
	// database and a branch with a slash between.
	Use string
	// End is where the statement ends: after its semicolon, or at the text's end.
	End int
}

// Kind is the kind of a statement.
type Kind uint8

// The kinds of statements. REPLACE is an insert and VALUES a select.
const (
	KindOther Kind = iota // unknown, or not SQL
	KindEmpty             // nothing but blanks and comments
	KindSelect
	KindInsert
	KindUpdate
	KindDelete
	KindCreateTable
	KindCreateIndex
	KindCreateView
	KindCreateTrigger
	KindCreateVirtual
	KindAlter
	KindDropTable
	KindDropIndex
	KindDropView
	KindDropTrigger
	KindBegin
	KindCommit
	KindRollback
	KindRollbackTo
	KindSavepoint
	KindRelease
	KindPragma
	KindAttach
	KindDetach
	KindVacuum
	KindReindex
	KindAnalyze
	KindExplain
	KindCall
	KindUse
)

// Drop reports whether the statement drops a table, index, view or trigger.
func (k Kind) Drop() bool { return k >= KindDropTable && k <= KindDropTrigger }

// Schema reports whether the statement changes a schema.
func (k Kind) Schema() bool { return k >= KindCreateTable && k <= KindDropTrigger }

// Table is a table's name in a statement, with or without its schema's.
type Table struct {
	// Span is the whole name as written, the schema's included.
	Span Span
	// Schema and Name are unquoted; Schema is empty if it is not named.
	Schema string
	Name   string
}

// Name is an identifier in a statement.
type Name struct {
	Span Span
	// Text is the identifier without quotes, in the case that it was written in.
	Text string
}

// AsOf is a table that is named as of a revision.
type AsOf struct {
	Table Table
	// Clause is AS OF and the revision, TIMESTAMP included; of a function its
	// argument, with the parentheses.
	Clause Span
	// Function says that the table was written as dolt_at_t('revision'). Its Name
	// is t.
	Function bool
	// Time says that the revision was written as a TIMESTAMP.
	Time bool
	// Revision is the value of the literal. It is empty if Param is set.
	Revision string
	// Param is the parameter which has the revision; its Index is 0 if the
	// revision is a literal.
	Param Param
	// Alias is the alias that follows, without quotes, or empty.
	Alias string
	// Write says that the table is the one that the statement writes to: history
	// cannot be written.
	Write bool
}

// Param is a parameter of a statement.
type Param struct {
	Span Span
	// Index is the number that SQLite gives the parameter, from 1.
	Index int
	// Name is as written with its prefix (:a, @a, $a, ?1); empty for a bare ?.
	Name string
}
