package remote

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/vdbgo/vdb/hash"
)

// The protocol's version stands in a header of each request and answer.
const (
	protocolHeader  = "Vdb-Protocol"
	protocolVersion = "1"
)

// Paths below that of the database.
const (
	refsPath     = "refs"
	fetchPath    = "fetch"
	pushPath     = "push"
	receivedPath = "received"
)

// Requests, as JSON. That of a push is the header of its frames.
type (
	refsRequest struct {
		Names []string `json:"names,omitempty"`
	}
	receivedRequest struct {
		ID string `json:"id"`
	}
	wireFetch struct {
		Wants  []hash.Hash `json:"wants"`
		Haves  []hash.Hash `json:"haves,omitempty"`
		Grafts []Graft     `json:"grafts,omitempty"`
		Depth  int         `json:"depth,omitempty"`
	}
	wirePush struct {
		ID      string   `json:"id"`
		Updates []Update `json:"updates"`
		Total   int64    `json:"total"`
		Grafts  []Graft  `json:"grafts,omitempty"`
	}
)

// A body of chunks is frames: kind (1) | length (uint32, little-endian) | payload.
const (
	frameAlive  = 0 // nothing: the sender is at work
	frameHeader = 1 // JSON, the first frame but for those of kind 0
	frameChunk  = 2 // address (20) | codec (1) | payload
	frameBatch  = 3 // zstd of: address (20) | length (uint32) | bytes, again and again
	frameTotal  = 4 // how many chunks there are by now (uint64)
	frameError  = 5 // JSON: the last frame, if something went wrong
	frameEnd    = 6 // the last frame
)

const (
	frameHeadBytes = 5
	maxJSONBytes   = 256 << 20 // refs of a million branches
	maxFrameBytes  = 17 << 20  // a chunk, packed
	batchHeadBytes = hash.Size + 4
	batchTarget    = 256 << 10
	maxBatchBytes  = batchTarget + maxFrameBytes
	bufferBytes    = 128 << 10
	roomBytes      = 256 << 10
	// maxEmpty is how many frames without a chunk may follow each other: an hour of those
	// of a sender that is at work are 720.
	maxEmpty = 1 << 16
)

// frameWriter writes frames.
type frameWriter struct {
	w     *bufio.Writer
	batch []byte
	total int64 // to be announced before the next chunks; 0 if it was
}

func newFrameWriter(w io.Writer) *frameWriter {
	return &frameWriter{w: bufio.NewWriterSize(w, bufferBytes)}
}

func (f *frameWriter) frame(kind byte, parts ...[]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	head := binary.LittleEndian.AppendUint32([]byte{kind}, uint32(n))
	if _, err := f.w.Write(head); err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := f.w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

func (f *frameWriter) json(kind byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return f.frame(kind, data)
}

// chunk writes a chunk: as it is if tables keep it so, else packed together with those
// that come next, which most often resemble it.
func (f *frameWriter) chunk(c Chunk) error {
	if c.Codec == codecZstd || c.Leaf() {
		if err := f.flushBatch(); err != nil {
			return err
		}
		return errors.Join(f.flushTotal(), f.frame(frameChunk, c.Hash[:], []byte{c.Codec}, c.Payload))
	}
	data, err := c.Data()
	if err != nil {
		return err
	}
	f.batch = append(f.batch, c.Hash[:]...)
	f.batch = binary.LittleEndian.AppendUint32(f.batch, uint32(len(data)))
	if f.batch = append(f.batch, data...); len(f.batch) < batchTarget {
		return nil
	}
	return f.flushBatch()
}

// codecZstd is the codec of chunks in table files.
const codecZstd = 2

// batchEncoders are kept for reuse: each holds some megabytes.
var batchEncoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // the options are constant and valid
	}
	return e
}}

func (f *frameWriter) flushBatch() error {
	if len(f.batch) == 0 {
		return nil
	}
	encoder := batchEncoders.Get().(*zstd.Encoder)
	packed := encoder.EncodeAll(f.batch, nil)
	batchEncoders.Put(encoder)
	f.batch = f.batch[:0]
	return errors.Join(f.flushTotal(), f.frame(frameBatch, packed))
}

