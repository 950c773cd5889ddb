package vdb

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// theReflog is how LostRef and DamagedChunk call the reflog.
const theReflog = "the reflog"

// decide makes up what the refs of the new database are to be.
func (x *recovery) decide() error {
	x.edits = map[string][]byte{}
	items, err := x.refs.items(x.ctx)
	if err != nil {
		return err
	}
	for _, item := range items {
		if name, isBranch := strings.CutPrefix(string(item.Key), headsPrefix); isBranch {
			err = x.decideBranch(name, item.Value)
		} else {
			err = x.decideOther(string(item.Key), item.Value)
		}
		if err != nil {
			return err
		}
	}
	if err := x.keepMain(items); err != nil {
		return err
	}
	if err := x.takeRefs(items); err != nil {
		return err
	}
	if err := x.decideHistory(items); err != nil {
		return err
	}
	return x.decideLog()
}

// decideOther keeps a ref that is whole, and drops another.
func (x *recovery) decideOther(key string, value []byte) error {
	whole, err := x.areWhole(listed(value)...)
	if err != nil || whole {
		return err
	}
	lost := LostRef{Ref: key}
	if h, err := x.refs.target(x.ctx, []byte(key), value); strings.HasPrefix(key, tagsPrefix) && err == nil {
		lost.Old = h
		if c := x.history[h]; c != nil && c.Commit != nil {
			lost.Tables = x.lostTables(c.version())
		}
	}
	if x.edits[key] = nil; key == graftsKey {
		delete(x.edits, key) // they are made anew, see decideHistory
	}
	x.report.Refs = append(x.report.Refs, lost)
	return nil
}

// decideBranch keeps of a branch what is whole, and else goes back to what is.
func (x *recovery) decideBranch(name string, value []byte) error {
	state, err := decodeBranchState(value)
	if err != nil {
		return err
	}
	lost := LostRef{Ref: headsPrefix + name, Old: state.head, New: state.head}
	head := x.history[state.head]
	if !head.whole {
		if head.Commit != nil {
			lost.Tables = x.lostTables(head.version())
		}
		if head, err = x.fallBack(lost.Ref, state.head, &lost); err != nil {
			return err
		}
	}
	if head == nil {
		lost.New = hash.Hash{}
		x.edits[lost.Ref] = nil
		x.report.Refs = append(x.report.Refs, lost)
		return nil
	}
	next := branchState{head: head.Hash, working: head.version(), staged: head.version()}
	if err := x.keepSets(&next, state, &lost); err != nil {
		return err
	}
	if next == state {
		return nil
	}
	if err := x.planMend(name, state, head); err != nil {
		return err
	}
	if lost.New = next.head; lost.New != lost.Old {
		x.moves = append(x.moves, RefMove{Ref: lost.Ref, From: lost.Old, To: lost.New})
	}
	x.edits[lost.Ref] = next.encode()
	x.report.Refs = append(x.report.Refs, lost)
	return nil
}

// keepSets keeps the sets of a branch that are whole, and the merge if everything is.
func (x *recovery) keepSets(next *branchState, was branchState, lost *LostRef) error {
	keep := func(to *version, set version) (bool, error) {
		whole, err := x.areWhole(set.root, set.ids)
		if whole {
			*to = set
		}
		return whole, err
	}
	working, err := keep(&next.working, was.working)
	if err != nil {
		return err
	}
	staged, err := keep(&next.staged, was.staged)
	if err != nil {
		return err
	}
	if lost.Working = !working || !staged; !working {
		for _, table := range x.lostTables(was.working) {
			if !slices.Contains(lost.Tables, table) {
				lost.Tables = append(lost.Tables, table)
			}
		}
	}
	merge, err := x.isWhole(was.merge)
	if lost.Merging = !was.merge.IsZero() && !(working && staged && merge && next.head == was.head); !lost.Merging {
		next.merge = was.merge
	}
	return err
}

// fallBack finds the newest commit of a branch that is whole: by first parents or, where
// these cannot be read, by where the branch was before.
func (x *recovery) fallBack(ref string, head hash.Hash, lost *LostRef) (*pastCommit, error) {
	var best *pastCommit
	if best, lost.Commits = x.firstWhole(head); best != nil {
		return best, nil
	}
	take := func(h hash.Hash) error {
		if err := x.explore([]hash.Hash{h}); err != nil {
			return err
		}
		if c, _ := x.firstWhole(h); c != nil && (best == nil || c.Height > best.Height) {
			best = c
		}
		return nil
	}
	for m, err := range x.refs.log.moves(x.ctx, x.store) {
		if err != nil {
			break
		}
		if best != nil {
			break
		}
		if m.Ref == ref && !m.From.IsZero() {
			if err := take(m.From); err != nil {
				return nil, err
			}
		}
	}
	for _, h := range x.store.headsOf(x.ctx, ref) {
		if err := take(h); err != nil {
			return nil, err
		}
	}
	return best, x.ctx.Err()
}

