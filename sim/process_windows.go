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
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, &os.PathError{Op: "locking", Path: path, Err: err}
	}
	const mayBeRemoved = syscall.FILE_SHARE_DELETE // by release, while it is open
	const sharingViolation = syscall.Errno(32)
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, mayBeRemoved, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		return nil, errHeld
	}
	if err != nil {
		return nil, &os.PathError{Op: "locking", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

// processorTime is what the process has used of the processors.
func processorTime() time.Duration {
	process, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0
	}
	var made, ended, kernel, user syscall.Filetime
	if syscall.GetProcessTimes(process, &made, &ended, &kernel, &user) != nil {
		return 0
	}
	ticks := func(t syscall.Filetime) time.Duration { // of 100 ns
		return 100 * time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime))
	}
	return ticks(kernel) + ticks(user)
}
