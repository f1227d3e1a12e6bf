package sim

import (
	"fmt"
	"os"
	"path/filepath"

	"coachsim/estimators"
)

// A RoomError says that the log of a run will not fit on its disk.
type RoomError struct {
	Dir        string
	Need, Free int64 // bytes
}

func (e *RoomError) Error() string {
	return fmt.Sprintf("%s: the log will take about %s, and its disk has %s left", e.Dir, writtenBytes(e.Need), writtenBytes(e.Free))
}

// MayBeFull reports whether a disk could be too small for the log of a study in a
// directory on it. It overestimates the log several times, so that in most places nothing needs to be
// probed. Where the system does not say what is free, it is never.
func (s Study) MayBeFull(dir string) (bool, error) {
	free, known := freeSpace(dir)
	if !known {
		return false, nil
	}
	const row, file = 80, 16 << 10 // bytes: every number in full; of a chunk its footer
	var most int64
	designs := s.designs()
	for i := 0; i < len(designs); i += (len(designs) + maxProbed - 1) / maxProbed {
		d := designs[i].Study
		g, err := d.Trial.Compile()
		if err != nil {
			return false, err
		}
		panel, err := estimators.Bind(d.methods(), g.Shape(), d.Terms)
		if err != nil {
			return false, err
		}
		most = max(most, int64(len(panel.Rows()))*int64(s.Trials())*row)
	}
	return most+int64(s.Chunks())*file > free, nil
}

// CheckRoom returns a *RoomError if the log does not fit on the disk of a directory,
// which may have a part of it.
func (f Forecast) CheckRoom(dir string) error {
	free, known := freeSpace(dir)
	if !known {
		return nil
	}
	files, err := os.ReadDir(chunkDir(dir))
	if err != nil {
		files = nil // none yet; whatever else is wrong shows when it is written to
	}
	finished := 0
	for _, file := range files {
		finished += count(filepath.Ext(file.Name()) == ".parquet")
	}
	need := f.Log / int64(f.chunks) * int64(max(0, f.chunks-finished))
	if need > free {
		return &RoomError{dir, need, free}
	}
	return nil
}
