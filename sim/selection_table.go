package sim

import (
	"fmt"
	"io"
	"math"
)

// A jsonShare is a share in JSON, null where it does not exist.
type jsonShare struct {
	Value jsonNumber `json:"value"`
	MCSE  jsonNumber `json:"mcse"`
}

func (s Share) json() jsonShare { return jsonShare{jsonNumber(s.Value), jsonNumber(s.MCSE)} }

func (s *SelectionRates) json() any {
	return struct {
		Cell           int               `json:"cell"`
		Factors        map[string]string `json:"factors"`
		Estimator      string            `json:"estimator"`
		Outcome        string            `json:"outcome"`
		N              int               `json:"n"`
		Selects        bool              `json:"selects"`
		True           int               `json:"true_predictors"`
		Others         int               `json:"others"`
		ListedTrue     jsonShare         `json:"listed_true"`
		ListedOther    jsonShare         `json:"listed_other"`
		Number         jsonShare         `json:"number_listed"`
		AnyFalse       jsonShare         `json:"any_false"`
		FalseListed    jsonShare         `json:"false_listed"`
		Estimand       string            `json:"estimand"`
		CoverTrue      jsonShare         `json:"cover_true"`
		CoverOther     jsonShare         `json:"cover_other"`
		TrueIntervals  int               `json:"true_intervals"`
		OtherIntervals int               `json:"other_intervals"`
	}{
		s.Cell, jsonFactors(s.Factors), s.Estimator, s.Outcome, s.N, s.Selects, s.True, s.Others,
		s.ListedTrue.json(), s.ListedOther.json(), s.Number.json(), s.AnyFalse.json(), s.FalseListed.json(),
		s.Estimand, s.CoverTrue.json(), s.CoverOther.json(), s.TrueIntervals, s.OtherIntervals,
	}
}

// selectionTables are a table of selection rates for each design.
func (s Summary) selectionTables() NumberTables {
	if len(s.Selection) == 0 {
		return NumberTables{}
	}
	tables := perDesign(s.Selection, func(r *SelectionRates) (int, []Factor) { return r.Cell, r.Factors }, "Finding predictors", func(rows []SelectionRates, t *NumberTable) {
		t.Title += ", %"
		lines := make([]estimatorLine, len(rows))
		for i := range rows {
			lines[i] = estimatorLine{rows[i].Estimator, rows[i].Outcome, ""}
		}
		t.Names = lineNames(lines)
		share := func(above, head string, of func(*SelectionRates) Share) {
			t.add(above, head, func(i int) tableCell {
				x := of(&rows[i])
				return percent(x.Value, x.MCSE)
			})
		}
		share("true ones", "listed", func(s *SelectionRates) Share { return s.ListedTrue })
		share("others", "listed", func(s *SelectionRates) Share { return s.ListedOther })
		t.add("number", "listed", func(i int) tableCell { return cellOf(rows[i].Number.Value, rows[i].Number.MCSE, 1) })
		share("false of", "listed", func(s *SelectionRates) Share { return s.FalseListed })
		share("any false", "trials", func(s *SelectionRates) Share { return s.AnyFalse })
		share("cover", "true ones", func(s *SelectionRates) Share { return s.CoverTrue })
		share("cover", "others", func(s *SelectionRates) Share { return s.CoverOther })
	})
	return NumberTables{tables, s.selectionNotes()}
}

// selectionNotes explain the columns.
func (s Summary) selectionNotes() []string {
	least, most := [2]int{math.MaxInt, math.MaxInt}, [2]int{}
	submodel, projection := false, false
	for i := range s.Selection {
		r := &s.Selection[i]
		if r.Selects {
			for k, n := range []int{r.True, r.Others} {
				least[k], most[k] = min(least[k], n), max(most[k], n)
			}
		}
		submodel = submodel || r.Estimand == Submodel.String()
		projection = projection || r.Estimand == Projection.String()
	}
	between := func(k int) string {
		if least[k] == most[k] {
			return grouped(least[k])
		}
		return grouped(least[k]) + " to " + grouped(most[k])
	}
	notes := []string{
		fmt.Sprintf("Listed: of the %s covariates that truly move the outcome, and of the %s others, the share that an estimator lists; number: of covariates listed, on average; false of listed: the share of these that are others; any false: the share of trials in which one of the others is listed.",
			between(0), between(1)),
	}
	if projection || submodel {
		against := "the coefficient in an endless sample"
		switch {
		case projection && submodel:
			against += ", of all terms (projection) or of the terms chosen (submodel)"
		case submodel:
			against += ", of the terms chosen"
		}
		notes = append(notes, fmt.Sprintf("Cover: of the %s%% intervals that an estimator gives, those that hold %s; should be %[1]s. After a selection only what was chosen has an interval, so this is the coverage of those that are chosen.",
			decimal(100*(1-s.Alpha)), against))
	}
	return append(notes, "In parentheses: Monte Carlo standard errors of ratios, over trials.")
}

// SelectionTables are the tables of a study that selects predictors: selection rates, how
// stable ranks and sets are, and the importance of covariates without effect.
func (s Summary) SelectionTables() (all []NumberTables) {
	for _, tables := range []NumberTables{s.selectionTables(), s.stabilityTables(), s.biasTables()} {
		if len(tables.Tables) > 0 {
			all = append(all, tables)
		}
	}
	return all
}

// WriteSelection writes these for a reader at a terminal, and nothing for a study that
// selects no predictors.
func (s Summary) WriteSelection(w io.Writer, width int, color bool) error {
	for i, tables := range s.SelectionTables() {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if err := tables.write(w, width, tableStyle(color)); err != nil {
			return err
		}
	}
	return nil
}
