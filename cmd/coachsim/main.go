// Command coachsim plans field experiments in education by Monte Carlo
// simulation: it draws a trial thousands of times, fits the estimators that
// the study declares, and reports power, bias and coverage.
//
//	coachsim run ecuador
package main

import (
	"os"
	"runtime/debug"
)

func main() {
	// The hot loop allocates nothing, so the collector has little to do; a
	// larger heap before it runs costs a few megabytes and saves its pauses.
	debug.SetGCPercent(400)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