func (f *frameWriter) flushTotal() error {
	if f.total == 0 {
		return nil
	}
	n := uint64(f.total)
	f.total = 0
	return f.frame(frameTotal, binary.LittleEndian.AppendUint64(nil, n))
}

func (f *frameWriter) alive() error { return errors.Join(f.frame(frameAlive), f.w.Flush()) }

func (f *frameWriter) end() error {
	return errors.Join(f.flushBatch(), f.frame(frameEnd), f.w.Flush())
}

// fail ends the frames with an error, after what came before it.
func (f *frameWriter) fail(err error) error {
	return errors.Join(f.flushBatch(), f.json(frameError, encodeError(err)), f.w.Flush())
}

// frameReader reads frames, and trusts nothing in them.
type frameReader struct {
	r     *bufio.Reader
	buf   []byte
	room  []byte // for the next chunks
	zstd  *zstd.Decoder
	total func(int64)
	empty int // frames without a chunk, one after the other
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, bufferBytes)}
}

// next reads a frame of at most limit bytes. The payload is good until the next call.
func (f *frameReader) next(limit int) (kind byte, payload []byte, err error) {
	for {
		var head [frameHeadBytes]byte
		if _, err := io.ReadFull(f.r, head[:]); err != nil {
			return 0, nil, unexpected(err)
		}
		n := int64(binary.LittleEndian.Uint32(head[1:]))
		if kind = head[0]; kind == frameError {
			limit = maxJSONBytes
		}
		if kind > frameEnd || n > int64(limit) {
			return 0, nil, fmt.Errorf("a frame of kind %d and %d bytes: %w", kind, n, ErrProtocol)
		}
		if payload, err = f.payload(int(n)); err != nil {
			return 0, nil, unexpected(err)
		}
		switch kind {
		case frameAlive:
			if err := f.brought(0); err != nil {
				return 0, nil, err
			}
			continue
		case frameError:
			return 0, nil, decodeError(payload)
		}
		return kind, payload, nil
	}
}

// brought counts frames without a chunk: a body does not go on for ever with them.
func (f *frameReader) brought(chunks int) error {
	if f.empty++; chunks > 0 {
		f.empty = 0
	}
	if f.empty > maxEmpty {
		return fmt.Errorf("%d frames without a chunk: %w", f.empty, ErrProtocol)
	}
	return nil
}

// payload reads n bytes. It takes no more memory than has come.
func (f *frameReader) payload(n int) ([]byte, error) {
	f.buf = f.buf[:0]
	for len(f.buf) < n {
		at := len(f.buf)
		step := min(n-at, max(64<<10, at))
		if cap(f.buf) < at+step {
			f.buf = append(make([]byte, 0, at+step), f.buf...)
		}
		f.buf = f.buf[:at+step]
		if _, err := io.ReadFull(f.r, f.buf[at:]); err != nil {
			return nil, err
		}
	}
	return f.buf, nil
}

// unexpected is the error of a body that ends before its last frame.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", err, ErrInterrupted)
}

// json reads a frame that must be of a kind.
func (f *frameReader) json(want byte, v any) error {
	kind, payload, err := f.next(maxJSONBytes)
	if err != nil {
		return err
	}
	if kind != want {
		return fmt.Errorf("a frame of kind %d, not %d: %w", kind, want, ErrProtocol)
	}
	if err := json.Unmarshal(payload, v); err != nil {
		return fmt.Errorf("%w: %w", err, ErrProtocol)
	}
	return nil
}

