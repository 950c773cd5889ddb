package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar shows the progress of something long that has n parts, or -1 if their number is
// not known. Only a terminal shows it.
func bar(con *console, n int64, what string) *progressbar.ProgressBar {
	out := io.Discard
	if terminal(con.err) {
		out = con.err
	}
	return progressbar.NewOptions64(n,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // else a goroutine reads what Add writes
		progressbar.OptionClearOnFinish(),
	)
}
