package strict_test

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"coachsim/configs/strict"
)

// anyText draws texts that are awkward in YAML more often than chance would.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[-+.0-9eExob_:#'"\\{}\[\],&*!|>%@~ \ta-f\n]{0,12}`),
		rapid.SampledFrom([]string{
			"", "~", "null", "true", "Yes", "off", "017", "0o17", "0b1", "1e3", ".nan", "-.inf", "1:20", "2021-01-01",
			"<<", "=", "- a", "? a", "a: b", "a #b", " a", "a ", "a\n", "a\nb\n", "a\nb", "\n", "\u2028", "\u0085", "\ufeff", "\x00", "---", "...", "é",
		}),
	)
}

func finite() *rapid.Generator[float64] {
	return rapid.Float64Range(-1e308, 1e308)
}

func unit() *rapid.Generator[float64] { return rapid.Float64Range(0, 1) }

func positive() *rapid.Generator[float64] { return rapid.Float64Range(1e-300, 1e300) }

func inside() *rapid.Generator[float64] { return rapid.Float64Range(1e-9, 0.999) }

func drawLevel(t *rapid.T) level { return level(rapid.IntRange(0, 3).Draw(t, "level")) }

func drawLaw(t *rapid.T) law {
	switch rapid.IntRange(0, 2).Draw(t, "law") {
	case 0:
		return gamma{finite().Draw(t, "mean"), positive().Draw(t, "sd")}
	case 1:
		return normal{finite().Draw(t, "mean"), positive().Draw(t, "sd")}
	default:
		return bernoulli{unit().Draw(t, "p")}
	}
}

func drawAssignment(t *rapid.T) assignment {
	if rapid.Bool().Draw(t, "simple") {
		return simple{inside().Draw(t, "share")}
	}
	return &blocked{inside().Draw(t, "share"), drawLevel(t), anyText().Draw(t, "by")}
}

// drawStudy draws a valid study.
func drawStudy(t *rapid.T) study {
	s := study{
		Aim:        anyText().Draw(t, "aim"),
		Seed:       rapid.Uint64Min(1).Draw(t, "seed"),
		Replicates: rapid.IntRange(1, 1000000).Draw(t, "replicates"),
		Alpha:      inside().Draw(t, "alpha"),
		Quick:      rapid.Bool().Draw(t, "quick"),
		Trial: trial{
			Design: Design{
				Schools: rapid.IntMin(1).Draw(t, "schools"),
				ICC:     inside().Draw(t, "icc"),
				Small:   rapid.Int8().Draw(t, "small"),
				Offset:  rapid.Int64().Draw(t, "offset"),
				SD:      positive().Draw(t, "sd"),
				Effect:  finite().Draw(t, "effect"),
			},
			Arms:       rapid.SliceOfN(anyText(), 2, 4).Draw(t, "arms"),
			Level:      drawLevel(t),
			Assignment: drawAssignment(t),
		},
		Weights: rapid.MapOfN(anyText(), positive(), 0, 4).Draw(t, "weights"),
		Cor:     rapid.SliceOfN(rapid.SliceOfN(unit(), 0, 3), 0, 3).Draw(t, "cor"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "covariates") {
		s.Covariates = append(s.Covariates, covariate{
			Name:  rapid.Just("x").Draw(t, "name") + anyText().Draw(t, "rest"),
			Level: drawLevel(t), Law: drawLaw(t), Slope: finite().Draw(t, "slope"),
		})
	}
	if rapid.Bool().Draw(t, "attrition") {
		s.Attrition = &attrition{unit().Draw(t, "rate"), "u" + anyText().Draw(t, "unit")}
	}
	if rapid.Bool().Draw(t, "range") {
		s.Range = &[2]float64{finite().Draw(t, "lo"), finite().Draw(t, "hi")}
	}
	if rapid.Bool().Draw(t, "estimators") {
		s.Estimators = []estimator{{
			Name: anyText().Draw(t, "name"), Formula: "y ~ " + formula(strings.ReplaceAll(anyText().Draw(t, "formula"), "+", "")),
			Report: rapid.SliceOfN(anyText(), 0, 2).Draw(t, "report"),
		}}
	}
	return s
}

// What Encode writes, Decode reads back to the same value, and Encode again to
// the same bytes.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawStudy(t)
		text, err := strict.Encode(want, kinds)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(string(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v\n%s", got, want, text)
		}
		if again, err := strict.Encode(&got, kinds); err != nil || string(again) != string(text) {
			t.Fatalf("%v\n%s\n%s", err, text, again)
		}
	})
}

