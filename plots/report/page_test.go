package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"coachsim/configs"
	"coachsim/plots/report"
	"coachsim/sim"
)

// A node is an element of a page.
type node struct {
	name     string
	attr     map[string]string
	children []*node
	text     strings.Builder // of it and all within
	parent   *node
}

// page writes a run's page and reads it as XML, which it must be, every tag closed.
func page(t *testing.T, r report.Run) (*node, []byte) {
	t.Helper()
	var out bytes.Buffer
	if err := report.WritePage(&out, r); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(out.Bytes()))
	root := &node{}
	at := root
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line, _ := decoder.InputPos()
			t.Fatalf("line %d: %v", line, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			child := &node{name: token.Name.Local, attr: map[string]string{}, parent: at}
			for _, a := range token.Attr {
				if _, twice := child.attr[a.Name.Local]; twice {
					t.Errorf("%s has %s twice", child.name, a.Name.Local)
				}
				child.attr[a.Name.Local] = a.Value
			}
			at.children = append(at.children, child)
			at = child
		case xml.EndElement:
			at = at.parent
		case xml.CharData:
			for n := at; n != nil; n = n.parent {
				n.text.Write(token)
			}
		}
	}
	return root, out.Bytes()
}

// all lists the elements of a name, in order; of any name where it is empty.
func (n *node) all(name string) (found []*node) {
	for _, c := range n.children {
		if name == "" || c.name == name {
			found = append(found, c)
		}
		found = append(found, c.all(name)...)
	}
	return found
}

func (n *node) words() string { return strings.Join(strings.Fields(n.text.String()), " ") }

func (n *node) has(class string) bool {
	return slices.Contains(strings.Fields(n.attr["class"]), class)
}

// A page of every study that is built in stands on its own: ids are unique and
// links lead to them, nothing is loaded, drawings have words, sizes are bounded,
// and the same run gives the same bytes.
func TestPages(t *testing.T) {
	for name, text := range studies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := simulatedRun(t, text, few)
			root, bytes1 := page(t, run)
			if _, again := page(t, run); !bytes.Equal(bytes1, again) {
				t.Error("the same run gives other bytes")
			}
			if len(bytes1) > 1_000_000 {
				t.Errorf("%d bytes", len(bytes1))
			}
			checkPage(t, root)
			if strings.Contains(string(bytes1), "ZgotmplZ") {
				t.Error("a template refused a value")
			}
			if n := len(root.all("figure")); n < 1+len(run.Figures) {
				t.Errorf("%d figures for %d and the design", n, len(run.Figures))
			}
			for _, figure := range root.all("figure") {
				data := slices.IndexFunc(figure.all("a"), func(a *node) bool { return strings.HasPrefix(a.attr["href"], "data:text/csv;") })
				if len(figure.all("svg")) != 1 || data < 0 {
					t.Errorf("%s has no drawing or no data", figure.attr["id"])
				}
			}
			numbersEqualSummary(t, root, run.Summary)
			ratesEqualSelection(t, root, run.Summary)
			if got := root.all("pre"); got[len(got)-1].text.String() != string(run.Plan.Text) {
				t.Error("the study on the page is not the plan")
			}
			empty := func(n *node) bool { return n.words() == "" }
			for _, name := range []string{"p", "h2", "h3", "dt", "dd", "li", "caption", "title", "figcaption"} {
				if i := slices.IndexFunc(root.all(name), empty); i >= 0 && root.all(name)[i].attr["data-copy"] == "" {
					t.Errorf("an empty %s", name)
				}
			}
		})
	}
}

