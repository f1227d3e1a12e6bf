package report

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/plots"
	"coachsim/sim"
)

// design fills the design in words and as a drawing.
func (p *page) design(r Run, room *pictureRoom) error {
	study := r.design()
	figure, err := plots.NewDesign(study, nil)
	if err != nil {
		return err
	}
	drawn, err := room.draw(figure)
	if err != nil {
		return err
	}
	if drawn != nil {
		p.Design = *drawn
	}
	for _, section := range study.Design.Words() {
		p.DesignFacts = append(p.DesignFacts, fact{section.Name, section.Words})
	}
	add := func(name, format string, args ...any) {
		p.DesignFacts = append(p.DesignFacts, fact{name, fmt.Sprintf(format, args...)})
	}
	d := study.Design
	if scheme := schemeName(d.Assignment); scheme != "" {
		add("Assignment", "%s", scheme)
	}
	size := fmt.Sprintf("mean %s", written(d.Children.Mean))
	if d.Children.CV > 0 {
		size += ", coefficient of variation " + written(d.Children.CV)
	} else {
		size += ", SD " + written(d.Children.SD)
	}
	if c := d.Children; c.Min > 1 {
		size += ", at least " + written(float64(c.Min))
	}
	if c := d.Children; c.Max > 0 {
		size += ", at most " + written(float64(c.Max))
	}
	if s := d.Children.Small; s.Share > 0 {
		size += fmt.Sprintf("; %s%% have %d to %d", written(100*s.Share), s.Min, s.Max)
	}
	add("Children per class", "%s", size)
	if words := losses(d); words != "" {
		add("Losses", "%s", words)
	}
	var covariates []string
	for _, c := range study.Covariates {
		covariates = append(covariates, c.Name+" ("+c.Level.String()+")")
	}
	if len(covariates) > 0 {
		add("Covariates", "%s", strings.Join(covariates, ", "))
	}
	if !study.Quality.IsZero() {
		add("Classroom quality", "%s", strings.Join(study.Quality.Domains, ", "))
	}
	if o := study.Observation; !o.IsZero() {
		days := ""
		if o.Days > 1 {
			days = counted(o.Days, "day", "days") + ", "
		}
		add("Observation", "%s%s per class, %s each; total score %s", days, counted(o.Segments, "film segment", "film segments"), counted(o.Coders, "coder", "coders"), o.Total)
	}
	for _, section := range study.Trial.LearningWords() {
		add(section.Name, "%s", section.Words)
	}
	if tests := study.Achievement.Tests; len(tests) > 1 {
		add("Tests", "%s; in all: %s", strings.Join(tests, ", "), study.Achievement.Total)
	} else if len(tests) == 1 {
		add("Tests", "%s", tests[0])
	}
	if b := study.Achievement.Baseline; b != nil {
		add("Baseline test", "%s, reliability %s", b.Name, written(b.Reliability))
	}
	for _, entry := range r.Study.Sweep {
		p.Sweep = append(p.Sweep, fact{entry.Keys, strings.Join(entry.Values, ", ")})
	}
	for _, e := range r.Study.Estimators {
		p.Methods = append(p.Methods, pageMethod{e.Name, registered(estimators.Methods(), e.Method), methodWords(e.Method)})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Study.Terms)) {
		p.Terms = append(p.Terms, fact{"$" + name, r.Study.Terms[name]})
	}
	return nil
}

// registered is the name under which a registry has the type of a member.
func registered[T any](members map[string]T, member T) string {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if reflect.TypeOf(members[name]) == reflect.TypeOf(member) {
			return name
		}
	}
	return ""
}

// schemeName is the kind of an assignment with the keys that are set.
func schemeName(a dgp.Assignment) string {
	if a == nil {
		return ""
	}
	words := []string{registered(dgp.Assignments(), a)}
	return strings.Join(append(words, keysSet(a, []string{"unit"})...), ", ") // the arms tell the unit
}

