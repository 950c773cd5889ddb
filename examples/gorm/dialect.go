package main

import (
	"database/sql"
	"errors"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	lib "modernc.org/sqlite/lib"
)

// dialect is GORM's SQLite dialect over the driver vdb. It knows SQLite's errors by
// their codes; the one that it embeds looks for those of another driver.
type dialect struct{ sqlite.Dialector }

// openGORM opens GORM on a pool.
func openGORM(pool *sql.DB) (*gorm.DB, error) {
	return gorm.Open(dialect{sqlite.Dialector{Conn: pool}}, &gorm.Config{
		Logger:         logger.Default.LogMode(logger.Silent),
		TranslateError: true,
	})
}

// Translate gives errors the names that GORM has for them.
func (dialect) Translate(err error) error {
	var coded interface{ Code() int }
	if !errors.As(err, &coded) {
		return err
	}
	switch coded.Code() {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY:
		return gorm.ErrDuplicatedKey
	case lib.SQLITE_CONSTRAINT_FOREIGNKEY:
		return gorm.ErrForeignKeyViolated
	case lib.SQLITE_CONSTRAINT_CHECK:
		return gorm.ErrCheckConstraintViolated
	}
	return err
}