func checkPage(t *testing.T, root *node) {
	t.Helper()
	ids := map[string]bool{}
	for _, n := range root.all("") {
		if id := n.attr["id"]; id != "" {
			if ids[id] {
				t.Errorf("the id %s is there twice", id)
			}
			ids[id] = true
		}
	}
	for _, n := range root.all("") {
		for _, key := range []string{"href", "aria-labelledby", "data-copy"} {
			if to := strings.TrimPrefix(n.attr[key], "#"); to != "" && !ids[to] && !strings.HasPrefix(to, "data:") {
				t.Errorf("%s of %s leads to %q", key, n.name, to)
			}
		}
		for _, key := range []string{"src", "srcset", "poster", "action", "xlink:href", "style"} {
			if n.attr[key] != "" {
				t.Errorf("%s has %s=%q", n.name, key, n.attr[key])
			}
		}
		if slices.Contains([]string{"link", "img", "iframe", "object", "embed", "base", "use", "image"}, n.name) {
			t.Errorf("there is a <%s>", n.name)
		}
	}
	for _, n := range root.all("style") {
		if text := n.text.String(); strings.Contains(text, "url(") || strings.Contains(text, "@import") {
			t.Error("the style loads something")
		}
	}
	for _, svg := range root.all("svg") {
		if svg.attr["role"] != "img" || svg.attr["aria-label"] == "" {
			t.Error("a drawing has no words")
		}
	}
	if n := len(root.all("h1")); n != 1 {
		t.Errorf("%d h1", n)
	}
	if root.all("html")[0].attr["lang"] != "en" || len(root.all("main")) != 1 || len(root.all("nav")) != 1 || !root.all("a")[0].has("skip") {
		t.Error("no language, landmark or way past the contents")
	}
	level := 1
	for _, n := range root.all("") {
		if len(n.name) == 2 && n.name[0] == 'h' && n.name[1] >= '1' && n.name[1] <= '6' {
			if at := int(n.name[1] - '0'); at > level+1 {
				t.Errorf("%q leaves out a level of headings", n.words())
			} else {
				level = at
			}
		}
	}
	for _, table := range root.all("table") {
		heads := len(table.all("thead")[0].all("th"))
		for _, row := range table.all("tr") {
			if cells := len(row.all("td")); cells > 0 && cells != heads {
				t.Errorf("%s: a row of %d cells under %d headings", table.attr["id"], cells, heads)
			}
		}
		if !table.parent.has("scroll") || table.parent.attr["tabindex"] != "0" {
			t.Errorf("%s cannot scroll by keyboard", table.attr["id"])
		}
	}
}

// ratesEqualSelection holds the tables of selection against the summary's, and looks
// for the words on rows that are left out for them.
func ratesEqualSelection(t *testing.T, root *node, summary sim.Summary) {
	t.Helper()
	if _, hidden := summary.Main(); hidden > 0 && !strings.Contains(root.words(), sim.HiddenRows(hidden)) {
		t.Errorf("the page does not say that %d rows are left out", hidden)
	}
	var want []sim.NumberTable
	for _, group := range summary.SelectionTables() {
		want = append(want, group.Tables...)
	}
	at := 0
	for _, table := range root.all("table") {
		if !strings.HasPrefix(table.attr["id"], "selection-") {
			continue
		}
		if at == len(want) {
			t.Fatalf("more than %d tables of selection on the page", at)
		}
		of := want[at]
		at++
		lines := table.all("tbody")[0].all("tr")
		if len(lines) != len(of.Names) {
			t.Errorf("%s: %d lines on the page, %d in the summary", of.Title, len(lines), len(of.Names))
			continue
		}
		for i, tr := range lines {
			for k, c := range of.Columns {
				want, mcse := c.Written(i)
				switch {
				case want == "":
					want = "–"
				case mcse != "":
					want += " (" + mcse + ")"
				}
				if got := tr.all("td")[k+1].words(); got != strings.Replace(want, "-", "−", 1) && got != want {
					t.Errorf("%s, %s, %s: %s on the page, %s in the summary", of.Title, of.Names[i], c.Head, got, want)
				}
			}
		}
	}
	if at != len(want) {
		t.Errorf("%d of %d tables of selection on the page", at, len(want))
	}
}

