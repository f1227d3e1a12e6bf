package report_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"coachsim/configs"
	"coachsim/plots/report"
)

// plain is a small study, which the cases below change.
const plain = `
aim: Does it work?
trial:
  blocks: 2
  schools: 8
  teachers: 2
  children: {mean: 12, cv: 0.25, min: 4}
  tested: 10
  assignment: {kind: blocked}
covariates:
  - {name: rural, level: school, law: bernoulli, mean: 0.5, achievement: 1}
  - {name: girl, level: child, law: bernoulli, mean: 0.5, slope: 1}
achievement:
  tests: [reading, maths]
  icc: {school: 0.1, teacher: 0.05}
  correlation: 0.6
  r2: {school: 0.1, child: 0.02}
  effect: {mean: [0.4, 0.3]}
estimators:
  - {name: itt, kind: ols, formula: "c(reading, maths) ~ coaching | block", cluster: school, se: CR2, report: [coaching]}
`

// The paragraphs of every assignment scheme and of what else a study can have: their
// words, whatever the numbers.
func TestWordsOfDesigns(t *testing.T) {
	var out bytes.Buffer
	for _, c := range []struct {
		name     string
		settings []configs.Setting
	}{
		{"one block, complete lottery, equal classes, one teacher, no covariates", []configs.Setting{
			{Key: "trial.blocks", Value: "1"}, {Key: "trial.schools", Value: "12"}, {Key: "trial.teachers", Value: "1"},
			{Key: "trial.children", Value: "{mean: 10, sd: 0, min: 3}"}, {Key: "trial.assignment", Value: "{kind: complete, share: 0.25}"},
			{Key: "covariates", Value: "[]"}, {Key: "achievement.r2", Value: "{}"}, {Key: "achievement.icc", Value: "{school: 0.1}"}, {Key: "estimators[0].formula", Value: "reading ~ coaching"}}},
		{"coins, an uneven number of teachers, losses by arm", []configs.Setting{
			{Key: "trial.assignment", Value: "{kind: simple}"}, {Key: "trial.teachers", Value: "1"}, {Key: "trial.teacher_shares", Value: "{1: 0.5, 2: 0.25, 3: 0.25}"},
			{Key: "trial.attrition.loss.child", Value: "{rate: {control: 0.1, coaching: 0.2}, depends: {ability: -0.3, girl: 0.2}}"}}},
		{"matched pairs, several sources of loss", []configs.Setting{
			{Key: "trial.assignment", Value: "{kind: matched-pairs, on: [rural]}"}, {Key: "trial.attrition", Value: "{schools: {control: 1}, children: 0.1}"},
			{Key: "estimators[0].kind", Value: "difference-in-means"}, {Key: "estimators[0]", Value: "{name: itt, kind: difference-in-means, formula: reading ~ coaching, cluster: school, blocks: pair}"}}},
		{"rerandomised, p-values adjusted in a family with the primary test", []configs.Setting{
			{Key: "trial.assignment", Value: "{kind: rerandomised, on: [girl], accept: 0.5, tries: 200}"},
			{Key: "families", Value: "[{name: tests, estimator: itt, term: coaching, outcomes: [reading, maths], methods: [none, bonferroni, holm]}]"}}},
		{"stepped", []configs.Setting{{Key: "trial.assignment", Value: "{kind: stepped, waves: 4, treated_waves: 2}"}}},
		{"two-stage lottery of teachers", []configs.Setting{
			{Key: "trial.assignment", Value: "{kind: two-stage, unit: teacher, saturations: [0, 0.5, 1]}"}, {Key: "trial.spillover", Value: "{share: 0.3}"}}},
		{"children within classes, a mixed model", []configs.Setting{
			{Key: "trial.assignment", Value: "{kind: blocked, unit: child}"},
			{Key: "estimators[0]", Value: "{name: itt, kind: mixed, formula: reading ~ coaching + girl + (1 | school/teacher), df: kenward-roger, report: [coaching]}"}}},
		{"teachers in blocks of schools, a wild bootstrap, size by a sweep of the effect", []configs.Setting{
			{Key: "trial.assignment", Value: "{kind: blocked, unit: teacher}"},
			{Key: "estimators[0]", Value: "{name: itt, kind: wild-bootstrap, formula: reading ~ coaching, cluster: school, draws: 99, report: [coaching]}"},
			{Key: "sweep", Value: "{effect: [0, 0.4], trial.schools: [8, 10]}"}}},
		{"a factorial trial", []configs.Setting{
			{Key: "trial.arms", Value: "[control, training, coaching, training+coaching]"},
			{Key: "estimators[0].formula", Value: "reading ~ training*coaching | block"}, {Key: "estimators[0].report", Value: `[training, coaching, "training:coaching"]`}}},
		{"take-up, coaches and an instrument", []configs.Setting{
			{Key: "trial.compliance", Value: "{take_up: {coaching: 0.8}, contamination: {coaching: 0.1}}"}, {Key: "trial.coaches", Value: "{caseload: 4, effect_sd: 0.05}"},
			{Key: "sources.take_up", Value: "the pilot"},
			{Key: "estimators[0]", Value: `{name: late, kind: iv, formula: "reading ~ 1 | block | received ~ coaching", cluster: school, se: CR2, report: [received]}`}}},
		{"take-up by teacher, the effect of assignment, a loss that depends by arm", []configs.Setting{
			{Key: "trial.compliance", Value: "{unit: teacher, take_up: {coaching: 0.75}}"},
			{Key: "trial.attrition.loss.child", Value: "{rate: {control: 0.1, coaching: 0.1}, depends: {girl: 0.2}, depends_by_arm: {coaching: {girl: -0.3}}}"}}},
		{"subgroups, a binary outcome", []configs.Setting{
			{Key: "achievement.outcomes", Value: "{reading: {kind: binary, prevalence: 0.5}}"},
			{Key: "estimators[0].formula", Value: "reading ~ coaching*girl | block"}, {Key: "estimators[0].report", Value: `[coaching, "coaching:girl"]`},
			{Key: "estimators[0].cluster", Value: "school"},
			{Key: "primary", Value: "{estimator: itt, term: coaching}"}}},
		{"no effect", []configs.Setting{{Key: "effect", Value: "0"}}},
		{"no treatment", []configs.Setting{
			{Key: "trial.arms", Value: "[control]"}, {Key: "trial.assignment", Value: "{kind: none}"}, {Key: "achievement.effect", Value: "{}"},
			{Key: "estimators[0].formula", Value: "reading ~ girl | block"}, {Key: "estimators[0].report", Value: "[girl]"}}},
		{"no test", []configs.Setting{{Key: "estimators[0]", Value: "{name: tests, kind: correlation, columns: [reading, maths]}"}}},
	} {
		r := simulated(t, []byte(plain), few, c.settings...)
		p := r.Proposal()
		checkWords(t, p)
		checkNumbers(t, r, p)
		fmt.Fprintf(&out, "== %s\n\n%s\n\n%s\n\n", c.name, p.Long, p.Short)
	}
	golden(t, "designs.txt", out.Bytes())
}

