package dgp

import (
	"fmt"
	"strings"
)

// A Fault is one thing wrong with a trial: the path of the key, as in the
// study file, and what it should have been.
type Fault struct {
	Path    string // e.g. "quality.correlation"
	Message string
}

// Faults are all that is wrong with a trial. As an error it prints one a line.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].Path + ": " + f[i].Message
	}
	return strings.Join(lines, "\n")
}

// Add appends a fault.
func (f *Faults) Add(path, format string, args ...any) {
	*f = append(*f, Fault{Path: path, Message: fmt.Sprintf(format, args...)})
}
