package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/estimators"
	"coachsim/sim"
)

// Tree shows a conditional inference tree of one data set: in every node the input that
// it splits on with the p-value of its test, on every edge what goes there, and for every leaf its
// size and mean, and the outcome as a box. A tree with more than maxLeaves is cut at a
// depth.
type Tree struct {
	File  string    // name of the files; "tree" where empty
	Width vg.Length // 0 chooses by the number of leaves
	Data  string    // of what data the tree is, in words
	Grown estimators.GrownTree
}

// maxLeaves is the most leaves of a tree that can be read.
const maxLeaves = 8

// Name returns the name of the figure's files.
func (f Tree) Name() string { return named(f.File, "tree") }

// A treeNode is a node that is shown.
type treeNode struct {
	estimators.GrownNode
	parts  []*treeNode // nil for a leaf
	leaf   int         // its place among the leaves
	hidden int         // leaves below, where the tree is cut
	x      vg.Length   // its middle
}

// shown returns the tree cut at the largest depth at which it has no more than maxLeaves,
// its leaves, and the depth, -1 where it is whole.
func (f Tree) shown() (root *treeNode, leaves []*treeNode, depth int) {
	deepest := 0
	for _, n := range f.Grown.Nodes {
		deepest = max(deepest, n.Depth)
	}
	for depth = deepest; ; depth-- {
		leaves = nil
		if root = f.cut(0, depth, &leaves); len(leaves) <= maxLeaves {
			break
		}
	}
	if depth == deepest {
		depth = -1
	}
	return root, leaves, depth
}

// cut returns the part of the tree from a node on, no deeper than depth.
func (f Tree) cut(at, depth int, leaves *[]*treeNode) *treeNode {
	n := &treeNode{GrownNode: f.Grown.Nodes[at]}
	if n.Term != "" && n.Depth < depth {
		n.parts = []*treeNode{f.cut(n.Left, depth, leaves), f.cut(n.Right, depth, leaves)}
		return n
	}
	if n.Term != "" {
		n.hidden = f.leavesBelow(at)
	}
	n.leaf = len(*leaves)
	*leaves = append(*leaves, n)
	return n
}

func (f Tree) leavesBelow(at int) int {
	n := f.Grown.Nodes[at]
	if n.Term == "" {
		return 1
	}
	return f.leavesBelow(n.Left) + f.leavesBelow(n.Right)
}

// Words are the figure's title and note.
func (f Tree) Words() Words {
	title := "Conditional inference tree"
	if f.Grown.Estimator != "" {
		title += ": " + f.Grown.Estimator
	}
	notes := []string{f.Data}
	if len(f.Grown.Nodes) > 0 {
		_, leaves, depth := f.shown()
		if depth >= 0 {
			notes = append(notes, fmt.Sprintf("The tree has %d leaves and is cut at depth %d: a box with leaves below it is of all their rows", f.leavesBelow(0), depth))
		}
		if len(leaves) == 1 {
			notes = append(notes, "No test is significant, so there is no split")
		}
	}
	return Words{title, sentences(append(notes, "p-values are of a node's test, adjusted as the tree was grown", "Boxes are quartiles, whiskers go from the smallest to the largest value, dots are means")...)}
}

const (
	treeBoxPad  = vg.Length(3)  // inside boxes
	treeBoxGap  = vg.Length(6)  // between neighbouring boxes
	treeEdge    = vg.Length(7)  // of an edge above and below its label
	treeLeafGap = vg.Length(4)  // below the last edges
	leastLeaf   = vg.Length(24) // width of a leaf
)

// A treeLayout is the tree with the places of its parts.
type treeLayout struct {
	root   *treeNode
	leaves []*treeNode
	scale  vg.Length   // room of the axis
	column vg.Length   // width of a leaf
	rows   []vg.Length // by depth: height of the boxes
	edges  []vg.Length // by depth: height of the edges below
	boxes  vg.Length   // height of the boxes of leaves
	y      axis
	foot   [][]string // by leaf
}

// box is what a node's box says.
func (n *treeNode) box(t Theme, room vg.Length) []string {
	return append(wrap(t.boldFace(t.TickSize), n.Term, room), pInWords(n.P))
}

// sides are what goes left and right.
func (n *treeNode) sides(t Theme, room vg.Length) [2][]string {
	face := t.face(t.TickSize)
	if n.Levels == nil {
		cut := strconv.FormatFloat(n.Cut, 'g', 4, 64)
		if math.Abs(n.Cut) >= 1000 {
			cut = strconv.FormatFloat(n.Cut, 'f', 0, 64)
		}
		cut = strings.ReplaceAll(cut, "-", "−")
		return [2][]string{wrap(face, "≤ "+cut, room), wrap(face, "> "+cut, room)}
	}
	left := wrap(face, strings.Join(n.Levels, ", "), room)
	if len(left) > 3 {
		left = wrap(face, fmt.Sprintf("%d levels", len(n.Levels)), room)
	}
	return [2][]string{left, wrap(face, "others", room)}
}

// pInWords is a p-value with three decimals.
func pInWords(p float64) string {
	if p < 0.0005 {
		return "p < 0.001"
	}
	return fmt.Sprintf("p = %.3f", p)
}

