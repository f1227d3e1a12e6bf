package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"coachsim/dgp"
	"coachsim/dgp/datafile"
	"coachsim/estimators"
)

// planMediation sets what --kind mediation has beside other estimators, and
// refuses its flags where there is none.
func (f *fitFlags) planMediation(one *fit, report, treatment []string) error {
	if _, mediated := one.options.method().(estimators.Mediation); !mediated {
		for _, flag := range []struct {
			name  string
			given bool
		}{{"mediator", f.mediator != ""}, {"mediator-unit", f.mediatorUnit != ""}, {"rho", len(f.rho) > 0}, {"at", len(f.at) > 0}, {"intermediate", len(f.intermediate) > 0}, {"error", f.errorMethod != ""}, {"reliability", len(f.reliability) > 0}, {"ratings", len(f.ratings) > 0}, {"error-draws", f.errorDraws != 0}} {
			if flag.given {
				return usageError("--%s: only --kind mediation has mediators", flag.name)
			}
		}
		return nil
	}
	switch {
	case f.mediator == "":
		return usageError("--kind mediation needs --mediator, such as --mediator 'class ~ treated + experience | block'")
	case len(treatment) != 1:
		return usageError("--kind mediation needs --treatment: the arm whose effect is mediated, such as --treatment treated")
	case len(report) > 0:
		return usageError("--report: --kind mediation reports the paths and their effects")
	}
	var err error
	if one.mediators, err = estimators.ParseFormula(estimators.MediatorFormula(f.mediator), nil); err != nil {
		one.mediators = nil
		fault := &estimators.KeyError{Key: "mediator", Offset: -1, Err: err}
		return f.explain(one, fault)
	}
	one.unit = f.mediatorUnit
	for _, o := range []struct {
		key   string
		value any
		given bool
	}{
		{"mediator", f.mediator, true}, {"treatment", treatment[0], true},
		{"rho", f.rho, len(f.rho) > 0}, {"at", f.at, len(f.at) > 0}, {"intermediate", splitAll(f.intermediate), len(f.intermediate) > 0},
	} {
		if !o.given {
			continue
		}
		if err := one.options.set(o.key, o.value); err != nil {
			return usageError("--%s: %v", o.key, err)
		}
	}
	return f.planError(one)
}

// planError sets the correction for measurement error.
func (f *fitFlags) planError(one *fit) error {
	if f.errorMethod == "" {
		for _, flag := range []struct {
			name  string
			given bool
		}{{"reliability", len(f.reliability) > 0}, {"ratings", len(f.ratings) > 0}, {"error-draws", f.errorDraws != 0}} {
			if flag.given {
				return usageError("--%s: say how slopes are corrected, such as --error moments", flag.name)
			}
		}
		return nil
	}
	correction := &estimators.MeasurementError{Reliability: f.reliability, Draws: f.errorDraws}
	if err := correction.Method.UnmarshalText([]byte(f.errorMethod)); err != nil {
		return usageError("--error: %v", err)
	}
	split := correction.Method == estimators.SplitHalf
	switch {
	case len(f.reliability) > 0 && len(f.ratings) > 0:
		return usageError("--reliability and --ratings: give one of the two, the error as known or what it is estimated from")
	case len(f.ratings) == 0 && split:
		return usageError("--error split-half needs --ratings: the columns whose halves are each other's instruments, such as --ratings '%s=%[1]s_s*'", one.mediators.Outcomes[0].Text)
	case len(f.ratings) == 0 && len(f.reliability) == 0:
		return usageError("--error %s needs --reliability, such as --reliability 0.7, or --ratings, such as --ratings '%s=%[2]s_s*'", f.errorMethod, one.mediators.Outcomes[0].Text)
	case f.errorDraws != 0 && (f.errorDraws < 2 || f.errorDraws > 9999):
		return usageError("--error-draws %d: must lie between 2 and 9999", f.errorDraws)
	}
	one.patterns = map[string]string{}
	for _, text := range f.ratings {
		mediator, pattern, ok := strings.Cut(text, "=")
		mediator, pattern = strings.TrimSpace(mediator), strings.TrimSpace(pattern)
		switch {
		case !ok || !strings.Contains(pattern, "*"):
			return usageError("--ratings %s: write MEDIATOR=PATTERN with a * for what tells ratings apart, such as class=class_s*", text)
		case !slices.ContainsFunc(one.mediators.Outcomes, func(o estimators.Outcome) bool { return o.Text == mediator }):
			return usageError("--ratings %s: %s is no mediator; those are %s", text, mediator, mediatorNames(one))
		case one.patterns[mediator] != "":
			return usageError("--ratings %s: the ratings of %s are given twice", text, mediator)
		}
		one.patterns[mediator] = pattern
	}
	if n := len(one.patterns); n > 0 && n < len(one.mediators.Outcomes) {
		return usageError("--ratings: every mediator needs its ratings; the mediators are %s", mediatorNames(one))
	}
	return one.options.set("error", correction)
}

