package estimators

import (
	"fmt"
	"strings"
)

// SE is a kind of standard error.
type SE uint8

// The kinds of standard errors. N is rows, K regressors with absorbed
// effects, G clusters. fixest's "hetero" is HC1. With clusters of two factors see
// twoWay.
const (
	Classical SE = iota // homoskedastic: s²(X'X)⁻¹; N-K df
	HC0                 // White: no correction; N-K df
	HC1                 // HC0 times N/(N-K): Stata's robust; N-K df
	HC2                 // residuals divided by √(1-h), h the leverage; N-K df
	HC3                 // residuals divided by 1-h; N-K df
	CR0                 // clustered, no correction; G-1 df
	CR1                 // CR0 times G/(G-1) (N-1)/(N-K): Stata's vce(cluster), clubSandwich's CR1S; G-1 df
	CR2                 // residuals times (I-H)^(-1/2) by cluster; Satterthwaite df (Bell and McCaffrey 2002)
	CR3                 // residuals times (I-H)^(-1) by cluster, near the jackknife; Satterthwaite df
	CR1Fixest           // CR0 times G/(G-1) (N-1)/(N-K), K with an absorbed effect nested in clusters counted as one: fixest's default ssc(); G-1 df
	seKinds
)

var seNames = [seKinds]string{"classical", "HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR2", "CR3", "CR1-fixest"}

func (s SE) String() string {
	if s >= seKinds {
		return fmt.Sprintf("SE(%d)", uint8(s))
	}
	return seNames[s]
}

// MarshalText writes the name.
func (s SE) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (s *SE) UnmarshalText(text []byte) error {
	for i, name := range seNames {
		if strings.EqualFold(string(text), name) {
			*s = SE(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a kind of standard error; the kinds are %s", text, strings.Join(seNames[:], ", "))
}

// Names lists the kinds.
func (SE) Names() []string { return seNames[:] }

// clustered reports whether the kind needs clusters.
func (s SE) clustered() bool { return s >= CR0 && s < seKinds }

// adjustment is the power of I-H that residuals are multiplied with: 0 for the
// kinds that leave them alone.
func (s SE) adjustment() float64 {
	switch s {
	case HC2, CR2:
		return -0.5
	case HC3, CR3:
		return -1
	default:
		return 0
	}
}

// factor is what the sum of squared scores is multiplied with.
func (s SE) factor(n, k, g float64) float64 {
	switch s {
	case HC1:
		return n / (n - k)
	case CR1, CR1Fixest:
		return g / (g - 1) * (n - 1) / (n - k)
	default:
		return 1
	}
}
