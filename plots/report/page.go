package report

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"

	"coachsim/plots"
	"coachsim/sim"
)

//go:embed page
var pageFiles embed.FS

// pageTemplates are the page, a file for each section. Whatever they print is
// escaped for where it stands.
var pageTemplates = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"count": sim.Grouped,
	"minus": minus,
}).ParseFS(pageFiles, "page/*.html"))

// What bounds the page: rows of one table, bytes of all drawings and of all data
// beside them. Beyond, the page says where the rest is. A page has at most 12 MB.
const (
	maxPageRows    = 500
	maxPagePicture = 5_000_000
	maxPageData    = 2_000_000
)

// WritePage writes report.html: one page that loads nothing and can be read without
// scripts, on paper and in the dark.
func WritePage(w io.Writer, r Run) error {
	p, err := newPage(r)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := pageTemplates.Execute(&out, p); err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

// A page is what the templates print.
type page struct {
	Run
	Style  template.CSS
	Script template.JS

	Title    string
	Extent   sim.Extent
	Facts    []fact
	Sections []pageSection

	Design      pageFigure
	DesignFacts []fact
	Sweep       []fact
	Methods     []pageMethod
	Terms       []fact
	Costs       []pageTable
	Variances   pageTable
	Primary     string // the power calculation in short; empty where the study names no primary estimate
	Results     []pageTable
	Selection   []pageTable
	Families    []pageTable
	Published   *pagePublished
	Pictures    []pageFigure
	Unpictured  []string // for want of room
	Empty       []fact   // figures without anything to show, and why
	Failures    *pageTable
	Checks      *pageTable
	Unchecked   []sim.FormlessNote
	Truth       *pageTruth
	Unmodelled  []string
	Warnings    []string
	PlanText    string
	PlanLink    template.URL
	Glossary    []fact
}

type fact struct{ Name, Words string }

type pageSection struct{ ID, Title string }

type pageMethod struct{ Name, Kind, Words string }

type pageTruth struct {
	Draws  string
	MCSE   string
	Of     string
	OfTerm string
}

// add puts a section into the contents.
func (p *page) add(id, title string) { p.Sections = append(p.Sections, pageSection{id, title}) }

func newPage(r Run) (*page, error) {
	p := &page{Run: r, Title: r.Study.Aim, Style: template.CSS(mustRead("page/style.css")), Script: template.JS(mustRead("page/script.js"))} //nolint:gosec // our own files
	p.Extent = r.Summary.Extent()
	p.Facts = []fact{
		{"Simulated", p.Extent.String()},
		{"Tests", "two-sided, α = " + written(r.Summary.Alpha)},
		{"Seed", fmt.Sprint(r.Study.Seed)},
		{"Program", "coachsim " + r.Plan.Version},
	}
	pictures := &pictureRoom{picture: maxPagePicture, data: maxPageData}
	p.add("design", "Design")
	err := p.design(r, pictures)
	if err != nil {
		return nil, err
	}
	if p.Costs, err = costTables(r); err != nil {
		return nil, err
	}
	p.add("assumptions", "Assumptions")
	p.Variances = varianceTable(r.design())
	p.Unmodelled = unmodelled(r.design().Trial)
	p.Warnings = r.Study.Warnings()
	p.add("results", "Results")
	if r.Study.Primary != nil {
		p.Primary = r.Proposal().Short
	}
	for i, t := range r.Tables() {
		p.Results = append(p.Results, newPageTable(t, fmt.Sprintf("results-%d", i+1)))
	}
	if p.Selection = selectionTables(r.Summary); len(p.Selection) > 0 {
		p.add("selection", "Finding predictors")
	}
	if p.Families = familyTables(r.Families); len(p.Families) > 0 {
		p.add("families", "Several outcomes at once")
	}
	if err := p.figures(r.Figures, pictures); err != nil {
		return nil, err
	}
	if len(p.Pictures)+len(p.Unpictured)+len(p.Empty) > 0 {
		p.add("figures", "Figures")
	}
	if p.Published = publishedTable(r); p.Published != nil {
		p.add("published", "Published results")
	}
	p.add("checks", "Checks")
	p.Failures = failureTable(r.Summary)
	p.checks(r)
	p.add("unmodelled", "What was not modelled")
	p.add("reproduce", "How to get the same numbers")
	p.PlanText = string(r.Plan.Text)
	p.PlanLink = dataLink("application/yaml", r.Plan.Text)
	p.add("glossary", "Words")
	p.Glossary = glossary(r)
	return p, nil
}

func mustRead(name string) string {
	text, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is compiled into the program
	}
	return string(text)
}