// boxRoom is the width that the words of a box may take: two leaves' less a gap, since two
// boxes of one depth are at least two leaves apart.
func (l *treeLayout) boxRoom() vg.Length { return 2*l.column - treeBoxGap - 2*treeBoxPad }

func (f Tree) layout(t Theme, width vg.Length) (*treeLayout, error) {
	l := &treeLayout{}
	l.root, l.leaves, _ = f.shown()
	var ends span
	for _, n := range l.leaves {
		ends.add(n.Quartiles[:]...)
		ends.add(n.Mean)
	}
	l.y = newVertical(ends.lo, ends.hi)
	l.scale = scaleRoom(t, l.y.labels()...)
	l.column = (width - 2*edge - l.scale) / vg.Length(len(l.leaves))
	if l.column < leastLeaf {
		return nil, fmt.Errorf("plots: a tree of %d leaves does not fit into a figure of %.0f mm", len(l.leaves), width/vg.Millimeter)
	}
	l.boxes = 24 * vg.Millimeter
	for _, n := range l.leaves {
		foot := []string{fmt.Sprintf("n = %d", n.N), brief(n.Mean)}
		if n.hidden > 0 {
			foot = append(foot, wrap(t.face(t.TickSize), fmt.Sprintf("%d leaves", n.hidden), l.column-2)...)
		}
		l.foot = append(l.foot, foot)
	}
	l.place(t, l.root)
	return l, nil
}

// place finds the middle of a node and the heights of its depth.
func (l *treeLayout) place(t Theme, n *treeNode) {
	if n.parts == nil {
		n.x = l.scale + l.column*(vg.Length(n.leaf)+0.5)
		return
	}
	for len(l.rows) <= n.Depth {
		l.rows, l.edges = append(l.rows, 0), append(l.edges, 0)
	}
	for _, part := range n.parts {
		l.place(t, part)
	}
	n.x = (n.parts[0].x + n.parts[1].x) / 2
	line := leading * t.TickSize
	l.rows[n.Depth] = max(l.rows[n.Depth], vg.Length(len(n.box(t, l.boxRoom())))*line+2*treeBoxPad)
	for _, side := range n.sides(t, l.column-2) {
		l.edges[n.Depth] = max(l.edges[n.Depth], vg.Length(len(side))*line+2*treeEdge)
	}
}

// Draw lays the figure out.
func (f Tree) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	if len(f.Grown.Nodes) == 0 {
		return Drawing{}, errors.New("plots: there is no tree to show")
	}
	_, leaves, _ := f.shown()
	width := MidWidth
	if len(leaves) > 5 {
		width = TwoColumns
	}
	width = t.width(f.Width, width)
	l, err := f.layout(t, width)
	if err != nil {
		return Drawing{}, err
	}
	line := leading * t.TickSize
	feet := 0
	for _, foot := range l.foot {
		feet = max(feet, len(foot))
	}
	height := 2*edge + l.boxes + treeLeafGap + vg.Length(feet)*line + 0.6*t.TickSize + 1.6*t.LabelSize
	for depth := range l.rows {
		height += l.rows[depth] + l.edges[depth]
	}
	return Drawing{Width: width, Height: height, Paint: func(c draw.Canvas) {
		p := pen{Canvas: c, theme: t}
		left, bottom := c.Min.X+edge, c.Min.Y+edge+1.6*t.LabelSize
		p.text(t.face(t.LabelSize), t.Ink, left+l.scale+(width-2*edge-l.scale)/2, c.Min.Y+edge+0.35*t.LabelSize, alignCentre, f.Grown.Outcome+" in each leaf, with rows and mean")
		base := bottom + vg.Length(feet)*line + 0.6*t.TickSize
		l.paintLeaves(p, left, base)
		l.paintNode(p, l.root, left, c.Max.Y-edge, base+l.boxes+treeLeafGap)
	}}, nil
}

// paintLeaves draws the outcome in every leaf on one scale.
func (l *treeLayout) paintLeaves(p pen, left, base vg.Length) {
	t := p.theme
	body := vg.Rectangle{Min: vg.Point{X: left + l.scale, Y: base}, Max: vg.Point{X: left + l.scale + l.column*vg.Length(len(l.leaves)), Y: base + l.boxes}}
	at := paintVertical(p, l.y, body)
	look := t.Series[0]
	half := min(0.28*l.column, 4.5*vg.Millimeter)
	for i, n := range l.leaves {
		x := left + n.x
		q := n.Quartiles
		p.line(t.Ink, t.AxisWidth, nil, x, at(q[0]), x, at(q[1]))
		p.line(t.Ink, t.AxisWidth, nil, x, at(q[3]), x, at(q[4]))
		box := vg.Rectangle{Min: vg.Point{X: x - half, Y: at(q[1])}, Max: vg.Point{X: x + half, Y: at(q[3])}}
		p.SetColor(tint(look.Color, 0.25))
		p.Fill(box.Path())
		p.SetColor(t.Ink)
		p.SetLineWidth(t.AxisWidth)
		p.SetLineDash(nil, 0)
		p.Stroke(box.Path())
		p.line(t.Ink, 1.4*t.LineWidth, nil, x-half, at(q[2]), x+half, at(q[2]))
		p.marker(look, x, at(n.Mean))
		y := base - 1.2*t.TickSize
		for k, text := range l.foot[i] {
			face, ink := t.face(t.TickSize), t.Ink
			switch k {
			case 1:
				face = t.boldFace(t.TickSize)
			case 0:
			default:
				ink = t.Quiet
			}
			p.text(face, ink, x, y, alignCentre, text)
			y -= leading * t.TickSize
		}
	}
}

