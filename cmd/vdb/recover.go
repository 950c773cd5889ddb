package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/schollz/progressbar/v3"

	"github.com/vdbgo/vdb"
)

type recoverCmd struct {
	Damaged string   `arg:"positional,required" placeholder:"DAMAGED" help:"The damaged database, which is only read."`
	New     string   `arg:"positional,required" placeholder:"NEW" help:"The database to be made."`
	From    []string `arg:"--from,separate" placeholder:"URL" help:"A backup, clone or remote that may have what is lost."`
	reach
}

// Run recovers a database, and says what is lost.
func (c *recoverCmd) Run(ctx context.Context, con *console) error {
	var b *progressbar.ProgressBar
	report, err := vdb.Recover(ctx, c.Damaged, c.New, &vdb.RecoverOptions{
		From: c.From, Open: &vdb.Options{Remotes: c.options()},
		Progress: func(step string, done, total int64) {
			if b == nil {
				b = bar(con, total, step)
			}
			b.Describe(step)
			b.ChangeMax64(total)
			_ = b.Set64(done) // what is shown of it does not matter
		},
	})
	if b != nil {
		_ = b.Finish()
	}
	if err != nil {
		return err
	}
	r := recovered{report, con}
	r.print()
	if !report.Whole() {
		fmt.Fprintf(con.out, "%s is whole, but not all is in it that was in %s\n", c.New, c.Damaged)
		return errStatus(1)
	}
	fmt.Fprintf(con.out, "nothing is lost: %s has all that was in %s\n", c.New, c.Damaged)
	return nil
}

// recovered prints what was recovered.
type recovered struct {
	*vdb.Recovered
	*console
}

func (r recovered) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

func (r recovered) print() {
	for _, d := range r.Files {
		r.say("%v", d)
	}
	for _, s := range r.Sources {
		if r.say("%s had %d chunks that were lost here", s.URL, s.Chunks); s.Err != nil {
			r.say("%s may have more: %v", s.URL, s.Err)
		}
	}
	if r.Doubt != nil {
		r.say("the newest state may be lost, and more with it than is said here: %v", r.Doubt)
	}
	for _, c := range r.Lost {
		r.say("lost: chunk %s; %s", c.Address, hits(c))
	}
	for _, c := range r.Commits {
		r.say("lost: commit %s%s", c.Hash, inTables(c.Tables))
	}
	for _, ref := range r.Refs {
		r.ref(ref)
	}
	for _, m := range r.Mended {
		r.mended(m)
	}
	if r.Remade > 0 {
		r.say("%d chunks of indexes were lost, and made again", r.Remade)
	}
	r.say("%d chunks copied", r.Chunks)
}

// ref says what has become of a ref.
func (r recovered) ref(l vdb.LostRef) {
	switch {
	case l.Old.IsZero() && !l.New.IsZero():
		r.say("%s was made at %s, for commits of which it is not known where they belong", l.Ref, l.New)
	case l.New.IsZero():
		r.say("%s is lost%s", l.Ref, inTables(l.Tables))
	case l.Old != l.New:
		r.say("%s was at %s and is at %s now%s", l.Ref, l.Old, l.New, inTables(l.Tables))
	}
	if l.Working {
		r.say("%s: changes that were not committed are lost%s", l.Ref, inTables(l.Tables))
	}
	if l.Merging {
		r.say("%s: the merge in progress is lost", l.Ref)
	}
}

// mended says what could be read of a branch's newest state.
func (r recovered) mended(m vdb.MendedBranch) {
	if m.Err != nil {
		r.say("what can be read of %s could not be made a branch: %v", m.Of, m.Err)
		return
	}
	r.say("%s was made: what can be read of %s, whose other tables it has as they were", m.Ref, m.Of)
	for _, t := range m.Tables {
		switch {
		case t.Gone:
			r.say("  table %s cannot be read", t.Name)
		default:
			r.say("  table %s: %d rows as they were, %d of before where others are lost", t.Name, t.Rows, t.Older)
		}
	}
}

// inTables names the tables of which a part is lost.
func inTables(tables []string) string {
	if len(tables) == 0 {
		return ""
	}
	return ": a part of " + strings.Join(tables, ", ")
}