// keysSet writes the keys of a struct that are set, but for those named.
func keysSet(of any, without []string) (words []string) {
	v := reflect.ValueOf(of)
	for i := range v.NumField() {
		key, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		x := v.Field(i)
		if options == "inline" && x.Kind() == reflect.Struct {
			words = append(words, keysSet(x.Interface(), without)...)
			continue
		}
		if key == "" || slices.Contains(without, key) || x.IsZero() && !chosen(x) {
			continue
		}
		switch {
		case x.Kind() == reflect.Pointer && x.Elem().Kind() == reflect.Struct:
			own := keysSet(x.Elem().Interface(), nil)
			if e, ok := x.Interface().(*estimators.MeasurementError); ok && e.Method == 0 {
				own = append([]string{"method: " + e.Method.String()}, own...)
			}
			words = append(words, key+": "+strings.Join(own, ", "))
		case x.Kind() == reflect.Bool:
			words = append(words, strings.ReplaceAll(key, "_", " "))
		case x.Kind() == reflect.Slice && x.Type().Elem().Kind() == reflect.String:
			words = append(words, key+": "+strings.Join(x.Interface().([]string), ", "))
		case x.Kind() == reflect.Map && x.Type().Elem().Kind() == reflect.Float64:
			var parts []string
			for _, name := range slices.Sorted(maps.Keys(x.Interface().(map[string]float64))) {
				parts = append(parts, fmt.Sprintf("%s %s", name, written(x.Interface().(map[string]float64)[name])))
			}
			words = append(words, key+": "+strings.Join(parts, ", "))
		default:
			words = append(words, fmt.Sprintf("%s: %v", strings.ReplaceAll(key, "_", " "), x.Interface()))
		}
	}
	return words
}

// chosen reports whether a value is one of several words, such as satterthwaite, whose
// first says something, too.
func chosen(x reflect.Value) bool {
	word, ok := x.Interface().(fmt.Stringer)
	return ok && x.Kind() == reflect.Uint8 && !slices.Contains([]string{"", "none"}, word.String())
}

// methodWords is the formula of a method and what else is set.
func methodWords(m estimators.Method) string {
	v := reflect.ValueOf(m)
	text := ""
	if f := v.FieldByName("Formula"); f.IsValid() && f.Kind() == reflect.String {
		text = strings.Join(strings.Fields(f.String()), " ")
	}
	words := keysSet(m, []string{"formula", "report", "joint"})
	if text != "" {
		words = append([]string{text}, words...)
	}
	return strings.Join(words, "; ")
}

