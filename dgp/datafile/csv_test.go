package datafile_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"coachsim/dgp/datafile"
)

func read(t *testing.T, text string) *datafile.Table {
	t.Helper()
	table, err := datafile.Read(strings.NewReader(text), "x.csv")
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// show writes a table on a line: name=values.
func show(table *datafile.Table) string {
	var parts []string
	for _, c := range table.Columns {
		if c.Texts != nil {
			parts = append(parts, fmt.Sprintf("%s=%q", c.Name, c.Texts))
		} else {
			parts = append(parts, fmt.Sprintf("%s=%v", c.Name, c.Numbers))
		}
	}
	return strings.Join(parts, " ")
}

func TestCSV(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "a,b\n1,x\n2.5e1,y\n", `a=[1 25] b=["x" "y"]`},
		{"no newline at the end", "a\n1", `a=[1]`},
		{"byte order mark, carriage returns", "\uFEFFa,b\r\n1,2\r\n", `a=[1] b=[2]`},
		{"old Macintosh", "a,b\r1,2\r3,4", `a=[1 3] b=[2 4]`},
		{"quotes", "\"a b\",c\n\"1\",\"x, \"\"y\"\"\nz\"\n", `a b=[1] c=["x, \"y\"\nz"]`},
		{"spaces", " a , b\n 1 , x\n", `a=[1] b=["x"]`},
		{"missing numbers", "a,b\n,1\nNA,2\n.,3\nNaN,4\n5,6\n", `a=[NaN NaN NaN NaN 5] b=[1 2 3 4 6]`},
		{"missing text", "a,b\n,1\nNA,2\nx,3\n", `a=["" "" "x"] b=[1 2 3]`},
		{"all missing", "a,b\n,1\n", `a=[NaN] b=[1]`},
		{"logical", "a,b\nTRUE,T\nfalse,F\n", `a=[1 0] b=["T" "F"]`},
		{"logical and number", "a\nTRUE\n1\n", `a=["TRUE" "1"]`},
		{"text late", "a\n1\n2\nx\n", `a=["1" "2" "x"]`},
		{"numbers only Go knows", "a,b,c\n1_0,0x1p4,1e5x\n", `a=["1_0"] b=["0x1p4"] c=["1e5x"]`},
		{"infinite", "a\n-Inf\n1e999\n", `a=[-Inf +Inf]`},
		{"long identifiers stay apart", "a,b\n12345678901234567,9007199254740992\n12345678901234568,1\n", `a=["12345678901234567" "12345678901234568"] b=[9.007199254740992e+15 1]`},
		{"semicolons and decimal commas", "a;b\n1,5;x\n2;y\n", `a=[1.5 2] b=["x" "y"]`},
		{"tabs", "a\tb\n1\tx,y\n", `a=[1] b=["x,y"]`},
		{"R's row names", "\"\",\"a\"\n\"1\",5\n\"2\",6\n", `a=[5 6]`},
		{"empty lines", "a,b\n\n1,2\n\n", `a=[1] b=[2]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := show(read(t, c.text)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestCSVErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", " \n", "x.csv: is empty; its first line must name the columns"},
		{"header only", "a,b\n", "x.csv: has no rows below the names of the columns"},
		{"few values", "a,b\n1,2\n3\n", "x.csv:3: has 1 value; the first line names 2 columns"},
		{"many values after a text of two lines", "a,b\n\"x\ny\",2\n3,4,5\n", "x.csv:4: has 3 values; the first line names 2 columns"},
		{"row names count", ",a\n1,2\n2\n", "x.csv:3: has 1 value; the first line names 2 columns"},
		{"same name", "a,b,a\n1,2,3\n", `x.csv:1: columns 1 and 3 are both named "a"`},
		{"no name", "a,,b\n1,2,3\n", "x.csv:1:3: column 2 has no name; the first line must name every column"},
		{"bare quote", "a,b\n1,x\"y\n", `x.csv:2:4: a quote stands within a value that has no quotes around it; write "a ""quoted"" word"`},
		{"open quote", "a,b\n1,\"y\n2,3\n", "text in quotes that began on line 2 ends wrongly here; is a closing quote missing there?"},
		{"after a quote", "a,b\n1,\"y\"z\n", `x.csv:2:5: text in quotes must begin and end with a quote; a quote within is written ""`},
		{"workbook", "PK\x03\x04rest", "x.csv: is a zip archive or an Excel workbook; save the sheet as CSV"},
		{"UTF-16", "\xff\xfea\x00", "x.csv: is UTF-16 text; save it as UTF-8"},
		{"gzip", "\x1f\x8b", "x.csv: is a gzip archive; unpack it first"},
		{"binary", "a\x00b,c\n", "x.csv: is a binary file, not CSV"},
		{"wide", strings.Repeat(",", 200_000), "x.csv:1: has more than 100000 values; each row of the data must stand on a line of its own"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := datafile.Read(strings.NewReader(c.text), "x.csv")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
		})
	}
}

// TestCSVLongLine reads lines of 10 MB: one value, an open quote, all commas.
func TestCSVLongLine(t *testing.T) {
	const size = 10 << 20
	start := time.Now()
	table := read(t, "a,b\n1,"+strings.Repeat("x", size)+"\n")
	if got := len(table.Columns[1].Texts[0]); got != size {
		t.Errorf("the text has %d bytes", got)
	}
	for _, line := range []string{"1,\"" + strings.Repeat("x\n", size/2), strings.Repeat(",", size)} {
		if _, err := datafile.Read(strings.NewReader("a,b\n"+line), "x.csv"); err == nil || len(err.Error()) > 300 {
			t.Errorf("error %.400v", err)
		}
	}
	if spent := time.Since(start); spent > 10*time.Second {
		t.Errorf("took %v", spent)
	}
}

func TestFind(t *testing.T) {
	table := read(t, "pre test,pre-test,2nd,año,score\n1,2,3,4,5\n")
	for name, want := range map[string]int{"score": 4, "X2nd": 2, "a.o": 3, "pre test": 0} {
		if got, err := table.Find(name); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", name, got, err, want)
		}
	}
	for name, want := range map[string]string{
		"scor":     `there is no column "scor" in x.csv; did you mean score?`,
		"pre.test": `pre.test is both "pre test" and "pre-test"`,
		"q":        `there is no column "q" in x.csv; the columns are pre.test, pre.test, X2nd, a.o, score`,
	} {
		if _, err := table.Find(name); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if _, err := table.Sample(datafile.Use{Numbers: []string{"score"}}); err != nil {
		t.Error(err)
	}
	if !math.IsNaN(read(t, "a,b\nNA,1\n").Columns[0].Numbers[0]) {
		t.Error("NA is not missing")
	}
}
