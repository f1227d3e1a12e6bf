//go:build unix

package yardstick

import (
	"syscall"
	"time"
)

// cpu is the processor time that the process has taken: what others take does not count.
func cpu() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // it knows RUSAGE_SELF
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
