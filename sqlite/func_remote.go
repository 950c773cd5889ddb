package sqlite

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/vdbgo/vdb"
)

var remoteCommand = &command{
	name: "dolt_remote", usage: "add, a name and a URL, or remove and a name", least: 2, most: 3,
}

// doltRemote gives a name to the database at a URL, or forgets it.
func doltRemote(s *session, args []any) (any, error) {
	in, err := remoteCommand.parse(args)
	if err != nil {
		return nil, err
	}
	name := in.arg(1, "")
	switch verb := in.arg(0, ""); {
	case verb == "add" && len(in.args) == 3:
		return int64(0), s.db.AddRemote(s.ctx(), name, in.arg(2, ""))
	case (verb == "remove" || verb == "rm") && len(in.args) == 2:
		return int64(0), s.db.RemoveRemote(s.ctx(), name)
	}
	return nil, in.misused()
}

var flagDepth = flag{long: "depth", value: "a number of commits"}

var fetchCommand = &command{
	name: "dolt_fetch", usage: "a remote, if it is not origin, and branches, if not all", most: -1,
	flags: []flag{{long: "prune", short: "p"}, flagDepth},
}

// doltFetch brings what a remote's branches have, at once and whatever becomes of the
// SQL transaction.
func doltFetch(s *session, args []any) (any, error) {
	in, err := fetchCommand.parse(args)
	if err != nil {
		return nil, err
	}
	o := &vdb.FetchOptions{Prune: in.has("prune")}
	if len(in.args) > 1 {
		o.Branches = in.texts()[1:]
	}
	if o.Depth, err = in.number("depth"); err != nil {
		return nil, err
	}
	_, err = s.db.Fetch(s.ctx(), in.arg(0, vdb.DefaultRemote), o)
	return int64(0), err
}

var pushCommand = &command{
	name: "dolt_push", usage: "a remote, if it is not origin, and branches, if it is not the connection's", most: -1,
	flags: []flag{
		{long: "force", short: "f"}, {long: "force-with-lease"}, {long: "all"}, {long: "set-upstream", short: "u"},
		{long: "delete", short: "d"},
	},
}

// doltPush brings branches to a remote. A branch is pushed to the one of its name, so
// that --set-upstream is understood and changes nothing.
func doltPush(s *session, args []any) (any, error) {
	in, err := pushCommand.parse(args)
	if err == nil {
		err = in.alone("force", "force-with-lease")
	}
	if err == nil {
		err = in.alone("all", "delete")
	}
	if err != nil {
		return nil, err
	}
	o := &vdb.PushOptions{Force: in.has("force"), ForceWithLease: in.has("force-with-lease")}
	var branches []string
	if len(in.args) > 1 {
		branches = in.texts()[1:]
	}
	switch {
	case in.has("delete") && len(branches) == 0, in.has("all") && len(branches) > 0:
		return nil, in.misused()
	case in.has("delete"):
		o.Delete = branches
	case len(branches) > 0:
		o.Branches = branches
	case !in.has("all"):
		o.Branches = []string{s.branch}
	}
	return int64(0), s.db.Push(s.ctx(), in.arg(0, vdb.DefaultRemote), o)
}

var pullCommand = &command{
	name: "dolt_pull", usage: "a remote, if it is not origin, and a branch, if it is not the connection's", most: 2,
	flags: []flag{{long: "no-ff"}, {long: "ff-only"}, {long: "squash"}, flagMessage, flagAuthor, {long: "ours"}, {long: "theirs"}, flagDepth},
}

// doltPull fetches a branch and merges it, as dolt_merge does and with its result.
func doltPull(s *session, args []any) (any, error) {
	in, err := pullCommand.parse(args)
	if err != nil {
		return nil, err
	}
	remote, branch := in.arg(0, vdb.DefaultRemote), in.arg(1, s.branch)
	o := &vdb.FetchOptions{Branches: []string{branch}}
	if o.Depth, err = in.number("depth"); err != nil {
		return nil, err
	}
	if _, err := s.db.Fetch(s.ctx(), remote, o); err != nil {
		return nil, err
	}
	theirs := remote + "/" + branch
	if _, err := s.db.MergeBase(s.ctx(), s.branch, theirs); err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	return doltMerge(s, append(in.mergeFlags(), theirs))
}

