package shell

import (
	"fmt"
	"io"
	"os"
)

// output is where results go: the shell's own, or a file.
type output struct {
	io.Writer
	file *os.File // nil if it is the shell's own
	once io.Writer
}

// redirect sends what follows to w, and closes the file that it went to.
func (o *output) redirect(w io.Writer, file *os.File) error {
	old := o.file
	o.Writer, o.file, o.once = w, file, nil
	if old != nil {
		return old.Close()
	}
	return nil
}

// done ends what .once began.
func (o *output) done() error {
	if o.once == nil {
		return nil
	}
	return o.redirect(o.once, nil)
}

// setOutput is .output and .once: FILE, or nothing for the shell's own output.
func (s *Shell) setOutput(name string, once bool) error {
	if name == "" || name == "stdout" {
		return s.out.redirect(s.stdout, nil)
	}
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	if err := s.out.redirect(file, file); err != nil {
		return err
	}
	if once {
		s.out.once = s.stdout
	}
	return nil
}
