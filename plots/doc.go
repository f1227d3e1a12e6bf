// Package plots pictures what sim measured. It holds one file per figure, a
// journal theme and a canvas that writes the same picture, byte for byte, as
// PNG, SVG or PDF.
//
// A figure is a struct whose exported fields are its content: give it the
// summary rows, the estimates or the comparisons of a study and [Write] leaves
// the picture and its data twin, a CSV file of exactly the numbers that were
// drawn, in a directory:
//
//	files, err := plots.Write(dir, plots.Journal(), plots.Power{Rows: rows, Alpha: 0.05}, plots.PDF, plots.PNG)
//
// The package draws; it does not analyse: every number shown, bins and densities
// and intervals too, is measured by sim. The only numbers made here are those of
// the picture itself: tick marks, and places between simulated designs along a contour.
//
// The layers, from the paper up:
//
//	canvas.go, flat.go, png.go, svg.go, pdf.go, subset.go   a Drawing becomes bytes
//	theme.go, pen.go, axis.go           type sizes, colours, markers, ticks
//	rowchart.go, panelgrid.go, legend.go, endlabels.go    what several figures share
//	sweep.go, words.go                  a sweep as curves; keys in words
//	figure.go, caption.go               what every figure is, its data twin and its words
//	kinds.go                            figures by name, drawn from a run
//	curve.go, mdes.go, contour.go, estimators.go, nestedloop.go, lollipop.go, bias.go, power.go,
//	zip.go, pvalues.go, sampling.go, scatter.go, density.go, frontier.go, published.go, pathdiagram.go, predictors.go,
//	relativemse.go   one figure each
//
// A new figure is one file: a struct with the four methods of [Figure], and an
// entry in [Kinds] by which it can be asked for.
package plots
