package sqlite

import "runtime/debug"

var versionCommand = &command{name: "dolt_version"}

const modulePath = "github.com/vdbgo/vdb"

// doltVersion returns the version of this module.
func doltVersion(_ *session, args []any) (any, error) {
	if _, err := versionCommand.parse(args); err != nil {
		return nil, err
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)", nil
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path != modulePath {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		if m.Version != "" {
			return m.Version, nil
		}
	}
	return "(devel)", nil
}
