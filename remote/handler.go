package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vdbgo/vdb/hash"
)

// HandlerOptions say who may do what, and how much.
type HandlerOptions struct {
	// Allow says what whoever sent a request may do. An error refuses the request
	// altogether; what wraps ErrRefused answers with 401 Unauthorized. Without a function
	// nothing is served.
	Allow func(r *http.Request) (Access, error)
	// MaxPushBytes is how large a push may be as it travels; 0 is 64 GB.
	MaxPushBytes int64
	// MaxTransfers is how many fetches and pushes run at once, others wait; 0 is 16.
	MaxTransfers int
	// IdleTimeout is how long the far end may be silent, 30 seconds if zero.
	IdleTimeout time.Duration
	// MaxTime is how long a request may take, 6 hours if zero.
	MaxTime time.Duration
}

const (
	defaultMaxPushBytes = 64 << 30
	defaultMaxTransfers = 16
	defaultIdleTimeout  = 30 * time.Second
	defaultMaxTime      = 6 * time.Hour
	maxRequestBytes     = 64 << 20
	aliveInterval       = 5 * time.Second
)

// Handler serves a database to clients of this package: they clone, fetch, push and
// pull at the URL at which the handler is mounted, with or without http.StripPrefix.
//
//	mux.Handle("/prod/", remote.Handler(db, &remote.HandlerOptions{Allow: allow}))
//
// What opts.Allow does not let somebody read is not there for them: neither refs, nor
// chunks that only such refs lead to. Nothing but the database can be reached.
func Handler(db Database, opts *HandlerOptions) http.Handler {
	h := &handler{db: db}
	if opts != nil {
		h.o = *opts
	}
	h.o.MaxPushBytes = orDefault(h.o.MaxPushBytes, defaultMaxPushBytes)
	h.o.MaxTransfers = orDefault(h.o.MaxTransfers, defaultMaxTransfers)
	h.o.IdleTimeout = orDefault(h.o.IdleTimeout, defaultIdleTimeout)
	h.o.MaxTime = orDefault(h.o.MaxTime, defaultMaxTime)
	h.turns = make(chan struct{}, h.o.MaxTransfers)
	return h
}

func orDefault[N ~int | ~int64](n, value N) N {
	if n <= 0 {
		return value
	}
	return n
}

type handler struct {
	db    Database
	o     HandlerOptions
	turns chan struct{}
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(protocolHeader, protocolVersion)
	ctx, cancel := context.WithTimeout(r.Context(), h.o.MaxTime)
	defer cancel()
	c := &conversation{handler: h, w: w, r: r, ctx: ctx, control: http.NewResponseController(w)}
	c.reading, c.writing = newCredit(h.o.IdleTimeout), newCredit(h.o.IdleTimeout)
	if err := c.serve(); err != nil {
		c.fail(err)
	}
}

// conversation is one request and its answer.
type conversation struct {
	*handler
	w       http.ResponseWriter
	r       *http.Request
	ctx     context.Context
	control *http.ResponseController
	begun   bool // the answer

	reading credit
	mu      sync.Mutex // guards what follows: a heartbeat writes, too
	writing credit
}

