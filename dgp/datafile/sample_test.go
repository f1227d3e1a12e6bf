package datafile_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/dgp/datafile"
)

const pupils = `school,region,arm,treated,score,age
s2,north,coaching,1,10,7
s1,north,control,0,11,8
s2,north,coaching,1,12,
s1,north,control,0,13,9
s3,south,coaching,1,14,7
,south,coaching,1,15,7
s3,,coaching,1,16,8
`

func condition(t *testing.T, text string) datafile.Condition {
	t.Helper()
	c, err := datafile.ParseCondition(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSample(t *testing.T) {
	table := read(t, pupils)
	for _, c := range []struct {
		name string
		use  datafile.Use
		want string
	}{
		{"no factor", datafile.Use{Rows: []string{"score"}, Numbers: []string{"age"}},
			"score/child[10 11 13 14 15 16] age/child[7 8 9 7 7 8] start[0 6] used 6 dropped 1"},
		{"clusters", datafile.Use{Rows: []string{"score"}, Numbers: []string{"treated"}, Factors: []string{"school"}},
			"school/teacher[0 1 2]of3 score/child[11 13 10 12 14 16] treated/teacher[0 1 1] start[0 2 4 6] used 6 dropped 1"},
		{"missing values", datafile.Use{Rows: []string{"score"}, Numbers: []string{"age"}, Factors: []string{"region", "school"}},
			"region/teacher[0 0 1]of2 school/teacher[0 1 2]of3 score/child[11 13 10 14] age/child[8 9 7 7] start[0 2 3 4] used 4 dropped 3"},
		{"text", datafile.Use{Rows: []string{"score"}, Where: condition(t, "arm == 'coaching' & score < 15")},
			"score/child[10 12 14] start[0 3] used 3 dropped 0"},
		{"unknown whether it holds", datafile.Use{Rows: []string{"score"}, Where: condition(t, `age != 9 && region != "south"`)},
			"score/child[10 11] start[0 2] used 2 dropped 2"},
		{"marked", datafile.Use{Rows: []string{"score"}, Where: condition(t, "treated == 0"), Mark: true},
			"score/child[10 11 12 13 14 15 16] .where/child[0 1 0 1 0 0 0] start[0 7] used 2 dropped 0"},
		{"number and factor", datafile.Use{Rows: []string{"score"}, Numbers: []string{"age"}, Factors: []string{"age"}},
			"age/teacher[0 1 2]of3 score/child[10 14 15 11 16 13] age/teacher[7 8 9] start[0 3 5 6] used 6 dropped 1"},
		{"units", datafile.Use{Rows: []string{"treated"}, Unit: []string{"school"}},
			"treated/child[1 0 1] start[0 3] used 3 dropped 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := table.Sample(c.use)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, column := range s.Shape.Columns {
				text := fmt.Sprintf("%s/%s%v", column.Name, column.Level, s.Data.Columns[i])
				if column.Levels > 0 {
					text += fmt.Sprintf("of%d", column.Levels)
				}
				got = append(got, text)
				if len(s.Data.Columns[i]) != s.Data.N[column.Level] || s.Data.N != s.Shape.Max {
					t.Errorf("%s has %d values", column.Name, len(s.Data.Columns[i]))
				}
			}
			got = append(got, fmt.Sprintf("start%v used %d dropped %d", s.Data.ChildStart, s.Used, s.Dropped))
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
		})
	}
	s, err := table.Sample(datafile.Use{Rows: []string{"score"}, Factors: []string{"school"}, Where: condition(t, "treated == 1"), Mark: true})
	if err != nil || s.Levels("school") != 2 || s.Factor("school") != "school" {
		t.Errorf("%d schools in use, want 2; %v", s.Levels("school"), err)
	}
	if d := s.Data; d.Ancestor(dgp.ChildLevel, 5, dgp.SchoolLevel) != 2 || d.Ancestor(dgp.ChildLevel, 5, dgp.BlockLevel) != 0 {
		t.Error("the last child is not in the last school")
	}
}

