package prolly

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
)

// rowByRow is the oracle of Merge.
func rowByRow(base, ours, theirs model, resolve func(key string) (string, bool)) model {
	merged := model{}
	all := base.clone()
	for _, side := range []model{ours, theirs} {
		for k := range side {
			all[k] = ""
		}
	}
	for k := range all {
		b, inBase := base[k]
		o, inOurs := ours[k]
		t, inTheirs := theirs[k]
		value, ok := o, inOurs
		switch {
		case o == t && inOurs == inTheirs, b == t && inBase == inTheirs:
		case b == o && inBase == inOurs:
			value, ok = t, inTheirs
		default:
			value, ok = resolve(k)
		}
		if ok {
			merged[k] = value
		}
	}
	return merged
}

// verdict resolves conflicts by key: a third of them deletes it.
func verdict(key string) (string, bool) {
	if keyHash(0, []byte(key))%3 == 0 {
		return "", false
	}
	return "resolved " + key, true
}

func resolveByVerdict(_ context.Context, key, _, _, _ []byte) ([]byte, error) {
	if value, ok := verdict(string(key)); ok {
		return []byte(value), nil
	}
	return nil, nil
}

func TestMergeEqualsRowByRow(t *testing.T) {
	for _, w := range workloads() {
		t.Run(w.name, func(t *testing.T) {
			for seed := range uint64(6) {
				w.mergeEqualsRowByRow(t, randomOf(t, seed), 40)
			}
		})
	}
}

func (w *workload) mergeEqualsRowByRow(t *testing.T, r *rand.Rand, rounds int) {
	ctx := context.Background()
	base := model{}
	for round := range rounds {
		s := newStore()
		ours, theirs := base.clone(), base.clone()
		for range r.IntN(3) {
			ours.apply(w.edits(r, ours))
		}
		for range r.IntN(3) {
			edits := w.edits(r, theirs)
			theirs.apply(edits)
			if r.IntN(3) == 0 {
				ours.apply(edits)
			}
		}
		want := rowByRow(base, ours, theirs, verdict)
		merged, err := Merge(ctx, base.build(t, &w.cfg, s), ours.build(t, &w.cfg, s), theirs.build(t, &w.cfg, s), resolveByVerdict)
		if err != nil {
			t.Fatal(err)
		}
		if got := want.build(t, &w.cfg, newStore()); merged.Hash() != got.Hash() {
			wantItems(t, merged, want)
			t.Fatalf("round %d: merge gives the right items in a wrong tree", round)
		}
		checkDiff(t, ours.build(t, &w.cfg, s), merged, ours, want)
		base = want
		for len(base) < 200 && r.IntN(2) == 0 {
			base.apply(w.edits(r, base))
		}
	}
}

// checkDiff compares Diff with the models' differences, and applies it.
func checkDiff(t *testing.T, from, to Tree, fromModel, toModel model) {
	t.Helper()
	var edits []Edit
	want := 0
	for k, v := range fromModel {
		if to, ok := toModel[k]; !ok || to != v {
			want++
		}
	}
	for k := range toModel {
		if _, ok := fromModel[k]; !ok {
			want++
		}
	}
	for c, err := range Diff(context.Background(), from, to, Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		old, inFrom := fromModel[string(c.Key)]
		value, inTo := toModel[string(c.Key)]
		if inFrom != (c.From != nil) || inTo != (c.To != nil) || old != string(c.From) || value != string(c.To) {
			t.Fatalf("change of %x is %x → %x, want %x → %x", c.Key, c.From, c.To, old, value)
		}
		edits = append(edits, Edit{Key: c.Key, Value: c.To})
	}
	if len(edits) != want {
		t.Fatalf("%d changes, want %d", len(edits), want)
	}
	if got := from.mustApply(t, edits); got.Hash() != to.Hash() {
		t.Fatalf("the diff applied gives %s, want %s", got.Hash(), to.Hash())
	}
}

func TestMergeStopsAtResolveError(t *testing.T) {
	ctx, s := context.Background(), newStore()
	base := model{"a": "1", "b": "1"}.build(t, nil, s)
	ours := model{"a": "2", "b": "1"}.build(t, nil, s)
	theirs := model{"a": "3", "b": "1"}.build(t, nil, s)
	refusal := errors.New("no")
	_, err := Merge(ctx, base, ours, theirs, func(_ context.Context, key, b, o, th []byte) ([]byte, error) {
		if string(key) != "a" || string(b) != "1" || string(o) != "2" || string(th) != "3" {
			t.Errorf("resolve(%s, %s, %s, %s)", key, b, o, th)
		}
		return nil, refusal
	})
	if !errors.Is(err, refusal) {
		t.Fatalf("Merge returns %v", err)
	}
}