// mediatorNames lists the mediators in words.
func mediatorNames(one *fit) string {
	var names []string
	for _, o := range one.mediators.Outcomes {
		names = append(names, o.Text)
	}
	return strings.Join(names, ", ")
}

// corrects reports whether a correction estimates the error of mediators from ratings.
func (one *fit) corrects() bool {
	m, ok := one.options.method().(estimators.Mediation)
	return ok && m.Error != nil && m.Error.Reliability == nil
}

// findReplicates lists the ratings of a study's mediators, where slopes are corrected by
// them. Files name them as the study does.
func (one *fit) findReplicates(shape dgp.Shape) {
	if !one.corrects() {
		return
	}
	one.ratings, one.domains = map[string]*dgp.Rating{}, map[string][]string{}
	for _, o := range one.mediators.Outcomes {
		i := shape.Index(o.Text)
		if i < 0 {
			continue
		}
		one.domains[o.Text] = shape.Columns[i].Domains
		for _, c := range shape.Columns {
			if c.Rating != nil && slices.Contains(one.domains[o.Text], c.Rating.Domain) {
				one.ratings[c.Name] = c.Rating
			}
		}
	}
}

// findRated finds the columns of ratings that the patterns mean, or that a study names.
func (one *fit) findRated(table *datafile.Table) error {
	if one.mediators == nil {
		return nil
	}
	if len(one.patterns) > 0 {
		one.ratings, one.domains = map[string]*dgp.Rating{}, map[string][]string{}
	}
	for _, mediator := range slices.Sorted(maps.Keys(one.patterns)) {
		pattern := one.patterns[mediator]
		var replicates []string
		counted := map[string]int{}
		for _, name := range table.Names() {
			first, ok := starred(pattern, name)
			if !ok || name == mediator {
				continue
			}
			if one.ratings[name] != nil {
				return &estimators.KeyError{Key: "ratings", Offset: -1, Err: fmt.Errorf("%s is a rating of %s and of %s", name, one.ratings[name].Domain, mediator)}
			}
			if !slices.Contains(replicates, first) {
				replicates = append(replicates, first)
			}
			counted[first]++
			one.ratings[name] = &dgp.Rating{Domain: mediator, Day: 1, Segment: 1 + slices.Index(replicates, first), Coder: counted[first]}
		}
		if len(replicates) < 2 {
			return &estimators.KeyError{Key: "ratings", Offset: -1, Err: fmt.Errorf("%s=%s is %d replicates; error shows between two or more", mediator, pattern, len(replicates))}
		}
		one.domains[mediator] = []string{mediator}
	}
	for _, name := range one.ratingNames() {
		if _, err := table.Find(name); err != nil {
			return &estimators.KeyError{Key: "ratings", Offset: -1, Err: err}
		}
	}
	return nil
}

// ratingNames lists the columns of ratings of mediators.
func (one *fit) ratingNames() []string {
	if one.mediators == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(one.ratings))
}

// starred returns what the first * of a pattern stands for in a name.
func starred(pattern, name string) (first string, ok bool) {
	parts := strings.Split(pattern, "*")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	found := regexp.MustCompile("^" + strings.Join(parts, "(.+?)") + "$").FindStringSubmatch(name)
	if found == nil {
		return "", false
	}
	return found[1], true
}

// likeMean is how near a mediator must be to a linear function of the mean of its ratings:
// their correlation. Scores may be rounded.
const likeMean = 0.99

