package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/vdbgo/vdb/hash"
)

// client is a database that a Handler serves.
type client struct {
	base   *url.URL // without credentials
	user   *url.Userinfo
	http   *http.Client
	header func(ctx context.Context, u *url.URL) (http.Header, error)
	idle   time.Duration
}

var _ Resumer = (*client)(nil)

func newClient(u *url.URL, o *Options) *client {
	base := *u
	base.User = nil
	c := &client{base: &base, user: u.User, http: o.Client, header: o.Header, idle: o.IdleTimeout}
	if c.idle == 0 {
		c.idle = defaultIdleTimeout
	}
	if c.http == nil {
		c.http = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: c.idle}).DialContext,
			TLSHandshakeTimeout: c.idle, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, DisableCompression: true,
		}}
	}
	return c
}

// Close implements Remote.
func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Refs implements Remote.
func (c *client) Refs(ctx context.Context, names ...string) (*Refs, error) {
	shown := &Refs{}
	err := c.call(ctx, refsPath, refsRequest{Names: names}, shown)
	return shown, err
}

// Received implements Resumer.
func (c *client) Received(ctx context.Context, id string) ([]hash.Hash, error) {
	var tops []hash.Hash
	err := c.call(ctx, receivedPath, receivedRequest{ID: id}, &tops)
	return tops, err
}

// call sends a request and reads an answer, both JSON.
func (c *client) call(ctx context.Context, path string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	return c.do(ctx, path, bytes.NewReader(body), func(r io.Reader) error {
		data, err := readLimited(r, maxJSONBytes)
		if err == nil {
			err = json.Unmarshal(data, answer)
		}
		if err != nil {
			return c.broken(err)
		}
		return nil
	})
}

// do sends a request; read is given the body of the answer. The far end must go on
// sending, or taking, all the time, see watch.
func (c *client) do(ctx context.Context, path string, body io.Reader, read func(io.Reader) error) error {
	ctx, watch := newWatch(ctx, c.idle)
	defer watch.stop()
	u := c.base.JoinPath(path)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), watch.going(body))
	if err != nil {
		return fmt.Errorf("%s: %w", c.base, ErrURL)
	}
	if sized, ok := body.(*bytes.Reader); ok {
		req.ContentLength = sized.Size()
		req.GetBody = func() (io.ReadCloser, error) { // for a connection that was closed meanwhile
			_, err := sized.Seek(0, io.SeekStart)
			return io.NopCloser(sized), err
		}
	}
	if err := c.sign(ctx, req); err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	watch.flowed(0)
	if err := c.understood(resp); err != nil {
		return err
	}
	if err := read(watch.coming(resp.Body)); err != nil {
		return watch.explain(ctx, err)
	}
	return nil
}

// sign adds the protocol's version and the credentials.
func (c *client) sign(ctx context.Context, req *http.Request) error {
	req.Header.Set(protocolHeader, protocolVersion)
	if c.user != nil {
		password, _ := c.user.Password()
		req.SetBasicAuth(c.user.Username(), password)
	}
	if c.header == nil {
		return nil
	}
	h, err := c.header(ctx, req.URL)
	for name, values := range h {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	return err
}

// unreachable says that a request got no answer, without the URL that net/http
// repeats.
func (c *client) unreachable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*answeredError](err); ok {
		return e.error
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return fmt.Errorf("%s: %w: %w", c.base, ErrNoDatabase, err)
	}
	return fmt.Errorf("%s: %w: %w", c.base, err, ErrInterrupted)
}

// broken says that an answer ended early or makes no sense.
func (c *client) broken(err error) error {
	if errors.Is(err, ErrProtocol) || errors.Is(err, ErrInterrupted) {
		return err
	}
	if _, isJSON := errors.AsType[*json.SyntaxError](err); isJSON {
		return fmt.Errorf("%s: %w: %w", c.base, err, ErrProtocol)
	}
	return fmt.Errorf("%s: %w: %w", c.base, err, ErrInterrupted)
}

// understood checks that the answer is a Handler's, and no error.
func (c *client) understood(resp *http.Response) error {
	switch version := resp.Header.Get(protocolHeader); {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%s: %w; are the credentials right?", c.base, ErrRefused)
	case version == "" && resp.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("%s: answer %s: %w", c.base, resp.Status, ErrInterrupted) // of something in between
	case version == "":
		return fmt.Errorf("%s: answer %s: %w", c.base, resp.Status, ErrNoDatabase)
	case version != protocolVersion:
		return fmt.Errorf("%s: it speaks version %.20q of the protocol, this program %s: %w", c.base, version, protocolVersion, ErrNewerFormat)
	case resp.StatusCode == http.StatusOK:
		return nil
	}
	data, err := readLimited(resp.Body, maxJSONBytes)
	if err != nil {
		return c.broken(err)
	}
	return fmt.Errorf("%s: %w", c.base, decodeError(data))
}

// Fetch implements Remote.
func (c *client) Fetch(ctx context.Context, req FetchRequest) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		body, err := json.Marshal(wireFetch{Wants: req.Wants, Haves: req.Haves, Grafts: req.Grafts, Depth: req.Depth})
		if err == nil {
			err = c.do(ctx, fetchPath, bytes.NewReader(body), func(r io.Reader) error {
				return c.readChunks(r, req, yield)
			})
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(Chunk{}, err)
		}
	}
}

func (c *client) readChunks(r io.Reader, req FetchRequest, yield func(Chunk, error) bool) error {
	f := newFrameReader(r)
	var header FetchHeader
	if err := f.json(frameHeader, &header); err != nil {
		return c.broken(err)
	}
	if req.Header != nil {
		if err := req.Header(header); err != nil {
			return err
		}
	}
	f.total = req.Progress
	for chunk, err := range f.chunks() {
		if err != nil {
			return c.broken(err)
		}
		if !yield(chunk, nil) {
			return errStopped
		}
	}
	return nil
}

// Push implements Remote.
func (c *client) Push(ctx context.Context, req PushRequest) error {
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pw.CloseWithError(writePush(pw, req))
	}()
	err := c.do(ctx, pushPath, pr, func(r io.Reader) error {
		_, err := readLimited(r, maxJSONBytes)
		return err
	})
	pr.CloseWithError(errStopped)
	<-done
	return err
}

// writePush writes the body of a push.
func writePush(w io.Writer, req PushRequest) error {
	f := newFrameWriter(w)
	if err := f.json(frameHeader, wirePush{ID: req.ID, Updates: req.Updates, Total: req.Total, Grafts: req.Grafts}); err != nil {
		return err
	}
	if req.Chunks != nil {
		for chunk, err := range req.Chunks {
			if err == nil {
				err = f.chunk(chunk)
			}
			if err != nil {
				return &answeredError{err}
			}
		}
	}
	return f.end()
}

// answeredError is a failure at this end, which the far end has nothing to do with.
type answeredError struct{ error }

func (e *answeredError) Unwrap() error { return e.error }