// numbersEqualSummary holds every number of the tables of results, and every Monte
// Carlo error, against summary.csv, rounded to the places that are shown.
func numbersEqualSummary(t *testing.T, root *node, summary sim.Summary) {
	t.Helper()
	var out bytes.Buffer
	if err := summary.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]map[string]string{}
	bare := func(value string) string {
		if inner, ok := strings.CutPrefix(value, "["); ok && !strings.Contains(value, ",") {
			return strings.TrimSuffix(inner, "]")
		}
		return value
	}
	factors := slices.Index(lines[0], "estimator")
	for _, line := range lines[1:] {
		row := map[string]string{}
		var where []string
		for i, value := range line {
			if row[lines[0][i]] = value; i < factors {
				where = append(where, bare(value))
			}
		}
		key := fmt.Sprint(where, row["estimator"], row["outcome"], row["term"])
		if rows[key] != nil {
			t.Fatalf("two rows are %s", key)
		}
		rows[key] = row
	}
	columns := map[string]string{
		"Truth": "truth", "Mean": "mean", "Bias": "bias", "Empirical SE": "empse", "Model SE": "modelse",
		"Coverage (%)": "cover", "Power (%)": "power", "MDES": "mdes", "Failed fits": "n_fail", "Size (%)": "power", "Rejections (%)": "power",
	}
	compared, shown := 0, 0
	for _, table := range root.all("table") {
		if !strings.HasPrefix(table.attr["id"], "results-") {
			continue
		}
		var heads []string
		for _, th := range table.all("thead")[0].all("th") {
			heads = append(heads, th.words())
		}
		for _, body := range table.all("tbody") {
			title, _, _ := strings.Cut(body.all("th")[0].words(), " (")
			for _, tr := range body.all("tr")[1:] {
				cells := tr.all("td")
				label := func(head string) string {
					if i := slices.Index(heads, head); i >= 0 {
						return cells[i].words()
					}
					return ""
				}
				var where []string
				for i := range factors {
					where = append(where, cells[i].words())
				}
				estimator, outcome, term := title, label("Outcome"), label("Term")
				if factors > 0 { // "estimator: term on outcome"
					var rest string
					estimator, rest, _ = strings.Cut(title, ": ")
					term, outcome, _ = strings.Cut(rest, " on ")
				}
				row := rows[fmt.Sprint(where, estimator, outcome, term)]
				if row == nil {
					t.Fatalf("summary.csv has no %v %q %q %q", where, estimator, outcome, term)
				}
				shown++
				for i, head := range heads {
					column := columns[head]
					if column == "" || cells[i].words() == "–" {
						continue
					}
					value, mcse, _ := strings.Cut(strings.TrimSuffix(cells[i].words(), ")"), " (")
					var size bool
					if value, size = strings.CutSuffix(value, "†"); head == "Power (%)" && size != (row["truth"] == "0") {
						t.Errorf("%s %s on %s, truth %s: marked as size: %t", estimator, term, outcome, row["truth"], size)
					}
					scale := 1.0
					if strings.HasSuffix(head, "(%)") {
						scale = 100
					}
					for text, want := range map[string]string{value: row[column], mcse: row[column+"_mcse"]} {
						if text == "" {
							continue
						}
						if column == "mean" && text == mcse {
							continue // summary.csv has none
						}
						text = strings.ReplaceAll(strings.ReplaceAll(text, ",", ""), "−", "-")
						x, err := strconv.ParseFloat(want, 64)
						if err != nil {
							t.Fatalf("%s of %s is %q in summary.csv, %s on the page", column, outcome, want, text)
						}
						places := 0
						if _, after, ok := strings.Cut(text, "."); ok {
							places = len(after)
						}
						got, err := strconv.ParseFloat(text, 64)
						if err != nil || math.Abs(got-scale*x) > 0.5000001*math.Pow10(-places) {
							t.Errorf("%s %s on %s, %s: %s, summary.csv has %s", estimator, term, outcome, head, text, want)
						}
						compared++
					}
				}
			}
		}
	}
	if want := min(len(summary.Shown()), 500); shown < want || compared < 3*want {
		t.Errorf("%d rows with %d numbers were compared, of %d", shown, compared, len(summary.Rows))
	}
}

