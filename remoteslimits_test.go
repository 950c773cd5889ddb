package vdb_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/remote"
)

// Frames of the protocol, see package remote.
const (
	aliveFrame = iota
	headerFrame
	chunkFrame
	batchFrame
	totalFrame
	_
	endFrame
)

func frame(kind byte, payload ...[]byte) []byte {
	all := bytes.Join(payload, nil)
	return append(binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(all))), all...)
}

func jsonOf(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	succeeds(t, err)
	return data
}

// bodies are what follows the header of a fetch or push that announces one chunk, and
// must not.
func bodies(t *testing.T) map[string]struct {
	body []byte
	want error
} {
	t.Helper()
	encoder, err := zstd.NewWriter(nil)
	succeeds(t, err)
	defer encoder.Close()
	schema := func(text string) []byte { return append([]byte{0x12, 1, 0}, text...) } // leads to nothing
	chunk := func(data []byte) []byte {
		h := hash.Of(data)
		return frame(chunkFrame, h[:], []byte{0}, data)
	}
	other := hash.Of([]byte("another chunk"))
	blob := append([]byte{3, 0x10, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, 'x')
	short := binary.LittleEndian.AppendUint32(other[:], 1<<30)
	type lie = struct {
		body []byte
		want error
	}
	lies := map[string]lie{
		"a chunk too many":      {bytes.Join([][]byte{chunk(schema("a")), chunk(schema("b")), frame(endFrame)}, nil), remote.ErrProtocol},
		"wrong bytes":           {append(frame(chunkFrame, other[:], []byte{0}, schema("a")), frame(endFrame)...), remote.ErrProtocol},
		"an unknown codec":      {append(frame(chunkFrame, other[:], []byte{77}, schema("a")), frame(endFrame)...), remote.ErrProtocol},
		"a frame of 4 GB":       {[]byte{chunkFrame, 0xff, 0xff, 0xff, 0xff, 0}, remote.ErrProtocol},
		"an unknown frame":      {frame(99, []byte("?")), remote.ErrProtocol},
		"a second header":       {frame(headerFrame, []byte("{}")), remote.ErrProtocol},
		"a bomb":                {append(frame(batchFrame, encoder.EncodeAll(make([]byte, 256<<20), nil)), frame(endFrame)...), remote.ErrProtocol},
		"no batch":              {append(frame(batchFrame, []byte("no zstd")), frame(endFrame)...), remote.ErrProtocol},
		"a batch that is short": {append(frame(batchFrame, encoder.EncodeAll(short, nil)), frame(endFrame)...), remote.ErrProtocol},
		"no end":                {chunk(schema("a")), remote.ErrInterrupted},
		"endless signs of life": {bytes.Repeat(frame(aliveFrame), 100_000), remote.ErrProtocol},
		"endless totals":        {bytes.Repeat(frame(totalFrame, make([]byte, 8)), 100_000), remote.ErrProtocol},
		"endless empty batches": {bytes.Repeat(frame(batchFrame, encoder.EncodeAll(nil, nil)), 100_000), remote.ErrProtocol},
	}
	if *soak {
		lies["one value for ever"] = lie{bytes.Repeat(chunk(blob), 1<<22+100), remote.ErrProtocol}
	}
	return lies
}

// A server keeps to its limits, whatever a client sends, and nothing moves.
func TestLyingClient(t *testing.T) {
	here := smallBox(t)
	before := here.head("main")
	handler := remote.Handler(here.DB, &remote.HandlerOptions{
		MaxPushBytes: 512 << 20, Allow: func(*http.Request) (remote.Access, error) { return remote.FullAccess(), nil },
	})
	header := frame(headerFrame, jsonOf(t, map[string]any{
		"id": "x", "total": 1, "updates": []remote.Update{{Name: "heads/main", Old: before, New: hash.Of([]byte("new"))}},
	}))
	for what, b := range bodies(t) {
		err := handled(t, handler, "push", io.MultiReader(bytes.NewReader(header), bytes.NewReader(b.body)))
		if !errors.Is(err, b.want) {
			t.Errorf("%s gave %v", what, err)
		}
	}
	for what, b := range map[string]struct {
		path, body string
		want       error // nil: any
	}{
		"a commit that did not come": {"push", string(header) + string(frame(endFrame)), nil},
		"no header":                  {"push", string(frame(endFrame)), remote.ErrProtocol},
		"a path":                     {"push", string(frame(headerFrame, []byte(`{"updates":[{"name":"heads/../../etc"}]}`))), nil},
		"a ref that is none":         {"push", string(frame(headerFrame, []byte(`{"updates":[{"name":"remotes/x/y"}]}`))), nil},
		"no JSON":                    {"fetch", "{", remote.ErrProtocol},
		"no addresses":               {"fetch", `{"wants":["../../manifest"]}`, remote.ErrProtocol},
		"another's chunk":            {"fetch", fmt.Sprintf(`{"wants":["%s"]}`, hash.Of([]byte("?"))), remote.ErrNotFound},
		"a file":                     {"manifest", "{}", remote.ErrNotFound},
	} {
		if err := handled(t, handler, b.path, bytes.NewReader([]byte(b.body))); err == nil || b.want != nil && !errors.Is(err, b.want) {
			t.Errorf("%s gave %v", what, err)
		}
	}
	if here.head("main") != before {
		t.Error("the branch moved")
	}
	here.mustBeWhole()
}

// handled is the error that a handler answers a request with.
func handled(t *testing.T, h http.Handler, path string, body io.Reader) error {
	t.Helper()
	client := &http.Client{Transport: &wire{handler: h}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://here/"+path, body)
	succeeds(t, err)
	r.Header.Set("Vdb-Protocol", "1")
	resp, err := client.Do(r)
	succeeds(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	succeeds(t, err)
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	var told struct{ Code, Message string }
	succeeds(t, json.Unmarshal(data, &told))
	codes := map[string]error{"protocol": remote.ErrProtocol, "interrupted": remote.ErrInterrupted, "too_large": remote.ErrTooLarge, "not_found": remote.ErrNotFound}
	return errors.Join(errors.New(told.Message), codes[told.Code])
}

// A client keeps to its limits, whatever a server sends, and nothing moves.
func TestLyingServer(t *testing.T) {
	here := smallBox(t)
	header := frame(headerFrame, []byte(`{"chunks":1}`))
	for what, b := range bodies(t) {
		w := &wire{response: func(path string, body []byte) ([]byte, error) {
			if isFetch(path) {
				return append(header[:len(header):len(header)], b.body...), nil
			}
			return body, nil
		}}
		there := here.openWired(w)
		if _, err := there.Fetch(t.Context(), "origin", nil); !errors.Is(err, b.want) {
			t.Errorf("%s gave %v", what, err)
		}
		if _, err := there.Resolve(t.Context(), "origin/main"); !errors.Is(err, vdb.ErrNotFound) {
			t.Errorf("%s: there is a branch: %v", what, err)
		}
		there.mustBeWhole()
		succeeds(t, there.Close())
	}
}

// endless is a body without an end.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += int64(len(p))
	return len(p), nil
}

// Endless requests and pushes are read up to the limit, and no farther.
func TestEndlessRequests(t *testing.T) {
	here := smallBox(t)
	allow := func(*http.Request) (remote.Access, error) { return remote.FullAccess(), nil }
	body := &endless{}
	if err := handled(t, remote.Handler(here.DB, &remote.HandlerOptions{Allow: allow}), "refs", body); !errors.Is(err, remote.ErrProtocol) {
		t.Errorf("an endless request gave %v", err)
	}
	if body.read > 65<<20 {
		t.Errorf("%d bytes of a request were read", body.read)
	}
	const limit = 100_000
	data := make([]byte, 20<<10)
	header := frame(headerFrame, []byte(`{"id":"x","total":1000000}`))
	var pushed bytes.Buffer
	for i := range byte(20) {
		schema := append([]byte{0x12, 1, 0, i}, data...)
		h := hash.Of(schema)
		pushed.Write(frame(chunkFrame, h[:], []byte{0}, schema))
	}
	body = &endless{}
	all := io.MultiReader(bytes.NewReader(header), &pushed, body)
	err := handled(t, remote.Handler(here.DB, &remote.HandlerOptions{Allow: allow, MaxPushBytes: limit}), "push", all)
	if !errors.Is(err, remote.ErrTooLarge) || body.read > 0 {
		t.Errorf("an endless push gave %v", err)
	}
	if left := pushed.Len(); left < 20*len(data)-limit-256<<10 {
		t.Errorf("%d bytes of a push were not read", left)
	}
}

// drip is a body that comes slowly.
type drip struct {
	ctx   context.Context
	bytes []byte
	pause time.Duration
}

func (d *drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(d.pause):
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
	return copy(p, d.bytes), nil
}

// Who sends or takes too slowly, or takes too long altogether, is given up, and makes room
// for others.
func TestSlowClients(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	here := smallBox(t)
	large := newBox(t, 1)
	large.photos(rand.New(rand.NewPCG(seed, 0)), 1000) // more than a connection holds
	allow := func(*http.Request) (remote.Access, error) { return remote.FullAccess(), nil }
	idle := &remote.HandlerOptions{Allow: allow, IdleTimeout: 150 * time.Millisecond, MaxTransfers: 1}
	wants := jsonOf(t, map[string]any{"wants": []hash.Hash{large.head("main")}})
	for what, slow := range map[string]struct {
		server *server
		path   string
		body   io.Reader
	}{
		"a drip":               {here.serve(idle), "push", &drip{t.Context(), []byte{aliveFrame}, 10 * time.Millisecond}},
		"a push without end":   {here.serve(&remote.HandlerOptions{Allow: allow, MaxTime: 300 * time.Millisecond, MaxTransfers: 1}), "push", &drip{t.Context(), bytes.Repeat(frame(aliveFrame), 50), 5 * time.Millisecond}},
		"an answer left alone": {large.serve(idle), "fetch", bytes.NewReader(wants)},
	} {
		begin := time.Now()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, slow.server.URL+"/"+slow.path, slow.body)
		succeeds(t, err)
		r.Header.Set("Vdb-Protocol", "1")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			defer resp.Body.Close()
		}
		db, err := vdb.Clone(t.Context(), slow.server.URL, vdb.Memory, nil) // there is room for one
		if err != nil {
			t.Errorf("after %s: %v", what, err)
			continue
		}
		succeeds(t, db.Close())
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("after %s others had to wait for %v", what, took)
		}
	}
}