func TestSampleErrors(t *testing.T) {
	table := read(t, "y,x,arm,late,u,big\n1,,a,1,1,1\n2,,b,1,1,Inf\n3,,b,x,2,3\n")
	for _, c := range []struct {
		name string
		use  datafile.Use
		want string
	}{
		{"text", datafile.Use{Rows: []string{"arm"}}, `x.csv:2: the column arm is not a number here but "a"; a regression needs numbers. Choose rows with --where "arm == 'a'", or code the column as 0 and 1`},
		{"one text", datafile.Use{Rows: []string{"late"}}, `x.csv:4: the column late is not a number here but "x"`},
		{"infinite", datafile.Use{Rows: []string{"big"}}, "x.csv:3: the column big is infinite here; correct it, or leave it empty if it is missing"},
		{"all missing", datafile.Use{Rows: []string{"y", "x"}}, "x.csv: no row is left: of 3 rows, 3 miss a value of a column in use; x misses most, 3"},
		{"none chosen", datafile.Use{Rows: []string{"y"}, Where: condition(t, "y > 7")}, "no row is left: of 3 rows, 0 miss a value of a column in use and 3 are left out by the condition"},
		{"unit", datafile.Use{Rows: []string{"y"}, Unit: []string{"u"}}, "x.csv:3: the column y is 2 here, but 1 in another row of the same u"},
		{"number with text", datafile.Use{Rows: []string{"y"}, Where: condition(t, "y == 'a'")}, "the column y holds numbers; compare it with a number"},
		{"text with number", datafile.Use{Rows: []string{"y"}, Where: condition(t, "arm == 1")}, `the column arm holds text, such as "a"; compare it with text in quotes`},
		{"unknown", datafile.Use{Rows: []string{"y"}, Where: condition(t, "armm == 'a'")}, `there is no column "armm" in x.csv; did you mean arm?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := table.Sample(c.use); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
		})
	}
}

func TestSampleByLabel(t *testing.T) {
	table := open(t, "testdata/haven-14.dta")
	s, err := table.Sample(datafile.Use{Rows: []string{"id"}, Where: condition(t, "arm == 'coaching'")})
	if err != nil || s.Used != 2 || s.Dropped != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := table.Sample(datafile.Use{Rows: []string{"id"}, Where: condition(t, "arm == 'x'")}); err == nil || err.Error() != `no value of arm is labelled "x"` {
		t.Error(err)
	}
}

func TestConditionErrors(t *testing.T) {
	for text, want := range map[string]string{
		"== 1":           `0: expected the name of a column, found "="`,
		"a":              `1: expected ==, !=, <, <=, > or >=, found the end`,
		"a = 1":          `2: equality is written ==`,
		"a == x1":        `5: text stands in quotes: 'x1'`,
		"a == 'x":        `5: the text that begins here has no closing '`,
		"a < 'x'":        `4: text can be compared with == and != only`,
		"a == 1 | b > 2": `7: comparisons can be joined by & only`,
		"a == 1 b":       `7: expected & or the end, found "b"`,
		"a == 1 &":       `8: expected the name of a column, found the end`,
		"a == 1e":        `5: expected a number, or text in quotes, found "1"`,
	} {
		_, err := datafile.ParseCondition(text)
		fault, ok := err.(*datafile.ConditionError) //nolint:errorlint // never wrapped
		if !ok || fmt.Sprintf("%d: %s", fault.Offset, fault.Message) != want {
			t.Errorf("%s: %+v, want %s", text, err, want)
		}
	}
}

// TestCenter checks that columns are centred at their means, constants not.
func TestCenter(t *testing.T) {
	s, err := read(t, "y,c,far\n1,0.1,1e308\n2,0.1,1.2e308\n3,0.1,1.4e308\n").Sample(datafile.Use{Rows: []string{"y", "c", "far"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{2, 0, 1.2e308} {
		if got := s.Shape.Columns[i].Center; math.Abs(got-want) > 1e-15*want {
			t.Errorf("%s is centred at %v, want %v", s.Shape.Columns[i].Name, got, want)
		}
	}
}