// What the page of a study says, word for word, without drawings and the plan.
func TestPageGolden(t *testing.T) {
	starter, ok := configs.StarterFor("coaching", "study.yaml")
	if !ok {
		t.Fatal("no starter")
	}
	root, _ := page(t, simulatedRun(t, []byte(starter), few))
	var out strings.Builder
	var write func(n *node, depth int)
	write = func(n *node, depth int) {
		for _, c := range n.children {
			switch c.name {
			case "svg", "style", "script", "pre":
				continue
			case "h1", "h2", "h3", "p", "dt", "dd", "li", "caption", "summary", "figcaption", "title":
				fmt.Fprintf(&out, "%s %s\n", c.name, c.words())
			case "tr":
				var cells []string
				for _, cell := range c.children {
					cells = append(cells, cell.words())
				}
				fmt.Fprintf(&out, "  %s\n", strings.Join(cells, " | "))
			default:
				write(c, depth+1)
			}
		}
	}
	write(root, 0)
	text := regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(out.String(), "HASH")
	golden(t, "page.txt", []byte(text))
}

// Names that a page would read as its own stay words.
func TestPageEscapes(t *testing.T) {
	results := awkward()
	starter, _ := configs.StarterFor("coaching", "study.yaml")
	run := simulatedRun(t, []byte(starter), 2)
	run.Summary.Rows = results.Summary.Rows[:3]
	run.Figures = nil
	run.Study.Aim = `</title><script>alert(1)</script>` + hostile
	root, _ := page(t, run)
	if n := len(root.all("script")); n != 1 {
		t.Errorf("%d scripts", n)
	}
	if got := root.all("h1")[0].words(); got != run.Study.Aim {
		t.Errorf("the aim became %q", got)
	}
	if !strings.Contains(root.text.String(), hostile) {
		t.Error("an estimator lost its name")
	}
}

// A sweep of very many rows makes no endless page, and the page says so.
func TestPageIsBounded(t *testing.T) {
	starter, _ := configs.StarterFor("coaching", "study.yaml")
	run := simulatedRun(t, []byte(starter), 2)
	row := run.Summary.Rows[0]
	run.Summary.Rows = nil
	for i := range 20_000 {
		row.Outcome = fmt.Sprintf("outcome%d", i)
		run.Summary.Rows = append(run.Summary.Rows, row)
	}
	root, text := page(t, run)
	if len(text) > 2_000_000 {
		t.Errorf("%d bytes", len(text))
	}
	if !strings.Contains(root.text.String(), "19,500 more rows are left out of this page") {
		t.Error("the page does not say that it leaves rows out")
	}
}

// Text has a contrast of 4.5 at least against what it stands on, in the light and in
// the dark (WCAG 2.1, 1.4.3).
func TestPageContrast(t *testing.T) {
	style, err := os.ReadFile("page/style.css")
	if err != nil {
		t.Fatal(err)
	}
	schemes := regexp.MustCompile(`:root \{[^}]*\}`).FindAllString(string(style), -1)
	if len(schemes) != 2 {
		t.Fatalf("%d schemes of colours", len(schemes))
	}
	for _, scheme := range schemes {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z]+): #([0-9a-f]{6});`).FindAllStringSubmatch(scheme, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		if len(colours) != 7 {
			t.Fatalf("%d colours", len(colours))
		}
		for _, text := range []string{"ink", "muted", "accent"} {
			for _, ground := range []string{"paper", "soft"} {
				hi, lo := max(colours[text], colours[ground]), min(colours[text], colours[ground])
				if contrast := (hi + 0.05) / (lo + 0.05); contrast < 4.5 {
					t.Errorf("%s on %s: contrast %.2f", text, ground, contrast)
				}
			}
		}
	}
	for _, m := range regexp.MustCompile(`#[0-9a-f]{3,8}\b`).FindAllString(string(style), -1) {
		if !strings.Contains(strings.Join(schemes, ""), m) {
			t.Errorf("the colour %s is in no scheme", m)
		}
	}
}

