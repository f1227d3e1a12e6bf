//go:build linux || darwin || freebsd

package sim

import "syscall"

// freeSpace is what a user may still write to the disk of a directory, in bytes.
func freeSpace(dir string) (free int64, known bool) {
	var disk syscall.Statfs_t
	if syscall.Statfs(dir, &disk) != nil {
		return 0, false
	}
	return int64(disk.Bavail) * int64(disk.Bsize), true //nolint:unconvert // their types differ between systems
}
