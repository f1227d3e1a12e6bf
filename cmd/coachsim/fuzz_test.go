package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// FuzzFit: whatever the data, several kinds of estimators give estimates,
// statuses or a fault, never a panic; and what is marked ok has a number.
func FuzzFit(f *testing.F) {
	for _, text := range []string{
		"y,t,x,g\n1,0,3,a\n2,1,1,b\n4,0,2,c\n3,1,5,d\n6,0,1,a\n5,1,2,b\n",
		"y,t,x,g\n1,0,3,1\n,1,1,2\n1e308,0,2,3\n-1e308,1,5,4\n",
		"y;t;x;g\r\n1,5;0;1;a\r\n2;1;1;a\r\n1e-300;0;NA;b\r\n2;1;1;b\r\n",
		"y,t,x,g\n0,0,0,0\n0,1,0,0\n1,0,0,1\n1,1,0,1\n",
	} {
		f.Add([]byte(text))
	}
	fits := [][]string{
		{"--formula", "y ~ t + x", "--se", "HC3"},
		{"--formula", "y ~ t + x + x^2 | g", "--cluster", "g", "--se", "CR2"},
		{"--formula", "c(y, std(y), below(x, 50)) ~ t"},
		{"--formula", "y ~ t", "--kind", "difference-in-means", "--cluster", "g"},
		{"--formula", "y ~ t", "--kind", "difference-in-means", "--blocks", "g"},
		{"--formula", "y ~ t + (1 | g)"},
		{"--formula", "y ~ 1 | x ~ t", "--cluster", "g"},
		{"--formula", "y ~ t", "--kind", "wild-bootstrap", "--cluster", "g", "--draws", "19"},
		{"--formula", "y ~ t + factor(g)", "--where", "x > 0"},
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 2000 {
			return
		}
		for _, flags := range fits {
			var out, talk bytes.Buffer
			code := run(append([]string{"fit", "-", "--json"}, flags...), bytes.NewReader(text), &out, &talk)
			switch code {
			case exitUsage, exitFile:
				if !strings.HasPrefix(talk.String(), "coachsim: ") || strings.Contains(talk.String(), "panic") || out.Len() > 0 {
					t.Fatalf("%q: exit code %d: %s", flags, code, talk.String())
				}
				continue
			case exitDone, exitFailure:
			default:
				t.Fatalf("%q: exit code %d: %s", flags, code, talk.String())
			}
			var got fitJSON
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatalf("%q: %v in %s; %s", flags, err, out.String(), talk.String())
			}
			for _, row := range got.Rows {
				ok := row["status"] == "ok" || row["status"] == "reduced" || row["status"] == "boundary"
				if number := row["estimate"] != nil || row["statistic"] != nil; number != ok {
					t.Errorf("%q: %v", flags, row)
				}
			}
		}
	})
}

// A line of 10 MB is read, and a Stata file cut off anywhere is a fault.
func TestFitOfOddFiles(t *testing.T) {
	long := "y,t,s\n1,0," + strings.Repeat("a", 10_000_000) + "\n2,1,b\n3,0,c\n5,1,d\n"
	var out, talk bytes.Buffer
	if code := run([]string{"fit", "-", "--formula", "y ~ t", "--csv"}, strings.NewReader(long), &out, &talk); code != exitDone {
		t.Errorf("a long line: exit code %d, %s", code, talk.String())
	}
	whole, err := os.ReadFile("../../dgp/datafile/testdata/haven-14.dta")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(whole); n += 1 + len(whole)/50 {
		talk.Reset()
		if code := run([]string{"fit", "-", "--formula", "y ~ t"}, bytes.NewReader(whole[:n]), &out, &talk); code != exitFile || !strings.HasPrefix(talk.String(), "coachsim: standard input: ") {
			t.Errorf("%d of %d bytes: exit code %d, %s", n, len(whole), code, talk.String())
		}
	}
}
