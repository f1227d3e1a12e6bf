package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
)

// A csvWriter writes lines and remembers the first error.
type csvWriter struct {
	w   *csv.Writer
	err error
}

func newCSV(w io.Writer) *csvWriter { return &csvWriter{w: csv.NewWriter(w)} }

func (c *csvWriter) write(row []string) {
	if c.err == nil {
		c.err = c.w.Write(row)
	}
}

func (c *csvWriter) flush() error {
	c.w.Flush()
	if c.err == nil {
		c.err = c.w.Error()
	}
	return c.err
}

// csvValue writes a value; numbers as the shortest text that reads back to the
// same number, nothing for a number that does not exist.
func csvValue(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case int:
		return strconv.Itoa(x)
	case float64:
		if math.IsNaN(x) {
			return ""
		}
		if math.IsInf(x, 1) { // degrees of freedom of the normal, as R writes them
			return "Inf"
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	default:
		return fmt.Sprint(x)
	}
}
