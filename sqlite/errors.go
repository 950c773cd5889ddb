package sqlite

import "fmt"

// errHistory refuses a write on a connection that reads a revision.
func errHistory(revision string) error {
	return fmt.Errorf("%s is no branch: it can be read only; open a branch to write, or make one: SELECT dolt_branch('name', '%s')", revision, revision)
}