// firstWhole goes by first parents to the first commit that is whole, and returns those
// before it; nil if a commit on the way cannot be read.
func (x *recovery) firstWhole(h hash.Hash) (found *pastCommit, skipped []hash.Hash) {
	for {
		c := x.history[h]
		switch {
		case c.whole:
			return c, skipped
		case c.Commit == nil || len(c.goesOn) == 0:
			return nil, append(skipped, h)
		}
		skipped = append(skipped, h)
		h = c.goesOn[0]
	}
}

// keepMain sees to it that there is a main branch: where it is lost, it begins at another's
// head.
func (x *recovery) keepMain(items []prolly.Item) error {
	value, edited := x.edits[headsPrefix+MainBranch]
	if !edited || value != nil {
		return nil
	}
	var newest *pastCommit
	for _, item := range items {
		if !strings.HasPrefix(string(item.Key), headsPrefix) {
			continue
		}
		value := item.Value
		if edit, edited := x.edits[string(item.Key)]; edited {
			value = edit
		}
		if value == nil {
			continue
		}
		state, err := decodeBranchState(value)
		if err != nil {
			return err
		}
		if c := x.history[state.head]; newest == nil || c.Height > newest.Height {
			newest = c
		}
	}
	if newest == nil {
		return fmt.Errorf("no commit of any branch is whole: %w", ErrNotFound)
	}
	x.edits[headsPrefix+MainBranch] = cleanState(newest.Commit).encode()
	for i := range x.report.Refs {
		if lost := &x.report.Refs[i]; lost.Ref == headsPrefix+MainBranch {
			lost.New = newest.Hash
			x.moves = append(x.moves, RefMove{Ref: lost.Ref, From: lost.Old, To: lost.New})
		}
	}
	return nil
}

// takeRefs takes over branches and tags of remotes that are not here. The newest refs may
// have had them, if these are in doubt.
func (x *recovery) takeRefs(items []prolly.Item) error {
	for _, l := range x.store.lenders {
		if l.far == nil || x.report.Doubt == nil {
			continue
		}
		shown, err := l.far.Refs(x.ctx)
		if err != nil {
			l.Err = errors.Join(l.Err, err)
			continue
		}
		for _, ref := range shown.Refs {
			_, edited := x.edits[ref.Name]
			here := slices.ContainsFunc(items, func(item prolly.Item) bool { return string(item.Key) == ref.Name })
			if !edited && !here {
				if err := x.takeRef(ref); err != nil {
					return err
				}
			}
		}
	}
	return x.ctx.Err()
}

// takeRef takes over a branch or a tag if its commit is whole.
func (x *recovery) takeRef(ref remote.Ref) error {
	kind, name, _ := strings.Cut(ref.Name, "/")
	if checkRefName(name) != nil {
		return nil
	}
	if err := x.explore([]hash.Hash{ref.Commit}); err != nil {
		return err
	}
	whole, err := x.areWhole(ref.Hash, ref.Commit)
	if err != nil || !whole || x.history[ref.Commit].Commit == nil {
		return err
	}
	switch kind + "/" {
	case tagsPrefix:
		if tag, err := loadTag(x.ctx, x.store, name, oneAddress(ref.Hash)); err != nil || tag.Commit != ref.Commit {
			return x.ctx.Err()
		}
		x.edits[ref.Name] = oneAddress(ref.Hash)
	case headsPrefix:
		x.edits[ref.Name] = cleanState(x.history[ref.Commit].Commit).encode()
	default:
		return nil
	}
	x.report.Refs = append(x.report.Refs, LostRef{Ref: ref.Name, New: ref.Commit})
	x.moves = append(x.moves, RefMove{Ref: ref.Name, To: ref.Commit})
	return nil
}

// recoveredDetail is the detail of a graft that takes the place of commits which are lost.
type recoveredDetail struct {
	Lost []hash.Hash `json:"lost"`
	// Was is the detail of a graft that said before where history goes on.
	Was []byte `json:"was,omitempty"`
}

// decideHistory finds where history has to go on elsewhere than commits say.
func (x *recovery) decideHistory(items []prolly.Item) error {
	kept := map[hash.Hash]bool{}
	var queue []hash.Hash
	values, err := x.newRefs()
	if err != nil {
		return err
	}
	for _, e := range values {
		queue = x.commitsIn(queue, string(e.Key), e.Value)
	}
	number, tree, err := x.refs.graftsRef(x.ctx)
	if err != nil {
		return err
	}
	set := &graftSet{number: number, byCommit: map[hash.Hash]graft{}}
	x.keep(kept, queue)
	if err := x.keepLoose(kept, items); err != nil {
		return err
	}
	for h := range kept {
		if g := x.graft(x.history[h]); g != nil {
			set.byCommit[h] = *g
		}
	}
	if readable, err := x.areWhole(tree); err != nil || !readable || !maps.EqualFunc(set.byCommit, x.grafts.byCommit, graft.equal) {
		x.final = set
		return err
	}
	return nil
}