// checkRatings makes sure that mediators are scores of their ratings: these stand for
// the same units, and their mean goes with the mediator.
func (one *fit) checkRatings(sample *datafile.Sample) error {
	if one.mediators == nil || len(one.ratings) == 0 {
		return nil
	}
	fault := func(format string, args ...any) error {
		return &estimators.KeyError{Key: "ratings", Offset: -1, Err: fmt.Errorf(format, args...)}
	}
	shape := sample.Shape
	for _, o := range one.mediators.Outcomes {
		at := shape.Index(o.Text)
		if at < 0 {
			continue // binding says what is wrong
		}
		score := sample.Data.Columns[at]
		mean, n := make([]float64, len(score)), 0.0
		for i, c := range shape.Columns {
			if c.Rating == nil || !slices.Contains(one.domains[o.Text], c.Rating.Domain) {
				continue
			}
			if c.Level != shape.Columns[at].Level {
				return fault("%s and its rating %s are not of the same units; name the units that ratings are of, such as --mediator-unit teacher", o.Text, c.Name)
			}
			for u, x := range sample.Data.Columns[i] {
				mean[u] += x
			}
			n++
		}
		if r := stat.Correlation(score, mean, nil); n > 0 && !(r > likeMean) {
			return fault("%s is not the mean of its ratings: it correlates %.2f with it", o.Text, r)
		}
	}
	return nil
}

// setDraws sets the number of draws of mediation.
func (f *fitFlags) setDraws(one *fit) error {
	m := one.options.method().(estimators.Mediation) // the caller has seen it has mediators
	switch {
	case !m.Method.Draws():
		return usageError("--draws: the method %s draws nothing", m.Method)
	case f.draws < 99 || f.draws > 99999:
		return usageError("--draws %d: must lie between 99 and 99999", f.draws)
	}
	m.Draws = f.draws
	one.options = optionsOf(m)
	return nil
}

// setMediators sets the mediators' formula with the sample's names. A mediator must
// be a score of the units that the rows of its regression are.
func (one *fit) setMediators(method *options, sample *datafile.Sample) error {
	if one.mediators == nil {
		return nil
	}
	unit := one.unit
	if clusters := estimators.ClusterNames(one.options.text("cluster")); unit == "" && len(clusters) > 0 {
		unit = clusters[0]
	}
	for _, o := range one.mediators.Outcomes {
		columns, groups := o.Columns()
		for _, c := range columns {
			i := slices.IndexFunc(sample.Shape.Columns, func(have dgp.Column) bool { return have.Name == c.Name && have.Levels == 0 })
			if unit != "" && len(groups) == 0 && i >= 0 && sample.Shape.Columns[i].Level == dgp.ChildLevel {
				err := fmt.Errorf("%s varies within %s; name the units that it is a score of, such as --mediator-unit teacher", c.Name, unit)
				return &estimators.KeyError{Key: "mediator", Offset: c.Pos, Err: err}
			}
		}
	}
	return method.set("mediator", rename(sample, one.options.text("mediator"), one.mediators, nil))
}

// mediationInWords says how indirect effects are tested.
func mediationInWords(m estimators.Mediation) string {
	return methodInWords(m) + correctionInWords(m.Error)
}

// correctionInWords says how slopes are corrected for measurement error.
func correctionInWords(e *estimators.MeasurementError) string {
	if e == nil {
		return ""
	}
	words := "; slopes corrected for measurement error by " + map[estimators.ErrorMethod]string{
		estimators.ErrorMoments: "moments", estimators.RegressionCalibration: "regression calibration", estimators.SIMEX: "SIMEX",
		estimators.SplitHalf: "split halves", estimators.FactorScore: "factor scores",
	}[e.Method]
	if e.Reliability == nil {
		return words + ", estimated from ratings"
	}
	var known []string
	for _, x := range e.Reliability {
		known = append(known, fmt.Sprint(x))
	}
	return words + ", reliability " + strings.Join(known, ", ")
}

func methodInWords(m estimators.Mediation) string {
	switch m.Method {
	case estimators.JointSignificance:
		return "indirect effects by joint significance"
	case estimators.MonteCarlo:
		return fmt.Sprintf("indirect effects by Monte Carlo intervals, %d draws", m.Draws)
	case estimators.MediationBootstrap:
		return fmt.Sprintf("effects by the bootstrap of clusters, %d draws", m.Draws)
	case estimators.Simulation:
		return fmt.Sprintf("effects by quasi-Bayesian simulation, %d draws (as R's mediation)", m.Draws)
	case estimators.SequentialG:
		return "sequential g-estimation, both steps in the standard error"
	default:
		return "indirect effects by the delta method (Sobel's test)"
	}
}
