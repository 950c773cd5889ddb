package nbs

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/vdbgo/vdb/hash"
)

// A manifest says which files make up the store. It is replaced as a whole by
// a rename. It is text, one line per fact, and stands in its file twice, so
// that one damaged byte does no harm:
//
//	vdb store 1                                     format version
//	hash 1                                          hash.ID
//	id 9d0a…                                        of the store, 16 bytes
//	generation 7                                    one more with each manifest
//	collected <epoch> <bytes>                       how often; of tables after the last full time
//	journal <id> <sequence> <root>                  the active one; the root before it
//	sealed <id> <sequence> <root> <end>             a journal that is full; its length
//	table <id> <chunks> <bytes>                     a table file of chunks from journals
//	old <id> <chunks> <bytes>                       one of chunks that a collection has kept
//	crc 1f2e3d4c                                    CRC-32C of the lines above
//
// The first line and the crc line stay as they are in every later version.
type manifest struct {
	store      fileID
	generation uint64
	epoch      uint64 // one more with each collection
	fullBytes  int64  // of tables after the last full collection
	active     journalEntry
	sealed     []journalEntry // oldest first
	tables     []tableEntry   // oldest first
}

// journalEntry is what the manifest says of a journal.
type journalEntry struct {
	id       fileID
	sequence uint64    // of the newest root when the journal was begun
	root     hash.Hash // that root
	end      int64     // where the records end; sealed journals only
}

// tableEntry is what the manifest says of a table file.
type tableEntry struct {
	id     fileID
	chunks int64
	bytes  int64
	// old: what a chunk of the table leads to is in old tables, too.
	old bool
}

const (
	indexSuffix     = ".index"
	journalPrefix   = "journal-"
	tablePrefix     = "table-"
	manifestName    = "manifest"
	formatVersion   = 1
	manifestMaxSize = 1 << 20
)

func (e journalEntry) name() string      { return journalPrefix + hex.EncodeToString(e.id[:]) }
func (e journalEntry) indexName() string { return e.name() + indexSuffix }
func (e tableEntry) name() string        { return tablePrefix + hex.EncodeToString(e.id[:]) }

// word begins the table's line.
func (e tableEntry) word() string {
	if e.old {
		return "old"
	}
	return "table"
}

// newFileID returns an id that no file has had before.
func newFileID(random io.Reader) (fileID, error) {
	var id fileID
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return id, fmt.Errorf("make a file id: %w", err)
	}
	return id, nil
}

// encode returns the manifest's text, once.
func (m *manifest) encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "vdb store %d\nhash %d\nid %x\ngeneration %d\n", formatVersion, hash.ID, m.store, m.generation)
	if m.epoch > 0 {
		fmt.Fprintf(&b, "collected %d %d\n", m.epoch, m.fullBytes)
	}
	fmt.Fprintf(&b, "journal %x %d %s\n", m.active.id, m.active.sequence, m.active.root)
	for _, e := range m.sealed {
		fmt.Fprintf(&b, "sealed %x %d %s %d\n", e.id, e.sequence, e.root, e.end)
	}
	for _, e := range m.tables {
		fmt.Fprintf(&b, "%s %x %d %d\n", e.word(), e.id, e.chunks, e.bytes)
	}
	fmt.Fprintf(&b, "crc %08x\n", crc32.Checksum(b.Bytes(), castagnoli))
	return b.Bytes()
}

// decodeManifest decodes a manifest file: the first of its two texts that is
// sound.
func decodeManifest(file []byte) (*manifest, error) {
	first, err := decodeManifestText(file[:len(file)/2])
	if err == nil || errors.Is(err, ErrNewerFormat) {
		return first, err
	}
	second, secondErr := decodeManifestText(file[len(file)/2:])
	if secondErr == nil || errors.Is(secondErr, ErrNewerFormat) {
		return second, secondErr
	}
	return nil, err
}

func decodeManifestText(text []byte) (*manifest, error) {
	body, err := checkManifestCRC(text)
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	var version, hashID int
	if _, err := fmt.Sscanf(string(lines[0]), "vdb store %d", &version); err != nil {
		return nil, fmt.Errorf("manifest's first line is %q", lines[0])
	}
	if version > formatVersion {
		return nil, fmt.Errorf("%w: %d, and this program knows %d", ErrNewerFormat, version, formatVersion)
	}
	m := &manifest{}
	for _, line := range lines[1:] {
		if err := m.decodeLine(string(line), &hashID); err != nil {
			return nil, fmt.Errorf("manifest's line %q: %w", line, err)
		}
	}
	if hashID != int(hash.ID) {
		return nil, fmt.Errorf("%w: hash function %d", ErrNewerFormat, hashID)
	}
	if !bytes.Equal(m.encode(), text) {
		return nil, errors.New("manifest is not in its canonical form")
	}
	return m, nil
}