// mergeFlags returns the flags that dolt_merge is to have, too.
func (in *invocation) mergeFlags() []any {
	var args []any
	for _, f := range mergeCommand.flags {
		if !in.has(f.long) {
			continue
		}
		args = append(args, "--"+f.long)
		if f.value != "" {
			args = append(args, in.values[f.long][0])
		}
	}
	return args
}

var cloneCommand = &command{
	name: "dolt_clone", usage: "a URL and, if it is not named as the URL's last part, a directory", least: 1, most: 2,
	flags: []flag{{long: "remote", value: "a name for it"}, {long: "branch", short: "b", value: "a branch"}, {long: "single-branch"}, flagDepth},
}

// doltClone makes a database of another one.
func doltClone(s *session, args []any) (any, error) {
	in, err := cloneCommand.parse(args)
	if err != nil {
		return nil, err
	}
	o := &vdb.CloneOptions{Remote: in.text("remote"), Open: &vdb.Options{Remotes: s.db.RemoteOptions()}}
	if o.Depth, err = in.number("depth"); err != nil {
		return nil, err
	}
	switch {
	case in.has("branch"):
		o.Branches = []string{in.text("branch")}
	case in.has("single-branch"):
		o.Branches = []string{vdb.MainBranch}
	}
	from := in.arg(0, "")
	db, err := vdb.Clone(s.ctx(), from, s.beside(in.arg(1, cloneName(from))), o)
	if err != nil {
		return nil, err
	}
	return int64(0), db.Close()
}

// beside is the path of a new database: one that is not absolute is beside the
// connection's.
func (s *session) beside(path string) string {
	if filepath.IsAbs(path) || s.db.Path() == vdb.Memory {
		return path
	}
	return filepath.Join(filepath.Dir(s.db.Path()), path)
}

// cloneName is the last part of a URL or path.
func cloneName(from string) string {
	if u, err := url.Parse(from); err == nil {
		from = u.Path
	}
	return path.Base(strings.TrimRight(filepath.ToSlash(from), "/"))
}

var backupCommand = &command{
	name:  "dolt_backup",
	usage: "add, a name and a URL; remove and a name; sync and a name; sync-url and a URL; or restore, a URL and a directory",
	least: 2, most: 3,
}

// doltBackup makes backups, gives names to the places for them, and makes a database of
// one. A backup has what is committed to the branches' working sets, not what a
// transaction that is open has written.
func doltBackup(s *session, args []any) (any, error) {
	in, err := backupCommand.parse(args)
	if err != nil {
		return nil, err
	}
	what := in.arg(1, "")
	switch verb := in.arg(0, ""); {
	case verb == "add" && len(in.args) == 3:
		return int64(0), s.db.AddBackup(s.ctx(), what, in.arg(2, ""))
	case verb == "restore" && len(in.args) == 3:
		return int64(0), s.restoreBackup(what, in.arg(2, ""))
	case len(in.args) == 3:
	case verb == "remove" || verb == "rm":
		return int64(0), s.db.RemoveBackup(s.ctx(), what)
	case verb == "sync-url":
		return int64(0), s.backUp(what)
	case verb == "sync":
		url, err := s.db.BackupURL(s.ctx(), what)
		if err != nil {
			return nil, err
		}
		return int64(0), s.backUp(url)
	}
	return nil, in.misused()
}

func (s *session) backUp(url string) error {
	_, err := s.db.Backup(s.ctx(), url, nil)
	return err
}

func (s *session) restoreBackup(url, path string) error {
	db, err := vdb.RestoreBackup(s.ctx(), url, s.beside(path), &vdb.BackupOptions{Open: &vdb.Options{Remotes: s.db.RemoteOptions()}})
	if err != nil {
		return err
	}
	return db.Close()
}
