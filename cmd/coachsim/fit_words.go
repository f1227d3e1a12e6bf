package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"coachsim/dgp/datafile"
	"coachsim/estimators"
)

// seInWords names a kind of standard error as users of Stata and R know it.
func seInWords(se estimators.SE, cluster string) string {
	words := map[estimators.SE]string{
		estimators.Classical: "one error variance, as R's lm, Stata's regress",
		estimators.HC0:       "White's, without correction; sandwich's vcovHC type HC0",
		estimators.HC1:       "Stata's vce(robust), sandwich's vcovHC type HC1",
		estimators.HC2:       "Stata's vce(hc2), sandwich's vcovHC type HC2",
		estimators.HC3:       "Stata's vce(hc3), sandwich's vcovHC type HC3",
		estimators.CR0:       "clustered by " + cluster + " without correction; clubSandwich's CR0",
		estimators.CR1:       "Stata's vce(cluster " + cluster + ") after regress or areg, clubSandwich's CR1S",
		estimators.CR2:       "clustered by " + cluster + ", Bell and McCaffrey's; clubSandwich's CR2 with Satterthwaite df",
		estimators.CR3:       "clustered by " + cluster + ", near the jackknife; clubSandwich's CR3 with Satterthwaite df",
	}
	words[estimators.CR1Fixest] = "clustered by " + cluster + " with fixest's small-sample factor, its default ssc()"
	if len(estimators.ClusterNames(cluster)) > 1 {
		words[estimators.CR0] = "clustered by " + cluster + " without correction; sandwich's vcovCL type HC0, cadjust = FALSE"
		words[estimators.CR1] = "clustered by " + cluster + "; sandwich's vcovCL type HC1"
	}
	return se.String() + " (" + words[se] + ")"
}

// designInWords says what the standard error of a difference in means rests on.
func designInWords(blocks, cluster string) string {
	words := "by the design (estimatr's difference_in_means"
	if blocks != "" {
		words += ", blocks " + blocks
	}
	if cluster != "" {
		words += ", clusters " + cluster
	}
	return words + ")"
}

// statusInWords says what a status means and what to do.
func statusInWords(s estimators.Status) string {
	switch s {
	case estimators.OK:
		return "the fit worked"
	case estimators.Reduced:
		return "a collinear term was dropped, as R and Stata do; the others are as if it were not in the formula"
	case estimators.Collinear:
		return "the term does not vary, or only together with other terms or the fixed effect, so that it has no coefficient of its own; take one of them out, or check that both arms are in the data"
	case estimators.TooFewRows:
		return "there are no more rows than coefficients; use fewer terms"
	case estimators.TooFewClusters:
		return "the rows in use lie in one cluster, which tells nothing of how clusters differ; cluster by smaller units, or use HC1 if rows are independent"
	case estimators.NoVariation:
		return "the outcome does not vary among the rows in use, or not within the fixed effect's levels"
	case estimators.NotFinite:
		return "no finite estimate came out: numbers are too large, or a function has no value, such as the log of 0 or an index with a constant component"
	case estimators.Boundary:
		return "a variance component is 0, or a correlation of random effects 1 or -1 (lme4 calls the fit singular); the estimates may be used"
	case estimators.NotConverged:
		return "the maximum of the likelihood was not found; measure columns in units near their standard deviations, or use fewer terms"
	case estimators.NoResidual:
		return "the terms fit the outcome exactly, or exactly by cluster: nothing is left to estimate an error from; use fewer terms, or check that the outcome is not among them"
	case estimators.PerfectStage:
		return "the instruments tell the endogenous regressor without error: the F of its first stage is infinite, which is no failure"
	case estimators.NotPositive:
		return "a variance came out negative: that with two factors of clusters, as it can with few clusters (cluster by the factor with larger variance), or that of mediators less their measurement error (their reliability is too low to correct for)"
	case estimators.Separated:
		return "the terms of the logit of response tell without error, or nearly, which rows are observed; use fewer terms, or pool the arms"
	case estimators.BadArm:
		return "a row has something other than 0 or 1 in the column of an arm; make it a column of 0 and 1, and of several arms one column each"
	case estimators.OneArm:
		return "the rows, or those of a block, are in one arm only, so that they have no difference; leave the block out (where), or pool blocks"
	case estimators.LoneUnit:
		return "an arm has one row or one cluster, in the data or in a block of more than two, which tells nothing of how its units differ; pool blocks"
	case estimators.SplitCluster:
		return "a cluster has rows of both arms, or of several blocks; clusters are what was assigned whole, within one block"
	case estimators.NotSelected:
		return "the term was not selected, so that least squares on the selected terms has no coefficient of it"
	case estimators.BadWeights:
		return "a row has a weight that is negative, infinite or not a number; correct it, or leave the row out"
	default:
		return "the fit failed"
	}
}

// explain puts an error of planning or fitting in words, with a caret under
// the place in a formula or condition.
func (f *fitFlags) explain(one *fit, err error) error {
	var key *estimators.KeyError
	var syntax *estimators.SyntaxError
	var condition *datafile.ConditionError
	var name *datafile.NameError
	var data *datafile.Error
	prefix := "--"
	if one != nil && one.name != "" {
		prefix = "estimator " + one.name + ", "
	}
	switch {
	case errors.As(err, &condition):
		text := f.where
		if one != nil && one.whereOf != "" {
			return usageError("%swhere: %s", prefix, condition.Message)
		}
		return usageError("--where: %s%s", condition.Message, caret(text, condition.Offset))
	case errors.As(err, &key):
		text := ""
		if (key.Key == "formula" || key.Key == "mediator") && key.Offset >= 0 && one != nil {
			text = caret(one.options.text(key.Key), key.Offset)
		}
		message := key.Err.Error()
		if errors.As(key.Err, &syntax) {
			message = syntax.Message
		}
		flag, _, _ := strings.Cut(key.Key, "[")
		if one == nil || one.name == "" {
			flag = flagOf(flag)
		}
		return usageError("%s%s: %s%s", prefix, flag, message, text)
	case errors.As(err, &syntax):
		return usageError("%sformula: %s%s", prefix, syntax.Message, caret(f.formula, syntax.Offset))
	case errors.As(err, &name):
		return usageError("%s", name.Message)
	case errors.As(err, &data):
		return &exitError{exitFile, err}
	}
	return err
}

// flagOf is the flag that sets an option.
func flagOf(key string) string {
	switch key {
	case "error.reliability":
		return "reliability"
	case "error.draws":
		return "error-draws"
	}
	return key
}

// caret shows a text with a caret under a byte.
func caret(text string, offset int) string {
	if strings.ContainsAny(text, "\n\t") || offset > len(text) {
		return ""
	}
	return fmt.Sprintf("\n  %s\n  %s^", text, strings.Repeat(" ", utf8.RuneCountInString(text[:offset])))
}
