package bucket

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vdbgo/vdb/remote"
)

// s3 is a bucket behind S3's protocol.
type s3 struct {
	signer
	client *http.Client
	base   *url.URL // of the bucket; its path ends in /
	pause  time.Duration
}

const (
	attempts      = 5
	defaultPause  = 100 * time.Millisecond
	answerTimeout = 30 * time.Second // and besides, as long as minRate takes for the bytes
	minRate       = 16 << 10         // bytes a second
	maxErrorBytes = 1 << 16
	maxListBytes  = 16 << 20
	maxObject     = 1 << 30
)

// request is one that can be made again.
type request struct {
	method string
	key    string
	query  url.Values
	header http.Header
	body   []byte
	expect int64 // bytes of the answer, about
	limit  int64 // which it must not pass
	once   bool  // do not repeat it: it is not the same the second time
}

// answer is a response that has come whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// Get implements Objects.
func (s *s3) Get(ctx context.Context, key string, offset, length int64) (Content, error) {
	r := request{method: http.MethodGet, key: key, header: http.Header{}, limit: maxObject}
	if length >= 0 {
		r.header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
		r.expect, r.limit = length, length
	}
	a, err := s.do(ctx, r)
	if err != nil {
		return Content{}, err
	}
	if length >= 0 && a.status != http.StatusPartialContent && int64(len(a.body)) != length {
		return Content{}, fmt.Errorf("get %s: the server does not answer requests for a range: %w", key, remote.ErrProtocol)
	}
	return Content{Data: a.body, Version: a.header.Get("ETag")}, nil
}

// Put implements Objects.
func (s *s3) Put(ctx context.Context, key string, data []byte, condition Condition) error {
	r := request{method: http.MethodPut, key: key, header: http.Header{}, body: data, limit: maxErrorBytes}
	switch {
	case condition.Absent:
		r.header.Set("If-None-Match", "*")
	case condition.Version != "":
		r.header.Set("If-Match", condition.Version)
	}
	r.once = condition != Condition{}
	_, err := s.do(ctx, r)
	return err
}

// Stat implements Objects.
func (s *s3) Stat(ctx context.Context, key string) (Object, error) {
	a, err := s.do(ctx, request{method: http.MethodHead, key: key})
	if err != nil {
		return Object{}, err
	}
	size, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64)
	if err != nil {
		return Object{}, fmt.Errorf("stat %s: the server does not tell its size: %w", key, remote.ErrProtocol)
	}
	modified, err := http.ParseTime(a.header.Get("Last-Modified"))
	if err != nil {
		return Object{}, fmt.Errorf("stat %s: the server does not tell its time: %w", key, remote.ErrProtocol)
	}
	return Object{Key: key, Bytes: size, Age: s.serverTime(a).Sub(modified)}, nil
}

func (s *s3) serverTime(a *answer) time.Time {
	if t, err := http.ParseTime(a.header.Get("Date")); err == nil {
		return t
	}
	return s.now()
}

// listing is one page of a list.
type listing struct {
	Contents []struct {
		Key          string
		Size         int64
		LastModified time.Time
	}
	IsTruncated           bool
	NextContinuationToken string
}

// List implements Objects.
func (s *s3) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		query := url.Values{"list-type": {"2"}, "prefix": {prefix}}
		for {
			var page listing
			a, err := s.do(ctx, request{method: http.MethodGet, query: query, limit: maxListBytes})
			if err == nil {
				if err = xml.Unmarshal(a.body, &page); err != nil {
					err = fmt.Errorf("list %s: %w: %w", prefix, err, remote.ErrProtocol)
				}
			}
			if err != nil {
				yield(Object{}, err)
				return
			}
			now := s.serverTime(a)
			for _, o := range page.Contents {
				if !yield(Object{Key: o.Key, Bytes: o.Size, Age: now.Sub(o.LastModified)}, nil) {
					return
				}
			}
			if !page.IsTruncated || page.NextContinuationToken == "" {
				return
			}
			query.Set("continuation-token", page.NextContinuationToken)
		}
	}
}