// paintNode draws a node below top, and all below it down to the leaves.
func (l *treeLayout) paintNode(p pen, n *treeNode, left, top, leaves vg.Length) {
	if n.parts == nil {
		return
	}
	t := p.theme
	line := leading * t.TickSize
	words := n.box(t, l.boxRoom())
	bold, face := t.boldFace(t.TickSize), t.face(t.TickSize)
	half := max(widest(bold, words[:len(words)-1]...), face.Width(words[len(words)-1]))/2 + treeBoxPad
	low := top - vg.Length(len(words))*line - 2*treeBoxPad
	x := left + n.x
	next := top - l.rows[n.Depth] - l.edges[n.Depth]
	turn := top - l.rows[n.Depth] - 0.5*treeEdge
	p.line(t.Ink, t.AxisWidth, nil, x, low, x, turn)
	sides := n.sides(t, l.column-2)
	for i, part := range n.parts {
		end := next
		if part.parts == nil {
			end = leaves
		}
		to := left + part.x
		p.line(t.Ink, t.AxisWidth, nil, x, turn, to, turn)
		p.line(t.Ink, t.AxisWidth, nil, to, turn, to, end)
		// The label stands in the line.
		middle := turn - 0.5*treeEdge - vg.Length(len(sides[i]))*line/2
		wide, high := widest(face, sides[i]...)/2+1.5, vg.Length(len(sides[i]))*line/2
		p.fill(color.White, to-wide, middle-high, to+wide, middle+high)
		p.lines(face, t.Ink, to, middle, alignCentre, sides[i])
		l.paintNode(p, part, left, next, leaves)
	}
	box := vg.Rectangle{Min: vg.Point{X: x - half, Y: low}, Max: vg.Point{X: x + half, Y: top}}
	p.SetColor(tint(t.Faint, 0.55))
	p.Fill(box.Path())
	p.SetColor(t.Ink)
	p.SetLineWidth(t.AxisWidth)
	p.SetLineDash(nil, 0)
	p.Stroke(box.Path())
	y := top - treeBoxPad - 0.85*t.TickSize
	for i, text := range words {
		with := bold
		if i == len(words)-1 {
			with = face
		}
		p.text(with, t.Ink, x, y-line*vg.Length(i), alignCentre, text)
	}
}

// Table returns the nodes of the whole tree.
func (f Tree) Table() [][]string {
	table := [][]string{{"estimator", "outcome", "node", "depth", "term", "cut", "levels", "left", "right", "n", "mean", "min", "q25", "median", "q75", "max", "tested", "statistic", "p", "shown"}}
	shown := map[int]bool{}
	if len(f.Grown.Nodes) > 0 {
		_, _, depth := f.shown()
		for i, n := range f.Grown.Nodes {
			shown[i] = depth < 0 || n.Depth <= depth
		}
	}
	for i, n := range f.Grown.Nodes {
		line := []string{f.Grown.Estimator, f.Grown.Outcome, strconv.Itoa(i + 1), strconv.Itoa(n.Depth), n.Term, "", strings.Join(n.Levels, " "), "", "", strconv.Itoa(n.N), cell(n.Mean)}
		if n.Term != "" {
			line[7], line[8] = strconv.Itoa(n.Left+1), strconv.Itoa(n.Right+1)
			if n.Levels == nil {
				line[5] = cell(n.Cut)
			}
		}
		for _, v := range n.Quartiles {
			line = append(line, cell(v))
		}
		statistic, p := "", ""
		if n.Tested != "" {
			statistic, p = cell(n.Statistic), cell(n.P)
		}
		table = append(table, append(line, n.Tested, statistic, p, strconv.FormatBool(shown[i])))
	}
	return table
}

func makeTree(run Run, f sim.Figure) ([]Figure, error) {
	fit, err := run.refit(f, func(m estimators.Method) bool { _, is := m.(estimators.CTree); return is })
	if err != nil {
		return nil, err
	}
	if fit == nil || len(fit.Trees) == 0 {
		return nil, errors.New("no estimator is of kind ctree")
	}
	if len(fit.Trees) > maxCurvePages {
		return nil, fmt.Errorf("%d trees would need as many pages; choose among them with only, such as estimator=NAME", len(fit.Trees))
	}
	var figures []Figure
	for i, tree := range fit.Trees {
		one := Tree{File: f.FileName(), Data: refitWords(fit), Grown: tree}
		if i > 0 {
			one.File = fmt.Sprintf("%s-%d", f.FileName(), i+1)
		}
		figures = append(figures, one)
	}
	return figures, nil
}
