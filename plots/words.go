package plots

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"coachsim/sim"
)

// axisWords name the keys that sweeps most often vary, with their units.
var axisWords = map[string]string{
	"trial.blocks":                "Blocks",
	"trial.schools":               "Schools per block",
	"trial.teachers":              "Teachers per school",
	"trial.children":              "Children per class",
	"trial.children.mean":         "Children per class (mean)",
	"trial.children.sd":           "SD of children per class",
	"trial.tested":                "Children tested per class, at most",
	"trial.assignment.share":      "Share of units treated",
	"trial.attrition.children":    "Share of children lost",
	"observation.segments":        "Film segments per class",
	"observation.coders":          "Coders per segment",
	"effect":                      "Effect on every test (SD)",
	"achievement.effect.mean":     "Effect on achievement (SD)",
	"achievement.icc":             "Intraclass correlation of achievement",
	"achievement.school_sd":       "SD of school effects on achievement",
	"achievement.teacher_sd":      "SD of teacher effects on achievement",
	"quality.effect.shift":        "Effect on quality (SD)",
	"quality.effect.skew":         "Skewness of engagement (log-SD)",
	"quality.effect.noise":        "SD of effects on quality",
	"trial.compliance":            "Share of compliers",
	"trial.coaches.effect_sd":     "SD of effects between coaches",
	"trial.attrition.schools":     "Schools lost",
	"achievement.baseline.r2":     "R² of the baseline test",
	"achievement.covariate_sd":    "SD explained by covariates",
	"achievement.block_sd":        "SD of block effects on achievement",
	"quality.context.block_share": "Share of context between blocks",
}

// AxisName is the name of a key along an axis: ours, else what the study's keys
// say of themselves, else the key as words.
func AxisName(key string) string {
	words := axisWords[key]
	if words == "" {
		words = docOf(reflect.TypeFor[sim.Study](), strings.Split(key, "."))
	}
	if words == "" {
		words = InWords([]string{key})[0]
	}
	return capital(words)
}

// capital makes the first letter one.
func capital(words string) string {
	first, size := utf8.DecodeRuneInString(words)
	return string(unicode.ToUpper(first)) + words[size:]
}

// InSentence is a name as it stands within a sentence: "Schools" becomes
// "schools", "SD" and "R²" stay.
func InSentence(name string) string {
	word, _, _ := strings.Cut(name, " ")
	first, size := utf8.DecodeRuneInString(name)
	if strings.IndexFunc(word[size:], func(r rune) bool { return !unicode.IsLower(r) && r != '-' }) >= 0 {
		return name
	}
	return string(unicode.ToLower(first)) + name[size:]
}

// docOf is what the field of a study at a path says of itself, up to the first
// aside; empty where there is none.
func docOf(t reflect.Type, path []string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || len(path) == 0 {
		return ""
	}
	for f := range t.Fields() {
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			if words := docOf(f.Type, path); words != "" {
				return words
			}
		case name == path[0] && len(path) > 1:
			return docOf(f.Type, path[1:])
		case name == path[0]:
			words := f.Tag.Get("doc")
			if end := strings.IndexAny(words, ",;:("); end >= 0 {
				words = words[:end]
			}
			return strings.TrimSpace(words)
		}
	}
	return ""
}

// InWords names keys for people: without the section they stand in, and without
// "mean", which is what a parameter without a last part would be. Keys that
// would then be called the same have the names of axes.
func InWords(keys []string) []string {
	names := make([]string, len(keys))
	for i, key := range keys {
		parts := strings.Split(key, ".")
		if len(parts) > 1 {
			parts = parts[1:]
		}
		if n := len(parts); n > 1 && parts[n-1] == "mean" {
			parts = parts[:n-1]
		}
		words := strings.Fields(strings.ReplaceAll(strings.Join(parts, " "), "_", " "))
		for k, word := range words {
			if short, ok := map[string]string{"sd": "SD", "icc": "ICC", "r2": "R²", "cv": "CV"}[word]; ok {
				words[k] = short
			}
		}
		names[i] = strings.Join(words, " ")
	}
	short := slices.Clone(names)
	for i, name := range short {
		if slices.Contains(short[:i], name) || slices.Contains(short[i+1:], name) {
			names[i] = InSentence(AxisName(keys[i]))
		}
	}
	return names
}

// Bare is a value without the brackets of a list of one.
func Bare(value string) string {
	if inner, ok := strings.CutPrefix(value, "["); ok && !strings.ContainsAny(inner, "[,") {
		return strings.TrimSpace(strings.TrimSuffix(inner, "]"))
	}
	return value
}

// The parts of an estimate's name that a figure can lay out like a swept key.
var nameKeys = []string{"estimator", "outcome", "term", "estimand"}

// factor returns the value of a swept key in a row, or of a part of its name.
func factor(row Row, key string) string {
	switch key {
	case "estimator":
		return row.Estimator
	case "outcome":
		return row.Outcome
	case "term":
		return row.Term
	case "estimand":
		return row.Estimand
	}
	if i := slices.IndexFunc(row.Factors, func(f sim.Factor) bool { return f.Key == key }); i >= 0 {
		return row.Factors[i].Value
	}
	return ""
}

// levelsOf lists the different values of a key in the order they appear.
func levelsOf(rows []Row, key string) []string {
	var levels []string
	for _, row := range rows {
		if v := factor(row, key); !slices.Contains(levels, v) {
			levels = append(levels, v)
		}
	}
	return levels
}

// findKey returns the key of a sweep that the user means, by its whole name or
// its last parts, or a part of an estimate's name.
func findKey(rows []Row, given string) (string, error) {
	if slices.Contains(nameKeys, given) || given == "" {
		return given, nil
	}
	var known, found []string
	if len(rows) > 0 {
		for _, f := range rows[0].Factors {
			known = append(known, f.Key)
			if f.Key == given {
				return given, nil
			}
			if strings.HasSuffix(f.Key, "."+given) || strings.Contains("."+f.Key+".", "."+given+".") {
				found = append(found, f.Key)
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(known) == 0:
		return "", fmt.Errorf("%q is no swept key: the run has no sweep; give it one, such as --set 'sweep={trial.schools: [10, 20, 40]}'", given)
	case len(found) > 1:
		return "", fmt.Errorf("%q may be %s; write one of them whole", given, strings.Join(found, " or "))
	}
	return "", fmt.Errorf("%q is no swept key; there are %s, and %s", given, strings.Join(known, ", "), strings.Join(nameKeys, ", "))
}
