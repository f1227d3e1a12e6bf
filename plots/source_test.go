package plots

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestFiguresComputeNoStatistic reads this package's own code: what is measured
// comes from sim. Figures may place, scale, round and order what they are given,
// in the few ways listed here; the canvases, which turn shapes into bytes, may do any
// geometry.
func TestFiguresComputeNoStatistic(t *testing.T) {
	canvases := []string{"canvas.go", "flat.go", "subset.go", "svg.go", "pdf.go", "png.go", "pen.go"}
	plain := strings.Fields("NaN Inf IsNaN IsInf Abs Min Max Floor Ceil Round Trunc")
	more := map[string][]string{
		"axis.go": {"Log", "Log10", "Pow"}, // scales, and digits worth showing
	}
	sorts := map[string][]string{ // by file: what is ordered are designs, levels and panels
		"contour.go":     {"levels"},
		"estimators.go":  {"divide"},
		"frontier.go":    {"Draw"},
		"sweep.go":       {"sweptNumber", "divide"},
		"kinds.go":       {"CheckKeys", "among"},
		"predictors.go":  {"Draw", "shown"},
		"reliability.go": {"values", "Draw"},
		"endlabels.go":   {"placeEnds"},
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || slices.Contains(canvases, name) {
			continue
		}
		read++
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range file.Imports {
			if path := strings.Trim(s.Path.Value, `"`); strings.HasPrefix(path, "gonum.org/v1/gonum/") || path == "math/rand/v2" || path == "sort" {
				t.Errorf("%s imports %s", name, path)
			}
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.RangeStmt:
					if s, ok := n.X.(*ast.SelectorExpr); ok && (s.Sel.Name == "Records" || s.Sel.Name == "Estimates") {
						t.Errorf("%s: %s goes through the replicates itself", files.Position(n.Pos()), f.Name.Name)
					}
				case *ast.SelectorExpr:
					from, ok := n.X.(*ast.Ident)
					if !ok {
						return true
					}
					used := n.Sel.Name
					switch {
					case from.Name == "math" && !slices.Contains(plain, used) && !slices.Contains(more[name], used):
						t.Errorf("%s: %s uses math.%s", files.Position(n.Pos()), f.Name.Name, used)
					case from.Name == "slices" && strings.HasPrefix(used, "Sort") && !slices.Contains(sorts[name], f.Name.Name):
						t.Errorf("%s: %s uses slices.%s", files.Position(n.Pos()), f.Name.Name, used)
					}
				}
				return true
			})
		}
	}
	if read < 20 {
		t.Errorf("only %d files were read", read)
	}
}