// Delete implements Objects.
func (s *s3) Delete(ctx context.Context, key string) error {
	_, err := s.do(ctx, request{method: http.MethodDelete, key: key, limit: maxErrorBytes})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// do makes a request, several times if need be.
func (s *s3) do(ctx context.Context, r request) (*answer, error) {
	for attempt := 1; ; attempt++ {
		a, again, err := s.try(ctx, r)
		if err == nil {
			return a, nil
		}
		err = fmt.Errorf("%s %s: %w", strings.ToLower(r.method), cmp.Or(r.key, s.base.Path), err)
		if !again || r.once || ctx.Err() != nil {
			return nil, err
		}
		if attempt == attempts {
			return nil, fmt.Errorf("%w: %w", err, remote.ErrInterrupted)
		}
		select {
		case <-time.After(s.pause << (attempt - 1)):
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		}
	}
}

// try makes a request once. again tells that it may go better the next time.
func (s *s3) try(ctx context.Context, r request) (_ *answer, again bool, err error) {
	bytesToMove := int64(len(r.body)) + r.expect
	ctx, cancel := context.WithTimeout(ctx, answerTimeout+time.Duration(bytesToMove/minRate)*time.Second)
	defer cancel()
	request, err := s.newRequest(ctx, r)
	if err != nil {
		return nil, false, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, true, withoutURL(err)
	}
	defer response.Body.Close()
	a := &answer{status: response.StatusCode, header: response.Header}
	limit := r.limit
	if a.status >= 300 {
		limit = maxErrorBytes
	}
	a.body, err = io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return nil, true, err
	case int64(len(a.body)) > limit:
		return nil, false, fmt.Errorf("more than %d bytes came: %w", limit, remote.ErrProtocol)
	case a.status >= 300:
		return nil, a.status >= 500 || a.status == http.StatusTooManyRequests, s.explain(a, r)
	}
	return a, false, nil
}

func (s *s3) newRequest(ctx context.Context, r request) (*http.Request, error) {
	u := *s.base
	u.Path += r.key
	u.RawPath = escape(u.Path, "/")
	u.RawQuery = canonicalQuery(r.query)
	request, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, withoutURL(err)
	}
	for name, values := range r.header {
		request.Header[name] = values
	}
	return request, s.sign(ctx, request, r.body)
}

// withoutURL takes the address out of an error: it says nothing new.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// explain turns an answer that is a failure into an error.
func (s *s3) explain(a *answer, r request) error {
	var said struct{ Code, Message string }
	_ = xml.Unmarshal(a.body, &said) // what is no XML says nothing
	text := strings.TrimSpace(fmt.Sprintf("%s %s", cmp.Or(said.Code, http.StatusText(a.status)), said.Message))
	switch {
	case a.status == http.StatusForbidden, a.status == http.StatusUnauthorized:
		return fmt.Errorf("%s: %w; see that the credentials are there and may do that", text, remote.ErrRefused)
	case said.Code == "NoSuchBucket":
		return fmt.Errorf("%s: %w; make the bucket first", text, remote.ErrNoDatabase)
	case a.status == http.StatusNotFound:
		return fmt.Errorf("%s: %w", text, fs.ErrNotExist)
	case a.status == http.StatusPreconditionFailed, a.status == http.StatusConflict:
		return fmt.Errorf("%s: %w", text, ErrChanged)
	case a.status == http.StatusNotImplemented && r.once:
		return fmt.Errorf("%s: %w", text, errUnconditional)
	}
	return fmt.Errorf("the server answers %d %s", a.status, text)
}

// errUnconditional: many clients cannot share such a bucket.
var errUnconditional = errors.New("the server does not know conditional writes (If-Match and If-None-Match), without which one client's push would overwrite another's")