// unmodelled says in plain sentences what a trial leaves out: the sections that are
// absent, and what they would have said.
func unmodelled(t dgp.Trial) (sentences []string) {
	add := func(absent bool, sentence string) {
		if absent {
			sentences = append(sentences, sentence)
		}
	}
	d, a := t.Design, t.Design.Attrition
	treated := len(d.Arms) > 1
	selective, lost := false, a.Children > 0
	for _, l := range []dgp.Loss{a.Loss.School, a.Loss.Teacher, a.Loss.Child} {
		selective = selective || len(l.Depends)+len(l.DependsByArm) > 0
		for _, arm := range d.Arms {
			lost = lost || l.Rate[arm] > 0
			selective = selective || l.Rate[arm] != l.Rate[d.Arms[0]]
		}
	}
	for _, n := range a.Schools {
		lost = lost || n > 0
	}
	add(!lost, "Attrition: nobody is lost. Every school stays, and every sampled child has a valid test.")
	add(lost && !selective, "Selective attrition: who is lost is lost at random. Loss does not depend on children's ability, on quality or on covariates.")
	add(treated && d.Compliance == nil, "Take-up: everyone who is assigned to a treatment receives it whole.")
	add(treated && (d.Compliance == nil || len(d.Compliance.Contamination) == 0), "Contamination: nobody in the control arm receives a treatment.")
	add(treated && d.Spillover == nil, "Spillover: the treatment of some does nothing for others.")
	add(treated && (d.Coaches == nil || d.Coaches.EffectSD == 0 && !slices.ContainsFunc(d.Coaches.QualitySD, func(x float64) bool { return x > 0 })),
		"Coaches: all are equally good. Units that share a coach have nothing in common for it.")
	add(treated && d.Dosage == nil, "Dosage: all who receive a treatment receive the same dose.")
	add(d.Turnover == nil, "Turnover: no teacher leaves before the endline.")
	add(d.Mobility == nil, "Mobility: no child changes class.")
	add(t.Learning == nil && t.Quality.IsZero(), "Classroom quality: there is none in the model, and no way by which it could carry an effect to the tests.")
	add(!t.Quality.IsZero() && t.Observation.IsZero(), "Observation: classroom quality is not observed, and no regression can use it.")
	add(!t.Observation.IsZero() && t.Observation.Raters == nil, "Raters: all are equally severe, and none drifts.")
	add(t.Learning == nil && t.Achievement.Baseline == nil, "Baseline test: there is none.")
	add(t.Achievement.Baseline != nil && t.Achievement.Baseline.Reliability == 1, "Measurement error of the baseline test: it has none.")
	add(t.Learning == nil, "Measurement error of the tests at the end: it is part of what children of a class differ by, and has no size of its own.")
	if treated {
		effects := []dgp.TestEffect{t.Achievement.Effect}
		for _, arm := range slices.Sorted(maps.Keys(t.Achievement.ArmEffects)) {
			effects = append(effects, t.Achievement.ArmEffects[arm].TestEffect)
		}
		varies := slices.ContainsFunc(effects, func(e dgp.TestEffect) bool {
			return e.Bottom != 0 || len(e.By) > 0 || len(e.Quantiles) > 0 || e.SchoolSD > 0 || e.BlockSD > 0
		})
		add(!varies, "Differences in effect: what a treatment does to a test beyond classroom quality is the same for every child and school.")
	}
	add(true, "Missing covariates: every covariate and baseline score in the data is known.")
	return sentences
}

// glossary explains the measures of the page.
func glossary(r Run) []fact {
	all := []fact{
		{"MCSE", "Monte Carlo standard error: how far a simulated number may be off because the number of simulated trials is finite. It stands in parentheses beneath the number; four times as many trials halve it."},
		{"Truth", "the effect that an estimator is meant to find: the average over trials like this one (population), or over the units of each trial (sample)."},
		{"Bias", "mean of estimate minus truth. Where there is none, it lies within twice its MCSE of 0."},
		{"Empirical SE", "standard deviation of the estimates over the simulated trials: how much an estimate really varies."},
		{"Model SE", "root mean square of the standard errors that the method reports. It should equal the empirical SE."},
		{"Coverage", fmt.Sprintf("share of %s%% confidence intervals that hold the truth. It should be %[1]s%%.", written(100-100*r.Summary.Alpha))},
		{"Power", fmt.Sprintf("share of all simulated trials with p ≤ %s. A fit that failed counts as not significant. Where the truth is 0 this is the size of the test, and should be %s%%.", written(r.Summary.Alpha), written(100*r.Summary.Alpha))},
		{"MDES", fmt.Sprintf("minimum detectable effect size: the effect that a test of the right size would find with %s%% power, by Bloom's formula (1995) from the empirical SE and the degrees of freedom.", written(100*sim.MDESPower))},
		{"ICC", "intraclass correlation: share of the variance that lies between units of a level."},
		{"R²", "share of the variance at a level that baseline test and covariates explain."},
		{"SD", "standard deviation; effects are in standard deviations of the outcome unless said otherwise."},
	}
	if len(r.Families.Rows) > 0 {
		all = append(all,
			fact{"Mean power", "average power over the outcomes that have an effect."},
			fact{"At least k, all", "power to find an effect on k outcomes or more, or on all, that have one."},
			fact{"Familywise error", "how often any outcome without an effect is found."},
			fact{"False discovery", "average share of the outcomes found that have no effect."})
		if slices.ContainsFunc(r.Families.Rows, func(f sim.FamilyPower) bool { return f.Formula != nil }) {
			all = append(all, fact{"Formula (z)", "the same share by the joint distribution of the tests, with the variances and correlations that the trial implies, and how many Monte Carlo standard errors the simulated share is above it."})
		}
	}
	return all
}
