//go:build !windows

package sim

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// holdFile opens a file, which it makes where there is none, for this process
// alone. The system lets go of it when the process ends, however that happens.
func holdFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(errHeld, file.Close())
	case errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EOPNOTSUPP):
		return file, nil // a file system without locks: nobody can be kept out
	case err != nil:
		return nil, errors.Join(&os.PathError{Op: "locking", Path: path, Err: err}, file.Close())
	}
	return file, nil
}

// processorTime is what the process has used of the processors.
func processorTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
