package dgp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An arm is one entry of trial.arms.
//
// A plain arm has a column, which is 1 for those assigned to it. A combined
// arm, named after others as in "coaching+materials", turns the columns of its
// parts on: it is the fourth cell of a 2×2 factorial trial.
type arm struct {
	name  string
	parts []int // the arms that a combined arm is made of; nil for a plain one
}

// withParts returns the arms whose own effects add up to that of the arm, which
// is the i-th: its parts and itself.
func (a arm) withParts(i int) []int {
	if i == 0 {
		return nil
	}
	return append(slices.Clone(a.parts), i)
}

// combination is what stands between the parts of a combined arm's name.
const combination = "+"

// maxArms bounds what is drawn for every unit.
const maxArms = 16

// armsOf reads names that have passed checkArms.
func armsOf(names []string) []arm {
	all := make([]arm, len(names))
	for i, name := range names {
		all[i].name = name
		if strings.Contains(name, combination) {
			for part := range strings.SplitSeq(name, combination) {
				all[i].parts = append(all[i].parts, slices.Index(names, part))
			}
		}
	}
	return all
}

// turnsOn reports whether an arm sets the column of a plain arm to 1.
func turnsOn(arm, column string) bool {
	return slices.Contains(strings.Split(arm, combination), column)
}

// checkArms adds the faults of combined arms. Names of plain arms are checked
// with those of the other columns.
func checkArms(f *Faults, names []string) {
	if len(names) == 0 {
		f.Add("trial.arms", "is empty; a trial has at least two arms, the control arm first")
	}
	if len(names) > maxArms {
		f.Add("trial.arms", "has %d arms; the limit is %d", len(names), maxArms)
	}
	for i, name := range names {
		path := fmt.Sprintf("trial.arms[%d]", i)
		parts := strings.Split(name, combination)
		if len(parts) == 1 {
			continue
		}
		if i == 0 {
			f.Add(path, "%q is a combination; the first arm is control", name)
			continue
		}
		for k, part := range parts {
			switch at := slices.Index(names, part); {
			case slices.Contains(parts[:k], part):
				f.Add(path, "%q names %q twice", name, part)
			case at < 0:
				f.Add(path, "there is no arm %q to combine; the arms are %s", part, strings.Join(names, ", "))
			case at == 0:
				f.Add(path, "%q is control, which cannot be combined", part)
			case at > i:
				f.Add(path, "%q must stand after its part %q", name, part)
			}
		}
		for k, other := range names[:i] {
			if sameParts(parts, strings.Split(other, combination)) {
				f.Add(path, "%q is arm %d, %q", name, k, other)
			}
		}
	}
}

// sameParts reports whether two lists hold the same names, in any order.
func sameParts(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// checkEveryArm adds a fault where an effect that is not zero is of no arm: every
// plain arm has one of its own, in the section by arm. A combined arm takes none.
func checkEveryArm[T any](f *Faults, section string, zero bool, own map[string]T, arms []string) {
	if zero {
		return
	}
	if named := everyArmNamed(section, own, arms); named != "" {
		f.Add(section+".effect", "changes nothing: every treated arm has an effect of its own in its place; leave it out, and say it in %s", named)
	}
}

// everyArmNamed lists where the effects of the plain treated arms are said, if all of
// them have one of their own; "" else.
func everyArmNamed[T any](section string, own map[string]T, arms []string) string {
	var named []string
	for i, arm := range armsOf(arms) {
		if i == 0 || arm.parts != nil {
			continue
		}
		if _, has := own[arm.name]; !has {
			return ""
		}
		named = append(named, section+".arm_effects."+arm.name)
	}
	return strings.Join(named, " and ")
}

// checkByArm adds a fault for every key of a section by arm that is no treated
// arm, and calls check for each of the others, in order.
func checkByArm[T any](f *Faults, path string, section map[string]T, arms []string, check func(path string, value T)) {
	for _, name := range slices.Sorted(maps.Keys(section)) {
		switch slices.Index(arms, name) {
		case -1:
			f.Add(path+"."+name, "there is no arm %q; the treated arms are %s", name, strings.Join(arms[min(1, len(arms)):], ", "))
		case 0:
			f.Add(path+"."+name, "%q is control, which has no effects; the treated arms are %s", name, strings.Join(arms[1:], ", "))
		default:
			check(path+"."+name, section[name])
		}
	}
}