// chunks yields chunks until the last frame. They own their bytes.
func (f *frameReader) chunks() iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		for {
			kind, payload, err := f.next(maxFrameBytes)
			var chunks []Chunk
			switch {
			case err != nil:
			case kind == frameEnd:
				return
			case kind == frameTotal && len(payload) == 8:
				err = f.brought(0)
				if f.total != nil {
					f.total(int64(binary.LittleEndian.Uint64(payload)))
				}
			case kind == frameChunk && len(payload) > hash.Size:
				c := Chunk{Hash: hash.Hash(payload), Codec: payload[hash.Size]}
				c.Payload = f.keep(payload[hash.Size+1:])
				chunks = []Chunk{c}
				err = f.brought(1)
			case kind == frameBatch:
				if chunks, err = f.unbatch(payload); err == nil {
					err = f.brought(len(chunks))
				}
			default:
				err = fmt.Errorf("a frame of kind %d and %d bytes: %w", kind, len(payload), ErrProtocol)
			}
			if err != nil {
				yield(Chunk{}, err)
				return
			}
			for _, c := range chunks {
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

// keep returns a copy of a payload. Small ones stand in the same room.
func (f *frameReader) keep(payload []byte) []byte {
	n := len(payload)
	if n > roomBytes/8 {
		return bytes.Clone(payload)
	}
	if cap(f.room)-len(f.room) < n {
		f.room = make([]byte, 0, roomBytes)
	}
	at := len(f.room)
	f.room = append(f.room, payload...)
	return f.room[at : at+n : at+n]
}

// unbatch returns the chunks of a batch.
func (f *frameReader) unbatch(packed []byte) ([]Chunk, error) {
	if f.zstd == nil {
		var err error
		if f.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBatchBytes)); err != nil {
			return nil, err
		}
	}
	batch, err := f.zstd.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("a batch: %w: %w", err, ErrProtocol)
	}
	var chunks []Chunk
	for len(batch) > 0 {
		if len(batch) < batchHeadBytes {
			return nil, fmt.Errorf("a batch is cut short: %w", ErrProtocol)
		}
		n := int64(binary.LittleEndian.Uint32(batch[hash.Size:]))
		if n > int64(len(batch)-batchHeadBytes) {
			return nil, fmt.Errorf("a batch is cut short: %w", ErrProtocol)
		}
		end := batchHeadBytes + int(n)
		chunks = append(chunks, Chunk{Hash: hash.Hash(batch), Payload: batch[batchHeadBytes:end:end]})
		batch = batch[end:]
	}
	return chunks, nil
}

// readLimited reads all of r, which may have so many bytes.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("more than %d bytes: %w", limit, ErrProtocol)
	}
	return data, err
}

// wireError is an error on its way.
type wireError struct {
	Code     string          `json:"code,omitempty"`
	Message  string          `json:"message"`
	Rejected []wireRejection `json:"rejected,omitempty"`
}

type wireRejection struct {
	Ref    string    `json:"ref"`
	Reason wireError `json:"reason"`
}

// errorCodes are the errors that the other side can tell apart.
var errorCodes = []struct {
	code string
	err  error
}{
	{"unrelated", ErrUnrelated}, // before what it is a case of
	{"not_fast_forward", ErrNotFastForward},
	{"moved", ErrMoved},
	{"dirty", ErrDirty},
	{"purged", ErrPurged},
	{"refused", ErrRefused},
	{"not_found", ErrNotFound},
	{"too_large", ErrTooLarge},
	{"newer_format", ErrNewerFormat},
	{"interrupted", ErrInterrupted},
	{"protocol", ErrProtocol},
}

func encodeError(err error) wireError {
	e := wireError{Message: err.Error()}
	for _, known := range errorCodes {
		if errors.Is(err, known.err) {
			e.Code = known.code
			break
		}
	}
	if rejected, ok := errors.AsType[*RejectedError](err); ok {
		e.Code = ""
		for _, r := range rejected.Rejected {
			e.Rejected = append(e.Rejected, wireRejection{r.Ref, encodeError(r.Reason)})
		}
	}
	return e
}

func decodeError(data []byte) error {
	var e wireError
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("an error that cannot be read: %w", ErrProtocol)
	}
	return e.error()
}

func (e wireError) error() error {
	if len(e.Rejected) > 0 {
		rejected := &RejectedError{}
		for _, r := range e.Rejected {
			rejected.Rejected = append(rejected.Rejected, Rejection{r.Ref, r.Reason.error()})
		}
		return rejected
	}
	told := &toldError{message: fmt.Sprintf("the far end says: %.1000s", e.Message)}
	for _, known := range errorCodes {
		if known.code == e.Code {
			told.is = append(told.is, known.err)
		}
	}
	if e.Code == "unrelated" {
		told.is = append(told.is, ErrNotFastForward)
	}
	return told
}

// toldError is an error of the far end.
type toldError struct {
	message string
	is      []error
}

func (e *toldError) Error() string   { return e.message }
func (e *toldError) Unwrap() []error { return e.is }
