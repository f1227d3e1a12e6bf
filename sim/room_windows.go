package sim

import (
	"syscall"
	"unsafe"
)

var getDiskFreeSpace = syscall.NewLazyDLL("kernel32.dll").NewProc("GetDiskFreeSpaceExW")

// freeSpace is what a user may still write to the disk of a directory, in bytes.
func freeSpace(dir string) (free int64, known bool) {
	name, err := syscall.UTF16PtrFromString(dir)
	if err != nil || getDiskFreeSpace.Find() != nil {
		return 0, false
	}
	done, _, _ := getDiskFreeSpace.Call(uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&free)), 0, 0)
	return free, done != 0
}