// luminance is the relative luminance of a colour (WCAG 2.1).
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// Sections that a trial has are not among what was left out, and others are.
// What a trial costs stands on its page, item by item; where designs differ in it, their
// costs too.
func TestPageOfCosts(t *testing.T) {
	starter, _ := configs.StarterFor("coaching", "study.yaml")
	run := simulatedRun(t, []byte(starter), 2)
	run.Figures = nil
	table := func(caption string, settings ...configs.Setting) [][]string {
		study, err := configs.Load("study.yaml", []byte(starter), settings)
		if err != nil {
			t.Fatal(err)
		}
		run.Study = study
		root, _ := page(t, run)
		for _, table := range root.all("table") {
			if table.all("caption")[0].words() != caption {
				continue
			}
			var rows [][]string
			for _, tr := range table.all("tr")[1:] {
				var row []string
				for _, td := range tr.all("td") {
					row = append(row, td.words())
				}
				rows = append(rows, row)
			}
			return rows
		}
		return nil
	}
	cost := configs.Setting{Key: "cost", Value: "{fixed: 1000, school: 250.5, treated_school: 3000, child: 6}"}
	attrition := configs.Setting{Key: "trial.attrition", Value: "{schools: {coaching: 2}}"}
	small := configs.Setting{Key: "trial.children", Value: "{mean: 30, sd: 0}"}
	schools := configs.Setting{Key: "sweep", Value: "{trial.schools: [10, 20]}"}
	items := [][]string{
		{"fixed", "", "", "1,000"}, {"school", "60", "250.5", "15,030"}, {"treated school", "30", "3,000", "90,000"},
		{"child", "1,740", "6", "10,440"}, {"all", "", "", "116,470"}, // 58 schools, 2 classes of 15
	}
	for _, c := range []struct {
		caption  string
		settings []configs.Setting
		want     [][]string
	}{
		{"Cost of the trial, by the prices of the study", []configs.Setting{cost, attrition, small}, items},
		{"Cost of the first design, by the prices of the study", []configs.Setting{cost, attrition, small, schools}, items},
		{"Cost of every design", []configs.Setting{cost, attrition, small, schools}, [][]string{{"10", "116,470"}, {"20", "232,300"}}},
		{"Cost of each design, by the prices of the study", []configs.Setting{cost, attrition, small, {Key: "sweep", Value: "{effect: [0, 0.1]}"}}, items},
		{"Cost of every design", []configs.Setting{cost, {Key: "sweep", Value: "{effect: [0, 0.1]}"}}, nil},
		{"Cost of the trial, by the prices of the study", []configs.Setting{{Key: "cost", Value: "null"}}, nil},
	} {
		if got := table(c.caption, c.settings...); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s of %v: %q, want %q", c.caption, c.settings, got, c.want)
		}
	}
}

