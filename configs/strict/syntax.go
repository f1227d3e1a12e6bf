package strict

import (
	"fmt"
	"strings"
	"unicode"
)

// A place is a line and a column, from 1; 0 if unknown.
type place struct{ line, column int }

// A syntaxError is what the YAML library says about a text it cannot read.
type syntaxError struct {
	context, message string
	at               place // where reading stopped
	since            place // where the broken construct began
}

// fault says the same in words for someone who writes YAML but has not read its
// specification, and points at the character to change where that is known.
func (e syntaxError) fault(from *origin) Fault {
	at := clamp(from, e.at)
	since := at
	if e.since.line > 0 {
		since = clamp(from, e.since)
	}
	line := from.line(at.line)
	before := string(line[:min(max(at.column-1, 0), len(line))])
	rest := string(line[min(max(at.column-1, 0), len(line)):])
	indent := len(line) - len([]rune(strings.TrimLeft(string(line), " \t")))
	startsLine := at.column-1 <= indent

	here := func(p place, width int, message, hint string) Fault {
		return from.fault("", p.line, p.column, width, message, hint)
	}
	for i, r := range line[:indent] {
		if r == '\t' {
			return here(place{at.line, i + 1}, 1, "the line is indented with a tab", "indent with spaces")
		}
	}
	says := func(part string) bool { return strings.Contains(e.message, part) }
	switch {
	case says("mapping values are not allowed"):
		if colon := strings.Index(before, ": "); colon >= 0 || strings.HasSuffix(before, `" `) || strings.HasSuffix(before, "' ") {
			return here(at, 1, "a second \": \" in one value", "put text that holds \": \" in quotes")
		}
		return here(place{at.line, indent + 1}, max(at.column-1-indent, 1),
			"the key is out of place: what stands above it cannot hold keys",
			"line it up with its neighbours, and see that the key above it ends in a colon and has no other value")
	case says("expected ',' or ']'"), says("expected ',' or '}'"):
		open, closing := "[", "]"
		if says("'}'") {
			open, closing = "{", "}"
		}
		if since.line != at.line {
			return here(since, 1, fmt.Sprintf("the %s is not closed before line %d", open, at.line), "add the missing "+closing+" or comma")
		}
		return here(at, 1, fmt.Sprintf("a comma or %s is missing here", closing), "")
	case says("expected node content"):
		if rest == "" && at.line >= len(from.lines)-1 {
			return here(at, 1, "the text ends before a [ or { is closed", "")
		}
		return here(at, 1, "a value is missing before "+quote(firstWord(rest)), "")
	case e.context == "while scanning a quoted scalar" && (says("end of stream") || says("document indicator")):
		return here(since, 1, "the quote is never closed", "")
	case says("unknown escape character"), says("hexadecimal number"), says("escape code"):
		return here(at, 2, "an escape that YAML does not know, inside double quotes",
			`write \\ for a backslash, or use single quotes`)
	case says("cannot start any token") && rest != "":
		return here(at, 1, fmt.Sprintf("a value cannot begin with %s unless it is in quotes", firstCharacter(rest)), "put the value in quotes")
	case says("expected '-' indicator"):
		return here(at, wordWidth(rest), "the line stands in a list but does not begin with \"- \"", "indent it as part of the entry above, or begin it with \"- \"")
	case says("expected key") && startsLine && strings.HasPrefix(rest, "-"):
		return here(at, 1, "a list entry stands where a key is expected", "indent the list under its own key")
	case says("expected key") && startsLine:
		return here(at, wordWidth(rest), "the indentation fits no line above", "line it up with its neighbours")
	case says("expected key"):
		return here(at, wordWidth(rest), "text after the end of a value", "put the whole value in one pair of quotes")
	case says("could not find expected ':'"):
		text := strings.TrimSpace(string(from.line(since.line)[max(since.column-1, 0):]))
		hint := `write "key: value"`
		switch {
		case strings.HasPrefix(text, "-"):
			hint = "put a space after the -"
		case strings.Contains(text, ":"):
			hint = "put a space after the colon"
		}
		return here(since, len([]rune(text)), "a line that is neither a key with a value nor a list entry", hint)
	case says("block sequence entries are not allowed"):
		return here(at, 1, "a list with dashes cannot begin on the line of its key", "begin it on the next line, or write [a, b]")
	case says("mapping keys are not allowed"):
		return here(at, 1, "a key cannot begin here", "put text that begins with ? in quotes")
	case says("exceeded max depth"):
		return here(at, 1, fmt.Sprintf("nested more than %d levels deep", maxDepth), "")
	case says("unknown anchor"):
		return here(at, wordWidth(rest), "aliases ("+short(firstWord(rest))+") are not allowed", aliasHint)
	case says("tag"), says("%TAG"):
		return here(at, wordWidth(rest), "tags are not allowed", "put the value in quotes if it is text that begins with !")
	case says("comment without preceding whitespace"):
		return here(at, 1, "a # must follow a space to begin a comment", "put the value in quotes if the # belongs to it")
	case says("indentation indicator"), e.context == "while scanning a block scalar":
		return here(at, 1, "text after | or > is not understood", "begin the text on the next line")
	}
	message := strings.NewReplacer("did not find expected", "expected", "could not find expected", "expected").Replace(e.message)
	return here(at, 1, "not valid YAML: "+message, "")
}

// clamp keeps a place inside the text: errors at the end of the text point
// past the last line.
func clamp(from *origin, p place) place {
	if p.line < 1 {
		return place{1, 1}
	}
	if p.line > len(from.lines) {
		p = place{len(from.lines), len(from.line(len(from.lines))) + 1}
	}
	for p.line > 1 && strings.TrimSpace(string(from.line(p.line))) == "" {
		p.line--
		p.column = len(from.line(p.line)) + 1
	}
	p.column = min(max(p.column, 1), len(from.line(p.line))+1)
	return p
}

func firstWord(text string) string {
	if fields := strings.Fields(text); len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// firstCharacter names the first character of a text that is not empty.
func firstCharacter(text string) string {
	r := []rune(text)[0]
	if r == '\t' {
		return "a tab"
	}
	return string(r)
}

// wordWidth is how many characters to underline from the start of a text.
func wordWidth(text string) int {
	r := []rune(text)
	for i, c := range r {
		if unicode.IsSpace(c) && i > 0 {
			return i
		}
	}
	return max(len(r), 1)
}