// A bias of the primary estimate that is no Monte Carlo error stands beside its power, in
// both paragraphs and in the checklist; one that is, or is small, does not.
func TestBiasStandsBesidePower(t *testing.T) {
	r := simulated(t, []byte(plain), 4)
	row := &r.Summary.Rows[0]
	row.EmpSE, row.BiasMCSE = 0.2, 0.01
	const warning = "; but the estimate has a bias of 0.0480 SD (Monte Carlo standard error 0.010), which this includes"
	for bias, want := range map[float64]bool{0.048: true, 0.029: false, 0.019: false} {
		row.Bias = bias
		p := r.Proposal()
		listed := slices.ContainsFunc(p.Checklist, func(i report.Item) bool { return i.Name == "Bias" })
		if strings.Contains(p.Long, warning+", and its interval covers the true effect in ") != want || strings.Contains(p.Short, warning) != want || listed != want {
			t.Errorf("a bias of %v: %s\n%s\n%v", bias, p.Long, p.Short, p.Checklist)
		}
		if !want && strings.Contains(p.Long+p.Short, "bias") {
			t.Errorf("a bias of %v is told: %s\n%s", bias, p.Long, p.Short)
		}
	}
}

// With partial take-up the paragraphs tell the effect of assignment from that of receipt.
func TestTakeUpIsTold(t *testing.T) {
	r := simulated(t, []byte(plain), 4, configs.Setting{Key: "trial.compliance", Value: "{unit: teacher, take_up: {coaching: 0.75}}"})
	p := r.Proposal()
	for _, want := range []string{"The assumed effect of assignment to coaching is 0.", " SD (0.4 on those who receive it)", "Take-up is by teacher: 75% of those assigned receive coaching"} {
		if !strings.Contains(p.Long, want) {
			t.Errorf("%q does not stand in: %s", want, p.Long)
		}
	}
	for _, want := range []string{"for an effect of assignment to coaching of 0.", "Take-up is by teacher: 75% of those assigned receive coaching."} {
		if !strings.Contains(p.Short, want) {
			t.Errorf("%q does not stand in: %s", want, p.Short)
		}
	}
}
