package vdb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
)

// Object is a part of the database's schema that only SQL gives a meaning: a
// view, a trigger or a virtual table. Package sqlite makes and uses them; here
// they are versioned.
type Object struct {
	// Type is as in SQLite's schema table: "view", "trigger", or "table" for a
	// virtual table.
	Type string `json:"type"`
	Name string `json:"name"`
	// Table is the table of a trigger.
	Table string `json:"table,omitempty"`
	// SQL is the statement that makes the object.
	SQL string `json:"sql"`
}

// Settings are the numbers in a database that applications give a meaning.
type Settings struct {
	// ApplicationID and UserVersion are as SQLite's pragmas of these names.
	ApplicationID, UserVersion int32
}

// Keys of a root value for what is no table. Triggers have names of their own;
// views and virtual tables share theirs with tables.
const (
	settingsKey   = "settings"
	triggerPrefix = "trigger/"
	viewPrefix    = "view/"
)

var (
	triggerKeys = prolly.Range{From: []byte(triggerPrefix), To: []byte("trigger0")}
	viewKeys    = prolly.Range{From: []byte(viewPrefix), To: []byte("view0")}
)

func (o *Object) key() []byte {
	if o.Type == "trigger" {
		return []byte(triggerPrefix + fold(o.Name))
	}
	return []byte(viewPrefix + fold(o.Name))
}

// store writes o and returns what a root value holds of it.
func (o *Object) store(ctx context.Context, s prolly.Store) ([]byte, error) {
	payload, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	h, err := s.Put(ctx, chunk.Encode(chunk.Object, nil, payload))
	if err != nil {
		return nil, err
	}
	return append([]byte{1}, h[:]...), nil
}

func loadObject(ctx context.Context, s prolly.Store, value []byte) (Object, error) {
	var o Object
	if len(value) != 1+hash.Size || value[0] != 1 {
		return o, fmt.Errorf("an object's entry of %d bytes is damaged", len(value))
	}
	data, err := s.Get(ctx, hash.Hash(value[1:]))
	if err != nil {
		return o, err
	}
	_, payload, err := chunk.Decode(chunk.Object, data)
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(payload, &o); err != nil {
		return o, fmt.Errorf("decode object: %w", err)
	}
	return o, nil
}

// Objects lists the views, virtual tables and triggers, in the order of their
// folded names, triggers last.
func (s *Snapshot) Objects() ([]Object, error) {
	objects, err := s.objects()
	return objects, opError("list objects", err)
}

func (s *Snapshot) objects() ([]Object, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	return s.objectsIn(viewKeys, triggerKeys)
}

func (s *Snapshot) objectsIn(ranges ...prolly.Range) ([]Object, error) {
	var objects []Object
	for _, keys := range ranges {
		for item, err := range s.root.Items(s.ctx, keys) {
			if err != nil {
				return nil, err
			}
			o, err := loadObject(s.ctx, s.store, item.Value)
			if err != nil {
				return nil, err
			}
			objects = append(objects, o)
		}
	}
	return objects, nil
}

// Settings returns the numbers that applications give a meaning.
func (s *Snapshot) Settings() (Settings, error) {
	set, err := s.settings()
	return set, opError("read settings", err)
}

func (s *Snapshot) settings() (Settings, error) {
	var set Settings
	if err := s.ready(); err != nil {
		return set, err
	}
	value, ok, err := s.root.Get(s.ctx, []byte(settingsKey))
	if err != nil || !ok {
		return set, err
	}
	return decodeSettings(value)
}

// encode lays set out as listedAddresses reads it: no address, then JSON. The
// zero Settings are not stored.
func (set Settings) encode() []byte {
	if set == (Settings{}) {
		return nil
	}
	data, _ := json.Marshal(set) // two numbers cannot fail
	return append([]byte{0}, data...)
}

func decodeSettings(value []byte) (set Settings, err error) {
	if len(value) == 0 || value[0] != 0 {
		return set, fmt.Errorf("settings of %d bytes are damaged", len(value))
	}
	if err := json.Unmarshal(value[1:], &set); err != nil {
		return set, fmt.Errorf("decode settings: %w", err)
	}
	return set, nil
}

// mergeObjects merges what stands in root values beside tables: each object and
// the settings are one piece.
func (m *merger) mergeObjects() error {
	roots := [3]prolly.Tree{m.sides[atBase].root, m.sides[atOurs].root, m.sides[atTheirs].root}
	for change, err := range prolly.Diff(m.ctx, roots[atBase], roots[atTheirs], allKeys) {
		if err != nil {
			return err
		}
		if bytes.HasPrefix(change.Key, []byte(tableKeyPrefix)) {
			continue
		}
		ours, _, err := roots[atOurs].Get(m.ctx, change.Key)
		if err != nil {
			return err
		}
		if e, ok := m.mergeObject(change, ours); ok {
			m.objects = append(m.objects, e)
		}
	}
	return nil
}

// mergeObject decides one object that theirs has changed.
func (m *merger) mergeObject(change prolly.Change, ours []byte) (prolly.Edit, bool) {
	theirs := prolly.Edit{Key: slices.Clone(change.Key), Value: change.To}
	switch {
	case same(ours, change.From):
		return theirs, true
	case same(ours, change.To):
		return prolly.Edit{}, false
	}
	t := &tableMerge{id: objectID(change.Key)}
	if side, decided := m.preference(t); decided {
		return theirs, side == atTheirs
	}
	m.schemas = append(m.schemas, schemaConflict{ID: t.id, Table: t.id, Reason: "changed by both sides, differently"})
	return prolly.Edit{}, false
}

// same tells whether two entries are the same; nil is none.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// objectID names an object in a conflict: as no table can be called.
func objectID(key []byte) string { return strings.Replace(string(key), "/", " ", 1) }
