//go:build !unix

package yardstick

import "time"

var started = time.Now()

// cpu is the time that has passed: the process's own is not to be had alike everywhere.
func cpu() time.Duration { return time.Since(started) }
