package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/vdbgo/vdb"
)

// The tables of a branch on which a rebase is planned: what to do, and for which
// branch that is.
const (
	planTable   = "dolt_rebase"
	rebaseTable = "dolt_rebase_state"
)

var planSchemas = []vdb.Schema{
	{
		Name: planTable,
		Columns: []vdb.Column{
			{Name: "rebase_order", Type: "REAL", NotNull: true}, {Name: "action", Type: "TEXT", NotNull: true},
			{Name: "commit_hash", Type: "TEXT", NotNull: true}, {Name: "commit_message", Type: "TEXT", NotNull: true},
		},
		PrimaryKey: []string{"rebase_order"},
	},
	{
		Name: rebaseTable,
		Columns: []vdb.Column{
			{Name: "branch", Type: "TEXT", NotNull: true}, {Name: "head", Type: "TEXT"}, {Name: "onto", Type: "TEXT"},
			{Name: "keep_empty", Type: "INTEGER"},
		},
		PrimaryKey: []string{"branch"},
	},
}

// rebasePlan is an interactive rebase that waits to be continued.
type rebasePlan struct {
	branch    string
	head      vdb.Hash // the branch's, when the plan was made
	onto      vdb.Hash
	keepEmpty bool
	steps     []vdb.RebaseStep
}

func newRebasePlan(ctx context.Context, b *vdb.Branch, in *invocation, steps []vdb.RebaseStep) (*rebasePlan, error) {
	onto, err := b.Resolve(ctx, in.arg(0, ""))
	if err != nil {
		return nil, err
	}
	head, err := b.Head(ctx)
	if err != nil {
		return nil, err
	}
	return &rebasePlan{branch: b.Name(), head: head.Hash, onto: onto.Hash, keepEmpty: in.text("empty") == "keep", steps: steps}, nil
}

// create makes the branch that holds the plan.
func (p *rebasePlan) create(ctx context.Context, db *vdb.DB, name string) error {
	b, err := db.CreateBranch(ctx, name, p.onto.String())
	if errors.Is(err, vdb.ErrExists) {
		return fmt.Errorf("dolt_rebase: a rebase of branch %s is in progress already; --continue or --abort it", p.branch)
	}
	if err != nil {
		return err
	}
	if err := b.Update(ctx, p.write); err != nil {
		return errors.Join(err, db.DeleteBranch(ctx, name))
	}
	return nil
}

func (p *rebasePlan) write(tx *vdb.Tx) error {
	for _, schema := range planSchemas {
		if err := tx.CreateTable(schema); err != nil {
			return err
		}
	}
	for i, step := range p.steps {
		row := vdb.Row{vdb.Float(float64(i + 1)), vdb.Text(string(step.Action)), vdb.Text(step.Commit.String()), vdb.Text(step.Text)}
		if err := tx.Insert(planTable, row); err != nil {
			return err
		}
	}
	keep := int64(0)
	if p.keepEmpty {
		keep = 1
	}
	return tx.Insert(rebaseTable, vdb.Row{vdb.Text(p.branch), vdb.Text(p.head.String()), vdb.Text(p.onto.String()), vdb.Int(keep)})
}

// findRebase finds the rebase of the branch that the connection is on, or whose
// plan it is on, without its steps.
func findRebase(ctx context.Context, s *session) (*rebasePlan, error) {
	b, err := s.db.Branch(ctx, rebaseBranch(s.branch))
	if errors.Is(err, vdb.ErrNotFound) {
		return nil, fmt.Errorf("dolt_rebase: no rebase is in progress on branch %s", s.branch)
	}
	if err != nil {
		return nil, err
	}
	p := &rebasePlan{branch: strings.TrimPrefix(b.Name(), rebasePrefix)}
	snap, err := b.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	row, err := snap.Get(rebaseTable, p.branch)
	if err != nil {
		return nil, fmt.Errorf("dolt_rebase: branch %s: %w", b.Name(), err)
	}
	p.keepEmpty = row[3].Int() != 0
	if p.head, err = p.commit(ctx, b, row[1].Text()); err != nil {
		return nil, err
	}
	p.onto, err = p.commit(ctx, b, row[2].Text())
	return p, err
}

func (p *rebasePlan) commit(ctx context.Context, b *vdb.Branch, rev string) (vdb.Hash, error) {
	c, err := b.Resolve(ctx, rev)
	if err != nil {
		return vdb.Hash{}, fmt.Errorf("dolt_rebase: the plan for branch %s: %w", p.branch, err)
	}
	return c.Hash, nil
}

// findRebasePlan is findRebase with the steps as SQL has left them.
func findRebasePlan(ctx context.Context, s *session) (*rebasePlan, error) {
	p, err := findRebase(ctx, s)
	if err != nil {
		return nil, err
	}
	b, err := s.db.Branch(ctx, rebaseBranch(s.branch))
	if err != nil {
		return nil, err
	}
	if err := p.isAlone(ctx, b); err != nil {
		return nil, err
	}
	snap, err := b.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var rows []vdb.Row
	for row, err := range snap.Rows(planTable, vdb.Range{}) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("dolt_rebase: table %s is empty; to leave a commit out let its action be drop", planTable)
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i][0].Float() < rows[j][0].Float() })
	for _, row := range rows {
		c, err := p.commit(ctx, b, row[2].Text())
		if err != nil {
			return nil, err
		}
		action := vdb.RebaseAction(strings.ToLower(row[1].Text()))
		p.steps = append(p.steps, vdb.RebaseStep{Action: action, Commit: c, Text: row[3].Text()})
	}
	return p, nil
}

// isAlone refuses a plan beside which something was written on its branch b: that goes with
// the branch.
func (p *rebasePlan) isAlone(ctx context.Context, b *vdb.Branch) error {
	for change, err := range b.Diff(ctx, p.onto.String(), "WORKING").Tables() {
		if err != nil {
			return err
		}
		if name := change.Name(); name != planTable && name != rebaseTable {
			return fmt.Errorf("dolt_rebase: table %s was changed on branch %s, and that would be lost: undo it, or --abort", name, b.Name())
		}
	}
	return nil
}

// end takes the connection back to the branch and deletes the plan's.
func (p *rebasePlan) end(ctx context.Context, s *session) error {
	name := rebaseBranch(p.branch)
	if s.branch == name {
		if err := s.moveTo(p.branch); err != nil {
			return err
		}
	}
	return s.db.DeleteBranch(ctx, name)
}