// dataLink holds a file in a link.
func dataLink(kind string, text []byte) template.URL {
	return template.URL("data:" + kind + ";charset=utf-8;base64," + base64.StdEncoding.EncodeToString(text)) //nolint:gosec // base64 of our own
}

// design is the design itself; of a sweep, that of its first cell.
func (r Results) design() sim.Study {
	if len(r.Study.Cells) > 0 {
		return r.Study.Cells[0].Study
	}
	return r.Study
}

// minus writes a negative number with a minus sign.
func minus(number string) string {
	if rest, negative := strings.CutPrefix(number, "-"); negative {
		return "−" + rest
	}
	return number
}

// A pageFigure is a drawing with its words and its numbers.
type pageFigure struct {
	ID          string
	Number      int
	Name        string
	Title, Note string
	State       string // "Unfinished: 1,600 of 20,000 trials." of a run that was stopped
	Alt         string
	SVG         template.HTML
	Data        template.URL // empty where there is no room
	Wide        bool
}

// pictureRoom is what drawings and data may still take, in bytes.
type pictureRoom struct{ picture, data, figures int }

// picture draws a figure for the page, unless there is no room.
func (room *pictureRoom) draw(figure plots.Figure) (*pageFigure, error) {
	theme := plots.Journal()
	drawing, err := figure.Draw(theme)
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", figure.Name(), err)
	}
	drawing.Text = plots.Fonts // readers can search and select it, and nothing needs an id
	var svg bytes.Buffer
	if err := plots.Render(&svg, plots.SVG, drawing); err != nil {
		return nil, fmt.Errorf("figure %s: %w", figure.Name(), err)
	}
	if svg.Len() > room.picture {
		return nil, nil
	}
	room.picture -= svg.Len()
	room.figures++
	words := figure.Words()
	f := &pageFigure{
		ID: fmt.Sprintf("figure-%d", room.figures), Number: room.figures, Name: figure.Name(), Title: words.Title, Note: words.Note,
		Alt:  "Figure: " + words.Title + ". Its numbers are in the data file below it.",
		Wide: drawing.Width > 0.9*plots.TwoColumns,
	}
	var data bytes.Buffer
	if err := csv.NewWriter(&data).WriteAll(figure.Table()); err != nil {
		return nil, fmt.Errorf("figure %s: %w", figure.Name(), err)
	}
	if size := data.Len() * 4 / 3; size <= room.data {
		room.data -= size
		f.Data = dataLink("text/csv", data.Bytes())
	} else {
		f.Alt = "Figure: " + words.Title + ". Its numbers are in figures/" + figure.Name() + ".csv."
	}
	f.SVG = inline(svg.String(), f.Alt)
	return f, nil
}

// inline makes a document of SVG an element of a page, with words for those who do
// not see it.
func inline(svg, alt string) template.HTML {
	_, body, _ := strings.Cut(svg, "<svg ")
	body = strings.Replace(body, "<defs>\n</defs>\n", "", 1)
	return template.HTML(`<svg role="img" aria-label="` + template.HTMLEscapeString(alt) + `" ` + strings.TrimSpace(body)) //nolint:gosec // drawn by plots, which escapes text
}

// figures draws the figures as far as there is room.
func (p *page) figures(figures []plots.Figure, room *pictureRoom) error {
	for _, figure := range figures {
		drawn, err := room.draw(figure)
		var empty *plots.Empty
		switch {
		case errors.As(err, &empty):
			p.Empty = append(p.Empty, fact{figure.Name(), empty.Why})
		case err != nil:
			return err
		case drawn == nil:
			p.Unpictured = append(p.Unpictured, figure.Name())
		default:
			drawn.State = plots.Unfinished(p.Summary.Extent())
			p.Pictures = append(p.Pictures, *drawn)
		}
	}
	return nil
}