// A value kept as text means the same when it is set somewhere else.
func TestValueRoundTrip(t *testing.T) {
	type holder struct {
		Raw  strict.Value `yaml:"raw"`
		Text string       `yaml:"text"`
	}
	rapid.Check(t, func(t *rapid.T) {
		want := anyText().Draw(t, "text")
		text, err := strict.Encode(struct {
			Raw  string `yaml:"raw"`
			Text string `yaml:"text"`
		}{want, want}, nil)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := strict.Parse(strict.Source{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		var h holder
		if err := doc.Decode(&h, nil); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(h.Raw), "\n") {
			t.Fatalf("%q has several lines", h.Raw)
		}
		if err := doc.Set("text", string(h.Raw)); err != nil {
			t.Fatalf("%q: %v", h.Raw, err)
		}
		if err := doc.Decode(&h, nil); err != nil || h.Text != want {
			t.Fatalf("%q gave %q, %v; want %q", h.Raw, h.Text, err, want)
		}
		again, err := strict.Encode(h, nil)
		if err != nil {
			t.Fatal(err)
		}
		if doc, err = strict.Parse(strict.Source{Text: again}); err != nil {
			t.Fatal(err)
		}
		h2 := holder{}
		if err := doc.Decode(&h2, nil); err != nil || h2 != h {
			t.Fatalf("%+v became %+v, %v", h, h2, err)
		}
	})
}

// FaultIn points at the very character, whatever the style of the scalar.
func TestFaultInPointsAtTheCharacter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-zé~+|(]{1,4}['"]?[a-z]{1,2}`), 1, 8).Draw(t, "words")
		value := "y " + strings.Join(words, " ")
		var source string
		switch style := rapid.IntRange(0, 5).Draw(t, "style"); style {
		case 0:
			source = "a: " + value
		case 1:
			source = "a: '" + strings.ReplaceAll(value, "'", "''") + "'"
		case 2:
			source = "a: " + strconv.QuoteToASCII(value)
		case 3:
			source = "a:   \"" + strings.ReplaceAll(strings.ReplaceAll(value, `"`, `\"`), " ", "\n\n    ") + `"`
			value = strings.ReplaceAll(value, " ", "\n")
		case 4:
			source = "b: 1\na: |  # text\n     " + strings.ReplaceAll(value, " ", "\n     ") + "\n"
			value = strings.ReplaceAll(value, " ", "\n") + "\n"
		case 5:
			source = "b: 1\na: >-\n     " + strings.ReplaceAll(value, " ", "\n     ") + "\n"
		}
		doc, err := strict.Parse(strict.Source{Text: []byte(source)})
		if err != nil {
			t.Fatal(err)
		}
		var into struct {
			A string `yaml:"a"`
			B int    `yaml:"b"`
		}
		if err := doc.Decode(&into, nil); err != nil || into.A != value {
			t.Fatalf("%q read as %q, %v; want %q", source, into.A, err, value)
		}
		for offset, r := range value {
			if unicode.IsSpace(r) {
				continue
			}
			f := doc.FaultIn("a", offset, "here", "")
			line := []rune(strings.Split(source, "\n")[f.Line-1])
			at := string(line[f.Column-1:])
			if got, _ := utf8.DecodeRuneInString(at); got != r && !strings.HasPrefix(at, fmt.Sprintf(`\u%04x`, r)) && !strings.HasPrefix(at, `\`+string(r)) {
				t.Fatalf("offset %d of %q is %q, not %q, in\n%s", offset, value, at, r, source)
			}
		}
	})
}

// FuzzDecode: whatever the text, nothing panics, every error is Faults that
// name a place inside the text, and what decodes can be encoded.
func FuzzDecode(f *testing.F) {
	f.Add(good, "trial.schools", "3")
	for _, c := range faultCases {
		if len(c.sets) == 0 {
			f.Add(c.text, "covariates[0].mean", "[1, {a: b}]")
			continue
		}
		for _, set := range c.sets {
			key, value, _ := strings.Cut(set, "=")
			f.Add(c.text, key, value)
		}
	}
	f.Fuzz(func(t *testing.T, text, key, value string) {
		lines := 1 + strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text), "\n")
		check := func(err error) {
			if err == nil {
				return
			}
			var faults strict.Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			if !utf8.ValidString(faults.Error()) {
				t.Fatalf("%q", faults.Error())
			}
			for _, fault := range faults {
				if fault.Source == "fuzz" && fault.Line > lines || fault.Line < 0 || fault.Column < 0 || fault.Message == "" || fault.Source == "" {
					t.Fatalf("%+v", fault)
				}
			}
		}
		doc, err := strict.Parse(strict.Source{Name: "fuzz", Text: []byte(text)})
		check(err)
		if err != nil {
			return
		}
		s := defaults()
		err = doc.Decode(&s, kinds)
		check(err)
		if err == nil {
			encoded, err := strict.Encode(s, kinds)
			if err != nil {
				t.Fatal(err)
			}
			back, err := decode(string(encoded))
			if err != nil || !reflect.DeepEqual(back, s) {
				t.Fatalf("%v\n%s\n%+v\n%+v", err, encoded, s, back)
			}
		}
		_ = doc.Fault(key, "m", "").Error()
		_ = doc.FaultIn(key, len(value), "m", "").Error()
		if err := doc.Set(key, value); err != nil {
			check(err)
			return
		}
		check(doc.Decode(&s, kinds))
	})
}
