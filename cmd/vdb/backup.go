package main

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
)

type backupCmd struct {
	DB string `arg:"positional,required" placeholder:"DB" help:"The database."`
	To string `arg:"positional,required" placeholder:"TO" help:"Where the backup is to be: a directory, file:// or s3://BUCKET/PREFIX."`
	reach
}

// Run makes a backup, or brings one up to date.
func (c *backupCmd) Run(ctx context.Context, con *console) error {
	db, err := c.open(ctx, c.DB)
	if err != nil {
		return err
	}
	defer db.Close()
	progress, finish := chunkBar(con, "backup")
	result, err := db.Backup(ctx, c.To, &vdb.BackupOptions{Progress: progress})
	finish()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.out, "root %s, %d chunks copied\n", result.Root, result.Chunks)
	return err
}

type restoreCmd struct {
	From string `arg:"positional,required" placeholder:"FROM" help:"Where the backup is: a directory, file:// or s3://BUCKET/PREFIX."`
	DB   string `arg:"positional,required" placeholder:"DB" help:"The database to be made."`
	reach
}

// Run makes a database of a backup.
func (c *restoreCmd) Run(ctx context.Context, con *console) error {
	progress, finish := chunkBar(con, "restore")
	db, err := vdb.RestoreBackup(ctx, c.From, c.DB, &vdb.BackupOptions{Progress: progress, Open: &vdb.Options{Remotes: c.options()}})
	finish()
	if err != nil {
		return err
	}
	defer db.Close()
	return listBranches(ctx, con.out, db)
}
