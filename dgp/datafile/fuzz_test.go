package datafile_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"coachsim/dgp/datafile"
)

func FuzzCSV(f *testing.F) {
	for _, text := range []string{
		pupils, "a,b\n1,\"x\"\"\ny\"\n", "\uFEFFa;b\n1,5;NA\n", ",a\r\n1,TRUE\r\n", "a\tb\n1e999\t-Inf\n", "a\r1\r2",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { check(t, text, "x.csv") })
}

func FuzzDTA(f *testing.F) {
	files, err := filepath.Glob("testdata/*.dta")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, format := range []int{113, 115, 117, 118, 119} {
		f.Add(stataImage(format, binary.BigEndian))
	}
	f.Fuzz(func(t *testing.T, text []byte) { check(t, text, "x.dta") })
}

func FuzzCondition(f *testing.F) {
	for _, text := range []string{"arm == 'coaching' & age >= -7.5", `region != "south" && treated == 1`, "a <", "é == 'x'"} {
		f.Add(text)
	}
	table, err := datafile.Read(bytes.NewReader([]byte(pupils)), "x.csv")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := datafile.ParseCondition(text)
		if err != nil {
			if fault := err.(*datafile.ConditionError); fault.Offset < 0 || fault.Offset > len(text) { //nolint:errorlint // never wrapped
				t.Errorf("offset %d of %d", fault.Offset, len(text))
			}
			return
		}
		if s, err := table.Sample(datafile.Use{Rows: []string{"score"}, Where: c}); err == nil && s.Used+s.Dropped > table.Rows() {
			t.Error("more rows than there are")
		}
	})
}

// check reads a file and uses what was read: a table or an error, with columns
// as long as the table.
func check(t *testing.T, text []byte, name string) {
	table, err := datafile.Read(bytes.NewReader(text), name)
	if (table == nil) == (err == nil) {
		t.Fatalf("table %v, error %v", table, err)
	}
	if err != nil {
		return
	}
	if table.Rows() == 0 || len(table.Columns) == 0 {
		t.Fatal("an empty table")
	}
	var use datafile.Use
	for i, c := range table.Columns {
		if len(c.Numbers)+len(c.Texts) != table.Rows() {
			t.Fatalf("column %d has %d numbers and %d texts in %d rows", i, len(c.Numbers), len(c.Texts), table.Rows())
		}
		switch {
		case i >= 6:
		case c.Texts == nil && i%3 == 0:
			use.Rows = append(use.Rows, c.Name)
		case c.Texts == nil && i%3 == 1:
			use.Numbers = append(use.Numbers, c.Name)
		default:
			use.Factors = append(use.Factors, c.Name)
		}
	}
	s, err := table.Sample(use)
	if err == nil && (s.Used < 1 || s.Used+s.Dropped != table.Rows() || len(s.Shape.Columns) != len(s.Data.Columns)) {
		t.Fatalf("%d used, %d dropped of %d", s.Used, s.Dropped, table.Rows())
	}
}