// The page has what decides an estimate, also where it is the first of its words, or a key
// of the regression within a method.
func TestPageOfMethods(t *testing.T) {
	starter, _ := configs.StarterFor("coaching", "study.yaml")
	run := simulatedRun(t, []byte(starter), 2)
	run.Figures = nil
	settings := []configs.Setting{
		{Key: "trial.children", Value: "{mean: 30, sd: 7, min: 4, small: {share: 0.1, min: 4, max: 9}}"},
		{Key: "families", Value: "null"}, {Key: "primary", Value: "null"}, {Key: "sources", Value: "null"},
		{Key: "estimators", Value: `[
			{name: ri, kind: randomisation, formula: "reading ~ coaching | block", cluster: school, report: [coaching]},
			{name: wild, kind: wild-bootstrap, formula: "reading ~ coaching", cluster: school, where: girl == 1, report: [coaching]},
			{name: reml, kind: mixed, formula: "reading ~ coaching + (1 | school)", report: [coaching]}]`},
	}
	study, err := configs.Load("study.yaml", []byte(starter), settings)
	if err != nil {
		t.Fatal(err)
	}
	run.Study = study
	root, _ := page(t, run)
	text := root.text.String()
	for _, want := range []string{
		"randomisation: reading ~ coaching | block; cluster: school; se: CR1; draws: 999; statistic: coefficient",
		"wild-bootstrap: reading ~ coaching; where: girl == 1; cluster: school; se: CR1; weights: rademacher; draws: 999",
		"mixed: reading ~ coaching + (1 | school); method: REML; df: satterthwaite",
		"mean 30, SD 7, at least 4; 10% have 4 to 9",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(text, "The primary estimate") {
		t.Error("the page has a primary estimate, and the study none")
	}
}

// The primary estimate stands on the page as in power.md.
func TestPageOfPrimary(t *testing.T) {
	starter, _ := configs.StarterFor("coaching", "study.yaml")
	run := simulatedRun(t, []byte(starter), 2)
	run.Figures = nil
	root, _ := page(t, run)
	short := run.Proposal().Short
	if !slices.ContainsFunc(root.all("p"), func(p *node) bool { return p.words() == strings.Join(strings.Fields(short), " ") }) {
		t.Errorf("the page has no %q", short)
	}
}

func TestUnmodelled(t *testing.T) {
	starter, _ := configs.StarterFor("coaching", "study.yaml")
	run := simulatedRun(t, []byte(starter), 2)
	run.Figures = nil
	for _, c := range []struct {
		settings   []configs.Setting
		not, still string
	}{
		{nil, "Attrition: nobody", "Selective attrition"},
		{[]configs.Setting{{Key: "trial.attrition.children", Value: "0"}}, "Selective attrition", "Attrition: nobody"},
		{[]configs.Setting{{Key: "trial.compliance", Value: "{take_up: {coaching: 0.8}}"}}, "Take-up:", "Contamination:"},
		{[]configs.Setting{{Key: "trial.compliance", Value: "{contamination: {coaching: 0.1}}"}}, "Contamination:", "Spillover:"},
		{[]configs.Setting{{Key: "trial.coaches", Value: "{caseload: 5, effect_sd: 0.05}"}}, "Coaches:", "Dosage:"},
		{[]configs.Setting{{Key: "trial.mobility", Value: "{rate: 0.1, time: 0.5}"}}, "Mobility:", "Turnover:"},
		{[]configs.Setting{{Key: "achievement.effect.school_sd", Value: "0.1"}}, "Differences in effect:", "Mobility:"},
	} {
		study, err := configs.Load("study.yaml", []byte(starter), c.settings)
		if err != nil {
			t.Fatal(err)
		}
		run.Study = study
		root, _ := page(t, run)
		text := root.text.String()
		if strings.Contains(text, c.not) || !strings.Contains(text, c.still) {
			t.Errorf("%v: has %q: %v, has %q: %v", c.settings, c.not, strings.Contains(text, c.not), c.still, strings.Contains(text, c.still))
		}
	}
}

// What is wider than a narrow screen shows so: a shadow stays at the edge while its cover
// scrolls away with the content.
func TestScrollShadows(t *testing.T) {
	style, err := os.ReadFile("page/style.css")
	if err != nil {
		t.Fatal(err)
	}
	rule := regexp.MustCompile(`(?s)\n\.scroll, \.picture \{\n(.*?)\n\}`).FindSubmatch(style)
	if rule == nil {
		t.Fatal("tables and drawings have no rule")
	}
	for _, want := range []string{" left / 3rem 100% local", " right / 3rem 100% local", " left / 1.1rem 100% scroll", " right / 1.1rem 100% scroll"} {
		if !strings.Contains(string(rule[1]), want) {
			t.Errorf("%q is missing in: %s", want, rule[1])
		}
	}
}
