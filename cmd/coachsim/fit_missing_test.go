package main

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestFitOutcomesApart: in c(y1, y2) each outcome drops only its own missing
// rows, so that its numbers are those of a formula of its own.
func TestFitOutcomesApart(t *testing.T) {
	file := withHoles(t)
	for _, c := range []struct {
		left, right string
		flags       []string
	}{
		{"score,ses,below(ses, 30)", " ~ coaching + girl | block", []string{"--cluster", "school", "--se", "CR2"}},
		{"score,ses", " ~ coaching + girl", []string{"--se", "HC3", "--where", "experience > 4"}},
		{"score,ses,std(ses)", " ~ coaching + girl + (1 | school/class)", nil},
		{"score,ses", " ~ girl | block | takeup ~ coaching", []string{"--cluster", "school", "--se", "CR2"}},
		{"ses,score", " ~ coaching | block", []string{"--cluster", "school", "--kind", "wild-bootstrap", "--draws", "99"}},
	} {
		outcomes := strings.Split(strings.ReplaceAll(c.left, ", ", ";"), ",")
		for i := range outcomes {
			outcomes[i] = strings.ReplaceAll(outcomes[i], ";", ", ")
		}
		fit := func(left string) []map[string]string {
			args := append([]string{"fit", "--csv", "--formula", left + c.right, file}, c.flags...)
			var out, talk bytes.Buffer
			if code := run(args, strings.NewReader(""), &out, &talk); code != exitDone {
				t.Fatalf("%q: exit code %d, %s", args, code, talk.String())
			}
			records, err := csv.NewReader(&out).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			var rows []map[string]string
			for _, record := range records[1:] {
				row := map[string]string{}
				for i, field := range record {
					row[records[0][i]] = field
				}
				rows = append(rows, row)
			}
			return rows
		}
		together := fit("c(" + strings.Join(outcomes, ", ") + ")")
		var alone []map[string]string
		for _, o := range outcomes {
			alone = append(alone, fit(o)...)
		}
		if len(together) != len(alone) || together[0]["n"] == together[len(together)-1]["n"] {
			t.Fatalf("%s: %d rows, want %d; n %s", c.left, len(together), len(alone), together[0]["n"])
		}
		for i, got := range together {
			for name, want := range alone[i] {
				x, err := strconv.ParseFloat(got[name], 64)
				if err != nil {
					if got[name] != want {
						t.Errorf("%s%s, row %d: %s is %s, alone %s", c.left, c.right, i, name, got[name], want)
					}
					continue
				}
				if y := number(t, want); !(math.Abs(x-y) <= 1e-8*math.Max(math.Abs(y), 1e-3)) {
					t.Errorf("%s%s, row %d: %s is %v, alone %v", c.left, c.right, i, name, x, y)
				}
			}
		}
	}
}

// withHoles writes the children of estimators/testdata/linear without every
// seventh score, every fifth ses, and all ses of the last school.
func withHoles(t *testing.T) string {
	t.Helper()
	from := readCSVFile(t, filepath.Join("..", "..", "estimators", "testdata", "linear", "data.csv"))
	names := []string{"block", "school", "class", "coaching", "experience", "girl", "takeup", "ses", "score"}
	var text strings.Builder
	text.WriteString(strings.Join(names, ",") + "\n")
	for i, row := range from {
		if i%7 == 3 {
			row["score"] = ""
		}
		if i%5 == 2 || row["school"] == from[len(from)-1]["school"] {
			row["ses"] = ""
		}
		for k, name := range names {
			if k > 0 {
				text.WriteByte(',')
			}
			text.WriteString(row[name])
		}
		text.WriteByte('\n')
	}
	file := filepath.Join(t.TempDir(), "holes.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFitReliability: fit --study finds the ratings by their names, and agrees
// with Pearson's correlation of them, also where a file has a row a child.
func TestFitReliability(t *testing.T) {
	dir := t.TempDir()
	var out, talk bytes.Buffer
	if code := run([]string{"draw", "ecuador", "--out", dir}, strings.NewReader(""), &out, &talk); code != exitDone {
		t.Fatalf("draw: exit code %d, %s", code, talk.String())
	}
	var first, second, one, other []float64
	for _, row := range readCSVFile(t, filepath.Join(dir, "teachers.csv")) {
		first = append(first, (number(t, row["co_s1_c1"])+number(t, row["co_s1_c2"]))/2)
		second = append(second, (number(t, row["co_s4_c1"])+number(t, row["co_s4_c2"]))/2)
		for _, segment := range []string{"1", "2", "3", "4"} {
			one = append(one, number(t, row["co_s"+segment+"_c1"]))
			other = append(other, number(t, row["co_s"+segment+"_c2"]))
		}
	}
	want := map[string]float64{"segments": pearson(first, second), "coders": pearson(one, other)}
	for _, file := range []string{"teachers.csv", "children.csv"} {
		fit := runFit(t, "--study", "ecuador", filepath.Join(dir, file))
		found := 0
		for _, row := range fit.Rows {
			name, _ := row["estimator"].(string)
			value, ok := want[name]
			if !ok || row["outcome"] != "co" {
				continue
			}
			found++
			if got, _ := row["estimate"].(float64); !(math.Abs(got-value) < 1e-12) {
				t.Errorf("%s, %s: %v, want %v", file, name, row["estimate"], value)
			}
		}
		if found != len(want) {
			t.Errorf("%s: %d of %d reliabilities", file, found, len(want))
		}
	}
}

func pearson(x, y []float64) float64 {
	var sx, sy, sxx, syy, sxy float64
	for i := range x {
		sx, sy = sx+x[i], sy+y[i]
	}
	mx, my := sx/float64(len(x)), sy/float64(len(y))
	for i := range x {
		sxx += (x[i] - mx) * (x[i] - mx)
		syy += (y[i] - my) * (y[i] - my)
		sxy += (x[i] - mx) * (y[i] - my)
	}
	return sxy / math.Sqrt(sxx*syy)
}