func (m *manifest) decodeLine(line string, hashID *int) error {
	var id, root []byte
	var word string
	var j journalEntry
	var t tableEntry
	var err error
	if _, err := fmt.Sscan(line, &word); err != nil {
		return err
	}
	switch word {
	case "hash":
		_, err = fmt.Sscanf(line, "hash %d", hashID)
	case "id":
		if _, err = fmt.Sscanf(line, "id %x", &id); err == nil {
			err = copyExactly(m.store[:], id)
		}
	case "generation":
		_, err = fmt.Sscanf(line, "generation %d", &m.generation)
	case "collected":
		_, err = fmt.Sscanf(line, "collected %d %d", &m.epoch, &m.fullBytes)
	case "journal":
		_, err = fmt.Sscanf(line, "journal %x %d %x", &id, &j.sequence, &root)
		m.active = j
		err = errors.Join(err, copyExactly(m.active.id[:], id), copyExactly(m.active.root[:], root))
	case "sealed":
		_, err = fmt.Sscanf(line, "sealed %x %d %x %d", &id, &j.sequence, &root, &j.end)
		err = errors.Join(err, copyExactly(j.id[:], id), copyExactly(j.root[:], root))
		m.sealed = append(m.sealed, j)
	case "table", "old":
		t.old = word == "old"
		_, err = fmt.Sscanf(line, word+" %x %d %d", &id, &t.chunks, &t.bytes)
		err = errors.Join(err, copyExactly(t.id[:], id))
		m.tables = append(m.tables, t)
	default:
		err = errors.New("unknown word")
	}
	return err
}

func copyExactly(dst, src []byte) error {
	if copy(dst, src) != len(dst) || len(src) != len(dst) {
		return fmt.Errorf("%d bytes where %d belong", len(src), len(dst))
	}
	return nil
}

// checkManifestCRC returns text without its last line, the CRC.
func checkManifestCRC(text []byte) ([]byte, error) {
	const crcLine = len("crc 00000000\n")
	if len(text) < crcLine {
		return nil, fmt.Errorf("manifest ends early, after %d bytes", len(text))
	}
	body := text[:len(text)-crcLine]
	want := fmt.Sprintf("crc %08x\n", crc32.Checksum(body, castagnoli))
	if got := string(text[len(body):]); got != want {
		return nil, fmt.Errorf("manifest ends in %q, want %q", got, want)
	}
	return body, nil
}

// readManifest reads the manifest of the store in dir.
func readManifest(fsys FS, dir string) (*manifest, error) {
	path := filepath.Join(dir, manifestName)
	file, err := readFile(fsys, path, manifestMaxSize)
	if err != nil {
		return nil, err
	}
	m, err := decodeManifest(file)
	if errors.Is(err, ErrNewerFormat) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		return nil, &DamageError{File: path, Reason: err.Error()}
	}
	return m, nil
}

// writeManifest replaces the manifest, and makes the replacement durable. The
// caller holds the store's lock.
func writeManifest(fsys FS, dir string, m *manifest) error {
	text := m.encode()
	err := replaceFile(fsys, filepath.Join(dir, manifestName), slices.Concat(text, text), true)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return fsys.SyncDir(dir)
}

// readFile reads a whole file, which must not be larger than maxBytes.
func readFile(fsys FS, path string, maxBytes int64) (data []byte, err error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > maxBytes {
		return nil, &DamageError{File: path, Offset: maxBytes, Reason: fmt.Sprintf("file has %d bytes, at most %d make sense", size, maxBytes)}
	}
	data = make([]byte, size)
	n, err := f.ReadAt(data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data[:n], nil
}

// replaceFile writes a new file beside path and renames it to path.
func replaceFile(fsys FS, path string, data []byte, durable bool) error {
	temporary := path + ".new"
	if err := fsys.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := fsys.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil && durable {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return fsys.Rename(temporary, path)
}
