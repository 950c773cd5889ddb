package sqlite

import (
	"errors"

	"github.com/vdbgo/vdb"
)

var tagCommand = &command{
	name: "dolt_tag", usage: "a name and, if it is not HEAD, a revision", least: 1, most: -1,
	flags: []flag{flagMessage, flagAuthor, {long: "delete", short: "d"}, {long: "force", short: "f"}},
}

// doltTag makes and deletes tags, at once and whatever becomes of the SQL
// transaction.
func doltTag(s *session, args []any) (any, error) {
	in, err := tagCommand.parse(args)
	if err != nil {
		return nil, err
	}
	if len(in.args) == 0 {
		return nil, in.misused()
	}
	if in.has("delete") {
		for _, name := range in.texts() {
			if err := s.db.DeleteTag(s.ctx(), name); err != nil {
				return nil, err
			}
		}
		return int64(0), nil
	}
	if err := in.needs(1, 2); err != nil {
		return nil, err
	}
	return int64(0), createTag(s, in)
}

func createTag(s *session, in *invocation) error {
	m, err := in.message(s)
	if err != nil {
		return err
	}
	at, err := commitOf(s, in.arg(1, "HEAD"))
	if err != nil {
		return err
	}
	name := in.arg(0, "")
	_, err = s.db.CreateTag(s.ctx(), name, at.Hash.String(), m)
	if !in.has("force") || !errors.Is(err, vdb.ErrExists) {
		return err
	}
	if err := s.db.DeleteTag(s.ctx(), name); err != nil {
		return err
	}
	_, err = s.db.CreateTag(s.ctx(), name, at.Hash.String(), m)
	return err
}
