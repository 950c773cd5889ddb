package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
	"github.com/vdbgo/vdb/internal/vfs"
	engine "modernc.org/sqlite"
)

// Driver is the database/sql driver that is registered as "vdb". It may be used by
// many goroutines at once.
type Driver struct{ shared *shared }

var (
	_ driver.Driver        = (*Driver)(nil)
	_ driver.DriverContext = (*Driver)(nil)
)

// DriverName is the name under which the driver is registered.
const DriverName = "vdb"

func init() { sql.Register(DriverName, &Driver{shared: processShared}) }

// Open opens a connection; see the package's comment for what a name may say.
func (d *Driver) Open(name string) (driver.Conn, error) {
	c, err := d.OpenConnector(name)
	if err != nil {
		return nil, err
	}
	return c.Connect(context.Background())
}

// OpenConnector reads a data source name.
func (d *Driver) OpenConnector(name string) (driver.Connector, error) {
	source, err := parseDSN(name)
	if err != nil {
		return nil, fmt.Errorf("data source %q: %w", name, err)
	}
	return &connector{driver: d, dsn: source}, nil
}

// OpenDB returns the branch of an open database for use through database/sql. The
// typed API and SQL see the same tables. Close the *sql.DB before the database.
//
// A server that serves branches opens one *sql.DB for each: dolt_checkout is for a
// single connection. Options may be left out; of several the last one counts.
func OpenDB(db *vdb.DB, branch string, opts ...*Options) *sql.DB {
	o := &Options{}
	for _, given := range opts {
		if given != nil {
			o = given
		}
	}
	return sql.OpenDB(&connector{driver: &Driver{shared: processShared}, dsn: o.dsn(branch), db: db})
}

// connector opens connections to one database.
type connector struct {
	driver *Driver
	dsn    dsn
	db     *vdb.DB // of OpenDB; nil if the connections open it by its path

	mu   sync.Mutex
	held *database
}

func (c *connector) Driver() driver.Driver { return c.driver }

// Connect opens a connection.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	db, err := c.database(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, db, c.dsn)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// database returns the open database, which the first connection opens.
func (c *connector) database(ctx context.Context) (*database, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held != nil {
		return c.held, nil
	}
	var err error
	if c.db != nil {
		c.held, err = c.driver.shared.adopt(c.db)
	} else {
		c.held, err = c.driver.shared.open(ctx, c.dsn)
	}
	return c.held, err
}

// Close releases the database: sql.DB.Close calls it.
func (c *connector) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		return nil
	}
	held := c.held
	c.held = nil
	return c.driver.shared.release(held)
}

// shared has the databases that are open in a process, so that all connections to
// one see each other's writes at once, and none opens it twice.
type shared struct {
	once  sync.Once
	setUp error
	numbering

	mu     sync.Mutex
	byPath map[string]*database
	byDB   map[*vdb.DB]*database
}

// processShared is the one of the registered driver.
var processShared = &shared{numbering: numbering{lockPage}, byPath: map[string]*database{}, byDB: map[*vdb.DB]*database{}}

// start registers what SQLite needs once in a process.
func (s *shared) start() error {
	s.once.Do(func() {
		if s.setUp = vfs.Register(); s.setUp == nil {
			_, s.setUp = module.OnOpen(handover.found)
		}
	})
	return s.setUp
}

// open opens the database of a path, or returns it if it is open.
func (s *shared) open(ctx context.Context, d dsn) (*database, error) {
	path := d.path
	if path != vdb.Memory {
		var err error
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if db, ok := s.byPath[path]; ok && path != vdb.Memory {
		db.users++
		return db, nil
	}
	opened, err := vdb.Open(ctx, path, &vdb.Options{CacheBytes: d.cacheBytes, ReadOnly: d.readOnly})
	if err != nil {
		return nil, err
	}
	db, err := s.add(opened)
	if err != nil {
		opened.Close()
		return nil, err
	}
	db.path = path
	if path != vdb.Memory {
		s.byPath[path] = db
	}
	return db, nil
}

// adopt returns the database of a *vdb.DB that the application has opened.
func (s *shared) adopt(opened *vdb.DB) (*database, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if db, ok := s.byDB[opened]; ok {
		db.users++
		return db, nil
	}
	db, err := s.add(opened)
	if err == nil {
		s.byDB[opened] = db
	}
	return db, err
}

func (s *shared) add(opened *vdb.DB) (*database, error) {
	if err := s.start(); err != nil {
		return nil, err
	}
	db, err := newDatabase(opened, s.numbering)
	if err != nil {
		return nil, err
	}
	db.users = 1
	return db, nil
}

// release closes a database that nobody uses any more, unless it is the application's.
func (s *shared) release(db *database) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if db.users--; db.users > 0 {
		return nil
	}
	err := db.introspector.close()
	if db.path == "" {
		delete(s.byDB, db.vdb)
		return err
	}
	if s.byPath[db.path] == db {
		delete(s.byPath, db.path)
	}
	return firstError(db.vdb.Close(), err)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// handover hands the raw handle of a connection that is being opened to whoever
// opens it, by the name of its file.
var handover = &handovers{waiting: map[string]*conn{}}

type handovers struct {
	mu      sync.Mutex
	waiting map[string]*conn
}

func (o *handovers) found(raw module.Conn, file string) error {
	o.mu.Lock()
	c := o.waiting[file]
	o.mu.Unlock()
	if c == nil {
		return nil // not one of ours
	}
	return c.setUp(raw)
}

// open opens a connection of SQLite's driver on a file here.
func (o *handovers) open(c *conn, name, dsn string) (driver.Conn, error) {
	o.mu.Lock()
	o.waiting[name] = c
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		delete(o.waiting, name)
		o.mu.Unlock()
	}()
	connector, err := engine.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return connector.Connect(context.Background())
}
