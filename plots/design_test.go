package plots_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/plots"
	"coachsim/sim"
)

// designs are a figure for each unit of assignment, one of three arms and one of
// a study without treatment.
func designs(t *testing.T) []plots.Figure {
	t.Helper()
	var figures []plots.Figure
	add := func(name string, change func(s *sim.Study)) {
		s := sim.DefaultStudy()
		s.Design.Blocks, s.Design.Schools, s.Design.Teachers, s.Design.Tested = 10, 20, 2, 15
		s.Design.Children = dgp.ClassSize{Mean: 28, SD: 5, Min: 10}
		s.Design.Assignment = dgp.Blocked{}
		s.Design.Attrition = dgp.Attrition{Children: 0.1, Schools: map[string]int{"control": 2}}
		s.Achievement.Tests = []string{"reading"}
		s.Achievement.ICC = dgp.ICC{School: 0.1}
		s.Estimators = []sim.Estimator{{Name: "itt", Method: estimators.OLS{Formula: "reading ~ coaching"}}}
		change(&s)
		design, err := plots.NewDesign(s, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		design.File = name
		figures = append(figures, design)
	}
	add("design-schools", func(s *sim.Study) {
		s.Quality = dgp.Quality{Domains: []string{"es"}, SD: []float64{0.8}, Correlation: dgp.Matrix{{1}}}
		s.Observation.Segments, s.Observation.Coders = 4, 2
		s.Observation.Scale.Mean, s.Observation.Scale.Points = []float64{4}, []float64{0.5}
		s.Observation.SegmentSD, s.Observation.CoderSD, s.Observation.ErrorCorrelation = []float64{1}, []float64{0.3}, dgp.Matrix{{1}}
	})
	add("design-teachers", func(s *sim.Study) {
		s.Design.Blocks, s.Design.Teachers = 1, 8
		s.Design.Arms = []string{"control", "training", "coaching"}
		s.Design.Assignment = dgp.Blocked{Unit: dgp.TeacherUnit}
	})
	add("design-children", func(s *sim.Study) {
		s.Design.Schools, s.Design.Tested = 4, 60
		s.Design.Children = dgp.ClassSize{Mean: 60, Min: 10}
		s.Design.Assignment = dgp.Simple{Unit: dgp.ChildUnit}
	})
	add("design-none", func(s *sim.Study) {
		s.Design.Arms, s.Design.Assignment, s.Design.Attrition.Schools = []string{"control"}, dgp.None{}, nil
	})
	return figures
}

// The figure of a sweep says which design it shows, and only chooses another.
func TestDesignOfSweep(t *testing.T) {
	study := sim.DefaultStudy()
	study.Design.Blocks, study.Design.Schools, study.Design.Teachers, study.Design.Tested = 2, 4, 1, 5
	study.Design.Children = dgp.ClassSize{Mean: 10, Min: 5}
	study.Design.Assignment = dgp.Blocked{}
	study.Achievement.Tests = []string{"reading"}
	for _, schools := range []int{4, 8} {
		cell := study
		cell.Cells = nil
		cell.Design.Schools = schools
		study.Cells = append(study.Cells, sim.Cell{Factors: []sim.Factor{{Key: "trial.schools", Value: strconv.Itoa(schools)}}, Study: cell})
	}
	for value, want := range map[string]string{"": "design 1 of 2: schools = 4", "8": "design 2 of 2: schools = 8"} {
		only := map[string]string{"schools": value}
		if value == "" {
			only = nil
		}
		design, err := plots.NewDesign(study, only)
		if err != nil || design.Which != want {
			t.Errorf("%q: %q, %v, want %q", value, design.Which, err, want)
			continue
		}
		if note := design.Words().Note; !strings.HasPrefix(note, "D"+want[1:]+". ") {
			t.Errorf("%q: %s", value, note)
		}
		if n := len(design.Layout.Arm); n != 2*study.Cells[design.Study.Design.Schools/8].Study.Design.Schools {
			t.Errorf("%q: %d schools", value, n)
		}
	}
	if _, err := plots.NewDesign(study, map[string]string{"schools": "6"}); err == nil || !strings.Contains(err.Error(), "trial.schools is never 6; it is 4, 8") {
		t.Error(err)
	}
	if one, err := plots.NewDesign(study.Cells[0].Study, nil); err != nil || !strings.HasPrefix(one.Words().Note, "Arms as assigned") {
		t.Errorf("one design: %v, %s", err, one.Words().Note)
	}
	if _, err := plots.NewDesign(study.Cells[0].Study, map[string]string{"schools": "4"}); err == nil {
		t.Error("one design was chosen from")
	}
}

func TestDesignGolden(t *testing.T) {
	for _, fig := range designs(t) {
		t.Run(fig.Name(), func(t *testing.T) {
			compareGolden(t, fig.Name()+".svg", render(t, plots.SVG, fig))
		})
	}
}

// The counts are those that the study declares, before losses, whatever is assigned.
func TestDesignCounts(t *testing.T) {
	for _, fig := range designs(t) {
		inAll, opened := map[string]int{}, map[string]int{}
		for _, line := range fig.Table()[1:] {
			for at, of := range map[int]map[string]int{2: inAll, 3: opened} {
				n, err := strconv.Atoi(line[at])
				if err != nil {
					t.Fatal(err)
				}
				of[line[0]] += n
			}
		}
		want := map[string]string{
			"design-schools":  "map[block:10 child:6000 school:200 teacher:400] map[block:10 child:15 school:20 teacher:2]",
			"design-teachers": "map[child:2396 school:20 teacher:160] map[child:15 school:20 teacher:8]", // four classes are smaller
			"design-children": "map[block:10 child:4800 school:40 teacher:80] map[block:10 child:60 school:4 teacher:2]",
			"design-none":     "map[block:10 child:6000 school:200 teacher:400] map[block:10 child:15 school:20 teacher:2]",
		}[fig.Name()]
		if got := fmt.Sprint(inAll, opened); got != want {
			t.Errorf("%s:\n got %s\nwant %s", fig.Name(), got, want)
		}
	}
	if table := fmt.Sprint(designs(t)[0].Table()[2:4]); table != "[[school control 100 10] [school coaching 100 10]]" {
		t.Errorf("schools by arm: %s", table)
	}
	if _, err := (plots.Design{}).Draw(plots.Journal()); err == nil {
		t.Error("a design without a layout is drawn")
	}
}

// What is observed of a class is said with its days.
func TestDesignSaysDays(t *testing.T) {
	figure := designs(t)[0].(plots.Design)
	figure.Study.Observation.Days = 2
	drawing, err := figure.Draw(plots.Journal())
	if err != nil {
		t.Fatal(err)
	}
	drawing.Text = plots.Fonts
	var svg bytes.Buffer
	if err := plots.Render(&svg, plots.SVG, drawing); err != nil {
		t.Fatal(err)
	}
	if want := "Of each class: 2 days of 4 film segments, rated by 2 coders each."; !strings.Contains(svg.String(), want) {
		t.Errorf("the drawing does not say %q", want)
	}
}
