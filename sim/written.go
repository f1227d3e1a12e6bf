package sim

import "strings"

// Written returns a number in the units of the estimate and its Monte Carlo
// standard error, as tables show them: to three digits of how much the estimate
// varies and at least one of its Monte Carlo error. A number that does not exist
// is "", and so is an error that does not.
func (m *Measures) Written(x, mcse float64) (number, err string) {
	return writtenCell(m.scaled(x, mcse))
}

// WrittenPercent returns a share and its Monte Carlo standard error in percent, as
// tables show them. A share of none or all has an error of 0 by the formula, which
// would promise too much, so it stands alone.
func WrittenPercent(share, mcse float64) (number, err string) {
	return writtenCell(percent(share, mcse))
}

func writtenCell(c tableCell) (number, err string) {
	if c.value == missing {
		return "", ""
	}
	return c.value, strings.Trim(c.mcse, "()")
}

// Grouped writes a count with commas between its thousands.
func Grouped(n int) string { return grouped(n) }