func (c *conversation) serve() error {
	if v := c.r.Header.Get(protocolHeader); v != protocolVersion {
		return fmt.Errorf("version %.20q of the protocol is not spoken here, but %s: %w", v, protocolVersion, ErrNewerFormat)
	}
	if c.o.Allow == nil {
		return fmt.Errorf("nothing is served: %w", ErrRefused)
	}
	access, err := c.o.Allow(c.r)
	if err != nil {
		return err
	}
	served := c.db.Served(access)
	defer served.Close()
	_, name, _ := cutLast(c.r.URL.Path, "/")
	switch {
	case c.r.Method != http.MethodPost:
		return fmt.Errorf("method %.20q: %w", c.r.Method, ErrProtocol)
	case name == refsPath:
		return c.refs(served)
	case name == receivedPath:
		return c.received(served)
	case name == fetchPath:
		return c.transfer(served, c.fetch)
	case name == pushPath:
		return c.transfer(served, c.push)
	}
	return fmt.Errorf("path %.100q: %w", name, ErrNotFound)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// transfer waits for its turn.
func (c *conversation) transfer(served Remote, do func(Remote) error) error {
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
		return do(served)
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

func (c *conversation) refs(served Remote) error {
	var req refsRequest
	if err := c.request(&req); err != nil {
		return err
	}
	shown, err := served.Refs(c.ctx, req.Names...)
	if err != nil {
		return err
	}
	return c.answer(shown)
}

func (c *conversation) received(served Remote) error {
	var req receivedRequest
	if err := c.request(&req); err != nil {
		return err
	}
	resumer, ok := served.(Resumer)
	if !ok {
		return c.answer([]hash.Hash{})
	}
	tops, err := resumer.Received(c.ctx, req.ID)
	if err != nil {
		return err
	}
	return c.answer(tops)
}

func (c *conversation) fetch(served Remote) error {
	var wire wireFetch
	if err := c.request(&wire); err != nil {
		return err
	}
	f := newFrameWriter(writerFunc(c.write))
	alive := c.heartbeat(f)
	defer alive()
	req := FetchRequest{Wants: wire.Wants, Haves: wire.Haves, Grafts: wire.Grafts, Depth: wire.Depth}
	req.Header = func(h FetchHeader) error {
		alive()
		return f.json(frameHeader, h)
	}
	req.Progress = func(total int64) { f.total = total }
	for chunk, err := range served.Fetch(c.ctx, req) {
		if err == nil {
			err = f.chunk(chunk)
		}
		if err != nil {
			alive()
			return c.failFrames(f, err)
		}
	}
	return f.end()
}

// failFrames tells of an error after frames, or in their place.
func (c *conversation) failFrames(f *frameWriter, err error) error {
	if !c.begun {
		return err
	}
	return f.fail(err)
}

// heartbeat writes frames that tell that the sender is at work, until the function that
// it returns is called.
func (c *conversation) heartbeat(f *frameWriter) (stop func()) {
	ctx, cancel := context.WithCancel(c.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(aliveInterval):
				if f.alive() != nil || c.control.Flush() != nil {
					return
				}
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func (c *conversation) push(served Remote) error {
	f := newFrameReader(http.MaxBytesReader(c.w, io.NopCloser(readerFunc(c.read)), c.o.MaxPushBytes))
	var wire wirePush
	if err := f.json(frameHeader, &wire); err != nil {
		return tooLarge(err)
	}
	err := served.Push(c.ctx, PushRequest{
		ID: wire.ID, Updates: wire.Updates, Total: wire.Total, Grafts: wire.Grafts,
		Chunks: limited(f.chunks()),
	})
	if err != nil {
		return err
	}
	return c.answer(struct{}{})
}

// limited gives the error of a body that is too large its name.
func limited(chunks iter.Seq2[Chunk, error]) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		for c, err := range chunks {
			if !yield(c, tooLarge(err)) {
				return
			}
		}
	}
}

func tooLarge(err error) error {
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("a push of more than %d bytes: %w", e.Limit, ErrTooLarge)
	}
	return err
}

// read reads the request's body. Who sends too slowly is not waited for.
func (c *conversation) read(p []byte) (int, error) {
	begin := time.Now()
	_ = c.control.SetReadDeadline(c.until(begin, c.reading)) // an error: the server has no deadlines
	n, err := c.r.Body.Read(p)
	c.reading.spend(time.Since(begin))
	c.reading.earn(n)
	return n, err
}

// write writes the answer. Who takes it too slowly is not waited for.
func (c *conversation) write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = true
	begin := time.Now()
	_ = c.control.SetWriteDeadline(c.until(begin, c.writing))
	n, err := c.w.Write(p)
	c.writing.spend(time.Since(begin))
	c.writing.earn(n)
	return n, err
}

// until is how long the far end is waited for that has so much credit.
func (c *conversation) until(now time.Time, left credit) time.Time {
	until := now.Add(left.left)
	if end, limited := c.ctx.Deadline(); limited && end.Before(until) {
		return end
	}
	return until
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// request reads a request of JSON.
func (c *conversation) request(v any) error {
	data, err := readLimited(readerFunc(c.read), maxRequestBytes)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("request: %w: %w", err, ErrProtocol)
	}
	return nil
}

// answer writes an answer of JSON.
func (c *conversation) answer(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, err = c.write(data)
	return err
}

// fail answers with an error, unless the answer has begun: then it is cut.
func (c *conversation) fail(err error) {
	if c.begun {
		panic(http.ErrAbortHandler)
	}
	status := http.StatusUnprocessableEntity
	if errors.Is(err, ErrRefused) {
		if _, rejected := errors.AsType[*RejectedError](err); !rejected {
			status = http.StatusUnauthorized
			c.w.Header().Set("WWW-Authenticate", `Basic realm="vdb"`)
		}
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	data, marshalError := json.Marshal(encodeError(err))
	if marshalError == nil {
		_, _ = c.write(data) // nobody is left to tell
	}
}
