package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/module"
)

// Columns that dolt_log and dolt_commits have alike.
func commitColumns() []module.Column {
	return []module.Column{
		keyed("commit_hash"), plain("committer", "TEXT"), plain("email", "TEXT"), plain("date", "TEXT"), plain("message", "TEXT"),
	}
}

// Columns of them that SELECT * leaves out.
func commitExtras() []module.Column {
	return []module.Column{
		extra("author", "TEXT"), extra("author_email", "TEXT"), extra("author_date", "TEXT"),
		extra("parents", "TEXT"), extra("commit_order", "INTEGER"), extra("refs", "TEXT"),
	}
}

// commitRow is the columns and extras of a commit, with n arguments between them.
func commitRow(c *vdb.Commit, n int, refs map[vdb.Hash][]string) []any {
	committer, email := signature(c.Committer)
	author, authorMail := signature(c.Author)
	row := []any{c.Hash.String(), committer, email, stamp(c.CommitTime), c.Text}
	for range n {
		row = append(row, isArgument)
	}
	parents := make([]string, len(c.Parents))
	for i, p := range c.Parents {
		parents[i] = p.String()
	}
	return append(row, author, authorMail, stamp(c.Time), strings.Join(parents, ", "), int64(c.Height),
		orNull(strings.Join(refs[c.Hash], ", ")))
}

// refsByCommit lists the branches and tags that name each commit, if a query
// reads the last of n columns.
func refsByCommit(s *session, w where, n int) (map[vdb.Hash][]string, error) {
	if !w.uses(n-1, n-1) {
		return nil, nil
	}
	refs := map[vdb.Hash][]string{}
	for b, err := range s.db.Branches(s.ctx()) {
		if err != nil {
			return nil, err
		}
		refs[b.Head] = append(refs[b.Head], b.Name)
	}
	for tag, err := range s.db.Tags(s.ctx()) {
		if err != nil {
			return nil, err
		}
		refs[tag.Commit] = append(refs[tag.Commit], "tag: "+tag.Name)
	}
	return refs, nil
}

// logArgs is how many arguments dolt_log takes.
const logArgs = 12

func newLog(s *session) module.Table {
	columns := commitColumns()
	firstArg := len(columns)
	for i := range logArgs {
		columns = append(columns, arg("arg"+strconv.Itoa(i+1)))
	}
	columns = append(columns, commitExtras()...)
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			if err := scanLog(s, w, firstArg, len(columns), yield); err != nil {
				yield(nil, fmt.Errorf("dolt_log: %w", err))
			}
		}
	}}
}

func scanLog(s *session, w where, firstArg, columns int, yield func([]any, error) bool) error {
	q, err := parseLog(w.args(firstArg, logArgs))
	if err != nil {
		return err
	}
	if q.past, err = pastOf(s); err != nil {
		return err
	}
	refs, err := refsByCommit(s, w, columns)
	if err != nil {
		return err
	}
	commits := q.commits()
	if h, ok := w.is(0); ok {
		commits = q.only(h)
	}
	for c, err := range commits {
		if err != nil {
			return err
		}
		keep, err := q.keeps(c)
		if err != nil {
			return err
		}
		if keep && !yield(commitRow(c, logArgs, refs), nil) {
			return nil
		}
	}
	return nil
}

// logQuery is what the arguments of dolt_log ask for.
type logQuery struct {
	past
	from, not []string
	// either is the two sides of a...b: what one of them leads to, not both.
	either     []string
	tables     []string
	minParents int
}

func parseLog(args []string) (*logQuery, error) {
	q := &logQuery{}
	for len(args) > 0 {
		n, err := q.parse(args)
		if err != nil {
			return nil, err
		}
		args = args[n:]
	}
	switch {
	case q.either != nil && len(q.from)+len(q.not) > 0:
		return nil, fmt.Errorf("range %s...%s goes with no other revision", q.either[0], q.either[1])
	case q.either == nil && len(q.from) == 0:
		q.from = []string{"HEAD"}
	}
	return q, nil
}

