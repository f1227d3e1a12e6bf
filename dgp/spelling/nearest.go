// Package spelling finds what a misspelt name was meant to be.
package spelling

import "strings"

// longest is the length of the longest name that is compared.
const longest = 80

// Nearest returns the allowed name most like the given one, or "" if none is
// like it.
func Nearest(given string, allowed []string) string {
	g := fold(given)
	limit := 1 // one slip in a short word, three in a long one
	if len(g) > 4 {
		limit = 2
	}
	if len(g) > 8 {
		limit = 3
	}
	if len(g) > longest { // no name that anyone typed; bounds the work
		return ""
	}
	best, bestDistance := "", limit+1
	for _, name := range allowed {
		a := fold(name)
		if len(a) > longest {
			continue
		}
		if d := distance(g, a); d < bestDistance && d < len(a) {
			best, bestDistance = name, d
		}
	}
	if best == "" && len(g) >= 3 { // an abbreviation, if it fits only one name
		for _, name := range allowed {
			if strings.HasPrefix(string(fold(name)), string(g)) {
				if best != "" {
					return ""
				}
				best = name
			}
		}
	}
	return best
}

// fold makes names that differ in case or separators equal.
func fold(name string) []rune {
	return []rune(strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(name)))
}

// distance is the Damerau-Levenshtein distance with adjacent transpositions:
// the fewest characters to insert, delete, replace or swap with a neighbour.
func distance(a, b []rune) int {
	previous, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		next[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], previous[j-1]+1)
			}
		}
		previous, row, next = row, next, previous
	}
	return row[len(b)]
}