// keep adds commits that are whole, and those at which their history goes on.
func (x *recovery) keep(kept map[hash.Hash]bool, queue []hash.Hash) {
	for len(queue) > 0 {
		h := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		c := x.history[h]
		if kept[h] || c == nil || !c.whole {
			continue
		}
		kept[h] = true
		queue = append(queue, c.wholeParents...)
	}
}

// keepLoose makes branches of commits that may have been before some that cannot be read, or
// after those that were found: where refs were before and, in other databases, are.
func (x *recovery) keepLoose(kept map[hash.Hash]bool, items []prolly.Item) error {
	unreadable := map[hash.Hash]bool{}
	for _, c := range x.report.Commits {
		unreadable[c.Hash] = x.history[c.Hash].Commit == nil
	}
	var loose []hash.Hash
	next := map[string]hash.Hash{} // where each ref went after a move
	for m, err := range x.refs.log.moves(x.ctx, x.store) {
		if err != nil {
			break
		}
		if to, known := next[m.Ref]; known && unreadable[to] {
			loose = append(loose, m.From)
		}
		next[m.Ref] = m.From
	}
	for _, item := range items {
		if (len(x.report.Commits) > 0 || x.report.Doubt != nil) && strings.HasPrefix(string(item.Key), headsPrefix) {
			loose = append(loose, x.store.headsOf(x.ctx, string(item.Key))...)
		}
	}
	if err := x.explore(loose); err != nil {
		return err
	}
	loose = slices.DeleteFunc(loose, func(h hash.Hash) bool { return x.history[h] == nil || !x.history[h].whole })
	slices.SortFunc(loose, func(a, b hash.Hash) int { return cmp.Compare(x.history[b].Height, x.history[a].Height) })
	for _, h := range loose {
		if kept[h] {
			continue
		}
		c := x.history[h]
		ref := headsPrefix + looseName + c.Short()
		x.edits[ref] = cleanState(c.Commit).encode()
		x.report.Refs = append(x.report.Refs, LostRef{Ref: ref, New: h})
		x.moves = append(x.moves, RefMove{Ref: ref, To: h})
		x.keep(kept, []hash.Hash{h})
	}
	return x.ctx.Err()
}

// looseName is what the name of a branch begins with that Recover makes.
const looseName = "recovered-"

// graft is where a commit's history goes on; nil if it goes on at its parents.
func (x *recovery) graft(c *pastCommit) *graft {
	if slices.Equal(c.wholeParents, c.Parents) {
		return nil
	}
	was, cut := x.grafts.byCommit[c.Hash]
	if cut && slices.Equal(was.parents, c.wholeParents) {
		return &was
	}
	detail, _ := json.Marshal(recoveredDetail{Lost: x.lostBefore(c), Was: was.detail}) // it always can
	return &graft{depth: c.links.depth, parents: c.wholeParents, detail: detail}
}

// lostBefore lists the commits between a commit and those at which its history goes on.
func (x *recovery) lostBefore(c *pastCommit) (lost []hash.Hash) {
	for queue := slices.Clone(c.goesOn); len(queue) > 0; queue = queue[1:] {
		p := x.history[queue[0]]
		if p.whole || slices.Contains(lost, queue[0]) {
			continue
		}
		lost = append(lost, queue[0])
		queue = append(queue, p.goesOn...)
	}
	return lost
}

func (g graft) equal(other graft) bool {
	return g.depth == other.depth && slices.Equal(g.parents, other.parents) && string(g.detail) == string(other.detail)
}

// decideLog keeps of the reflog the moves that can be read.
func (x *recovery) decideLog() error {
	x.log = x.refs.log
	var kept [][]byte
	var failed error
	for data, err := range x.refs.log.pieces(x.ctx, x.store) {
		if err == nil {
			_, err = decodeMoves(data)
		}
		if failed = err; err != nil {
			break
		}
		kept = append(kept, data)
	}
	if failed == nil || x.ctx.Err() != nil {
		return x.ctx.Err()
	}
	slices.Reverse(kept)
	moves := slices.Concat(kept...)
	x.log = reflog{recent: moves}
	all, err := decodeMoves(moves)
	x.log.count = uint64(len(all))
	x.report.Refs = append(x.report.Refs, LostRef{Ref: theReflog})
	return err
}

// tellLost reports what the lost chunks hit, as Check does.
func (x *recovery) tellLost() error {
	if len(x.report.Refs)+len(x.report.Commits) == 0 {
		return nil
	}
	c := &check{
		db: &DB{blocks: lostBlocks{pieces: x.store}}, ctx: x.ctx, refs: x.refs, grafts: x.grafts,
		report: &CheckReport{}, masks: map[hash.Hash]uint64{},
	}
	if err := c.walk(); err != nil {
		return err
	}
	x.report.Lost = c.report.Chunks
	return nil
}
