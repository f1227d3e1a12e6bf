package report

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"coachsim/dgp"
	"coachsim/estimators"
)

// An analysis is how an estimate is made and tested, in the words of a methods
// section.
type analysis struct {
	Method string   // "ordinary least squares"
	Errors string   // "standard errors clustered by school (CR2, ...)"; "" where the method says all
	Given  []string // covariates
	Fixed  []string // fixed effects
	Varied []string // interactions with treatments
}

// analysisOf describes the method with which an estimate of a trial is made. A kind
// without words of its own goes by its name.
// Term is the one that the estimate is of.
func analysisOf(m estimators.Method, term string, arms []string, lists map[string]string) analysis {
	a := analysis{Method: kindOf(m)}
	formula := ""
	switch m := m.(type) {
	case estimators.OLS:
		formula = m.Formula
		a.Method = "ordinary least squares"
		if m.Weights != "" {
			a.Method = "least squares weighted by " + m.Weights
		}
		a.Errors = standardErrors(m.SE, m.Cluster)
	case estimators.Lin:
		formula = m.Formula
		a.Method = "regression with covariates interacted with treatment (Lin 2013)"
		se := m.SE
		if m.Cluster != "" && se == estimators.HC2 {
			se = estimators.CR2
		}
		a.Errors = standardErrors(se, m.Cluster)
	case estimators.DifferenceInMeans:
		formula = m.Formula
		a.Method = "the difference in means"
		var of []string
		if m.Cluster != "" {
			of = append(of, "clusters ("+m.Cluster+")")
		}
		if m.Blocks != "" {
			of = append(of, "strata ("+m.Blocks+")")
		}
		a.Errors = "the design-based variance"
		if of != nil {
			a.Errors += " of " + listed(of)
		}
	case estimators.IV:
		formula = m.Formula
		a.Method = "two-stage least squares"
		a.Errors = standardErrors(m.SE, m.Cluster)
		if m.Test == estimators.AndersonRubin {
			a.Errors += " and the Anderson-Rubin test"
		}
	case estimators.IPW:
		formula = m.Formula
		a.Method = "least squares weighted by the inverse probability of response (" + m.Response + ")"
		a.Errors = standardErrors(m.SE, m.Cluster)
	case estimators.LeeBounds:
		formula = m.Formula
		a.Method = "Lee's bounds"
	case estimators.CTree:
		formula = m.Formula
		a.Method = "a conditional inference tree"
	case estimators.CForest:
		formula = m.Formula
		a.Method = fmt.Sprintf("a forest of %d conditional inference trees", m.Trees)
	case estimators.Mediation:
		formula = m.Formula
		a.Method = "mediation analysis (" + m.Method.String() + ")"
		a.Errors = standardErrors(m.SE, m.Cluster)
	case estimators.Mixed:
		formula = m.Formula
		a.Method = "a linear mixed model"
		f, err := estimators.ParseFormula(m.Formula, lists)
		if err == nil {
			var levels []string
			for _, r := range f.Random {
				levels = append(levels, r.Level)
			}
			a.Method += " with random effects of " + listed(levels)
		}
		a.Method += " (" + m.Likelihood.String() + ")"
		a.Errors = map[estimators.MixedDF]string{
			estimators.Satterthwaite: "Satterthwaite's degrees of freedom", estimators.KenwardRoger: "Kenward and Roger's correction",
			estimators.ResidualDF: "residual degrees of freedom",
		}[m.DF]
	case estimators.WildBootstrap:
		formula = m.Formula
		a.Method = "ordinary least squares"
		a.Errors = fmt.Sprintf("a wild cluster bootstrap by %s (%s weights, %d draws)", m.Cluster, m.Weights, m.Draws)
	case estimators.Randomisation:
		formula = m.Formula
		a.Method = "ordinary least squares"
		a.Errors = fmt.Sprintf("randomisation inference (%d assignments drawn anew)", m.Draws)
	case estimators.Lasso:
		formula = m.Formula
		a.Method = map[estimators.LassoInference]string{
			estimators.Penalised: "the LASSO", estimators.PostLasso: "ordinary least squares on the terms that a LASSO selects",
			estimators.DoubleSelection: "double selection by the LASSO", estimators.Debiased: "the debiased LASSO",
		}[m.Inference]
		if se := estimators.HC1; m.Inference != estimators.Penalised {
			if m.Cluster != "" {
				se = estimators.CR1
			}
			a.Errors = standardErrors(se, m.Cluster)
		}
	case estimators.Correlation:
		a.Method = "correlation"
	case estimators.Reliability:
		a.Method = "reliability between " + m.Between
	}
	if f, err := estimators.ParseFormula(formula, lists); formula != "" && err == nil {
		for _, t := range f.Terms {
			text := t.String()
			switch parts := strings.Split(text, ":"); {
			case text == term || slices.Contains(arms, text):
			case len(parts) > 1 && slices.ContainsFunc(parts, func(part string) bool { return slices.Contains(arms, part) }):
				a.Varied = append(a.Varied, text)
			case text == ".":
				a.Given = append(a.Given, "every other covariate")
			default:
				a.Given = append(a.Given, text)
			}
		}
		if f.Absorb != "" {
			a.Fixed = append(a.Fixed, f.Absorb)
		}
		for _, t := range f.Second {
			a.Fixed = append(a.Fixed, t.String())
		}
	}
	return a
}

// kindOf is the name that a method goes by in study files.
func kindOf(m estimators.Method) string {
	of := reflect.TypeOf(m)
	known := estimators.Methods()
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if reflect.TypeOf(known[name]) == of {
			return name
		}
	}
	return "an unnamed method"
}

// standardErrors names a kind of standard error and its clusters.
func standardErrors(se estimators.SE, cluster string) string {
	by := ""
	if cluster != "" {
		by = " clustered by " + strings.ReplaceAll(cluster, " + ", " and ")
	}
	switch se {
	case estimators.Classical:
		return "classical standard errors"
	case estimators.HC0, estimators.HC1, estimators.HC2, estimators.HC3:
		if cluster == "" {
			return "heteroskedasticity-robust standard errors (" + se.String() + ")"
		}
		return se.String() + " standard errors" + by
	case estimators.CR2, estimators.CR3:
		return se.String() + " standard errors" + by + " (Satterthwaite's degrees of freedom)"
	}
	return se.String() + " standard errors" + by
}

// sentence says the analysis after "by".
func (a analysis) sentence() string {
	parts := []string{a.Method}
	if len(a.Given) > 0 {
		parts = append(parts, "adjusting for "+listed(a.Given))
	}
	var with []string
	if len(a.Varied) > 0 {
		with = append(with, plural(len(a.Varied), "the interaction ", "the interactions ")+listed(a.Varied))
	}
	if len(a.Fixed) > 0 {
		with = append(with, "fixed effects of "+listed(a.Fixed))
	}
	if a.Errors != "" {
		with = append(with, a.Errors)
	}
	if with != nil {
		parts = append(parts, "with "+listed(with))
	}
	return strings.Join(parts, ", ")
}

// listed joins words as a sentence does: "a, b and c".
func listed(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// armWords is the name of an arm in a sentence; a combined arm gives its parts
// together.
func armWords(arm string) string { return strings.ReplaceAll(arm, "+", " with ") }

// unitWords counts units of a level: "1 school", "1,200 children".
func unitWords(n int, level dgp.Level) string {
	if n == 1 {
		return "1 " + level.String()
	}
	return fmt.Sprintf("%s %s", grouped(n), level.Plural())
}
