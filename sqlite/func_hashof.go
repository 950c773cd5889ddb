package sqlite

var (
	hashofCommand      = &command{name: "dolt_hashof", usage: "a revision that is a commit", least: 1, most: 1}
	hashofTableCommand = &command{name: "dolt_hashof_table", usage: "a table and, if it is not WORKING, a revision", least: 1, most: 2}
	hashofDBCommand    = &command{name: "dolt_hashof_db", usage: "a revision, or none for WORKING", most: 1}
)

// doltHashof returns the hash of the commit that a revision names.
func doltHashof(s *session, args []any) (any, error) {
	in, err := hashofCommand.parse(args)
	if err != nil {
		return nil, err
	}
	c, err := commitOf(s, in.arg(0, ""))
	if err != nil {
		return nil, err
	}
	return c.Hash.String(), nil
}

// doltHashofTable addresses a table's schema, rows and indexes: equal contents
// have equal hashes.
func doltHashofTable(s *session, args []any) (any, error) {
	in, err := hashofTableCommand.parse(args)
	if err != nil {
		return nil, err
	}
	at, err := snapshotOf(s, in.arg(1, s.contents()))
	if err != nil {
		return nil, err
	}
	h, err := at.TableHash(in.arg(0, ""))
	if err != nil {
		return nil, err
	}
	return h.String(), nil
}

// doltHashofDB addresses the whole contents, as doltHashofTable does a table's.
func doltHashofDB(s *session, args []any) (any, error) {
	in, err := hashofDBCommand.parse(args)
	if err != nil {
		return nil, err
	}
	at, err := snapshotOf(s, in.arg(0, s.contents()))
	if err != nil {
		return nil, err
	}
	return at.Root().String(), nil
}

// contents is the revision that the connection reads.
func (s *session) contents() string {
	if s.branch == "" {
		return "HEAD"
	}
	return "WORKING"
}