// parse takes the first argument, and its value if it has one, and returns how
// many that are.
func (q *logQuery) parse(args []string) (int, error) {
	flag, value, inline := strings.Cut(args[0], "=")
	taken := 1
	switch flag {
	case "--not", "--tables", "--min-parents", "--decorate":
		if !inline {
			if len(args) < 2 {
				return 0, fmt.Errorf("%s needs a value", flag)
			}
			value, taken = args[1], 2
		}
	}
	var err error
	switch {
	case flag == "--not":
		q.not = append(q.not, value)
	case flag == "--tables":
		for table := range strings.SplitSeq(value, ",") {
			q.tables = append(q.tables, strings.TrimSpace(table))
		}
	case flag == "--min-parents":
		if q.minParents, err = strconv.Atoi(value); err != nil {
			err = fmt.Errorf("--min-parents %q is no number", value)
		}
	case flag == "--merges":
		q.minParents = 2
	case flag == "--parents", flag == "--decorate": // columns parents and refs are there in any case
	case strings.HasPrefix(args[0], "-"):
		err = fmt.Errorf("unknown flag %s", args[0])
	default:
		err = q.revision(args[0])
	}
	return taken, err
}

func (q *logQuery) revision(rev string) error {
	if without, ok := strings.CutPrefix(rev, "^"); ok {
		q.not = append(q.not, without)
		return nil
	}
	a, b, dots := cutRange(rev)
	if _, _, more := cutRange(b); dots > 0 && (a == "" || b == "" || more > 0) {
		return fmt.Errorf("range %q: write a..b or a...b", rev)
	}
	switch dots {
	case 0:
		q.from = append(q.from, rev)
	case 2:
		q.from, q.not = append(q.from, b), append(q.not, a)
	default:
		if q.either != nil {
			return errors.New("one range a...b at most")
		}
		q.either = []string{a, b}
	}
	return nil
}

// commits yields the commits of the query, each before its parents.
func (q *logQuery) commits() iter.Seq2[*vdb.Commit, error] {
	if q.either == nil {
		return q.past.commits(q.from, q.not)
	}
	return func(yield func(*vdb.Commit, error) bool) {
		var all []*vdb.Commit
		for i := range 2 {
			for c, err := range q.past.commits(q.either[i:i+1], q.either[1-i:2-i]) {
				if err != nil {
					yield(nil, err)
					return
				}
				all = append(all, c)
			}
		}
		slices.SortFunc(all, newestFirst)
		for _, c := range all {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// newestFirst orders commits such that each comes before its parents.
func newestFirst(a, b *vdb.Commit) int {
	return cmp.Or(cmp.Compare(b.Height, a.Height), b.CommitTime.Compare(a.CommitTime), b.Hash.Compare(a.Hash))
}

// only yields the commit of a hash, if the query has it.
func (q *logQuery) only(text string) iter.Seq2[*vdb.Commit, error] {
	return func(yield func(*vdb.Commit, error) bool) {
		c, err := q.past.find(text)
		var has bool
		if c != nil && err == nil {
			has, err = q.has(c)
		}
		if has || err != nil {
			yield(c, err)
		}
	}
}

// has tells whether the query's revisions lead to c.
func (q *logQuery) has(c *vdb.Commit) (bool, error) {
	reach := func(revs []string) (n int, err error) {
		for _, rev := range revs {
			from, err := q.past.commit(rev)
			if err != nil {
				return 0, err
			}
			if has, err := q.isAncestor(c.Hash, from); err != nil {
				return 0, err
			} else if has {
				n++
			}
		}
		return n, nil
	}
	if q.either != nil {
		n, err := reach(q.either)
		return n == 1, err
	}
	from, err := reach(q.from)
	if err != nil {
		return false, err
	}
	not, err := reach(q.not)
	return from > 0 && not == 0, err
}

func (q *logQuery) keeps(c *vdb.Commit) (bool, error) {
	if len(c.Parents) < q.minParents {
		return false, nil
	}
	if len(q.tables) == 0 {
		return true, nil
	}
	for change, err := range q.s.db.Show(q.s.ctx(), c.Hash.String()).Tables() {
		if err != nil {
			return false, err
		}
		for _, table := range q.tables {
			if strings.EqualFold(table, change.From) || strings.EqualFold(table, change.To) {
				return true, nil
			}
		}
	}
	return false, nil
}

// find returns the commit of a whole hash, nil if there is none.
func (p past) find(text string) (*vdb.Commit, error) {
	if _, err := hash.Parse(text); err != nil {
		return nil, nil
	}
	c, err := p.s.db.Resolve(p.s.ctx(), text)
	if errors.Is(err, vdb.ErrNotFound) {
		return nil, nil
	}
	return c, err
}
