package plots

import (
	"encoding/binary"
	"errors"
	"slices"

	"golang.org/x/image/font/sfnt"
)

// subset returns a TrueType font with the outlines of the given glyphs alone, under
// the same numbers, and with the tables that a PDF reader needs (OpenType
// specification 1.9, chapters otff, glyf, loca and head).
func subset(ttf []byte, glyphs []sfnt.GlyphIndex) ([]byte, error) {
	tables, err := tablesOf(ttf)
	if err != nil {
		return nil, err
	}
	head, loca, glyf := tables["head"], tables["loca"], tables["glyf"]
	if len(head) < 54 || loca == nil || glyf == nil {
		return nil, errors.New("plots: the font has no TrueType outlines")
	}
	long := binary.BigEndian.Uint16(head[50:]) != 0
	offset := func(i int) int {
		if long {
			return int(binary.BigEndian.Uint32(loca[4*i:]))
		}
		return 2 * int(binary.BigEndian.Uint16(loca[2*i:]))
	}
	n := len(loca)/4 - 1
	if !long {
		n = len(loca)/2 - 1
	}
	// A composite glyph needs its parts; .notdef is always there.
	wanted := make([]bool, n)
	queue := append([]sfnt.GlyphIndex{0}, glyphs...)
	for len(queue) > 0 {
		g := int(queue[0])
		queue = queue[1:]
		if g >= n || wanted[g] {
			continue
		}
		wanted[g] = true
		queue = append(queue, componentsOf(glyf[offset(g):offset(g+1)])...)
	}
	var outlines []byte
	places := make([]byte, 0, 4*(n+1))
	for g := range n {
		places = binary.BigEndian.AppendUint32(places, uint32(len(outlines)))
		if wanted[g] {
			outlines = append(outlines, glyf[offset(g):offset(g+1)]...)
			for len(outlines)%4 != 0 {
				outlines = append(outlines, 0)
			}
		}
	}
	places = binary.BigEndian.AppendUint32(places, uint32(len(outlines)))
	tables["glyf"], tables["loca"] = outlines, places
	head = slices.Clone(head)
	binary.BigEndian.PutUint16(head[50:], 1) // offsets are long
	binary.BigEndian.PutUint32(head[8:], 0)
	tables["head"] = head
	return assemble(tables), nil
}

// tablesOf returns the tables of a font by their names.
func tablesOf(ttf []byte) (map[string][]byte, error) {
	broken := errors.New("plots: the font is broken")
	if len(ttf) < 12 {
		return nil, broken
	}
	tables := map[string][]byte{}
	for i := range int(binary.BigEndian.Uint16(ttf[4:])) {
		at := 12 + 16*i
		if len(ttf) < at+16 {
			return nil, broken
		}
		from, size := int(binary.BigEndian.Uint32(ttf[at+8:])), int(binary.BigEndian.Uint32(ttf[at+12:]))
		if from+size > len(ttf) {
			return nil, broken
		}
		tables[string(ttf[at:at+4])] = ttf[from : from+size]
	}
	return tables, nil
}

// componentsOf returns the parts of a composite glyph; a simple one has none.
func componentsOf(outline []byte) (parts []sfnt.GlyphIndex) {
	const (
		wordArguments = 1 << 0
		hasScale      = 1 << 3
		more          = 1 << 5
		hasXYScale    = 1 << 6
		hasMatrix     = 1 << 7
	)
	if len(outline) < 10 || int16(binary.BigEndian.Uint16(outline)) >= 0 {
		return nil
	}
	for at := 10; at+4 <= len(outline); {
		flags := binary.BigEndian.Uint16(outline[at:])
		parts = append(parts, sfnt.GlyphIndex(binary.BigEndian.Uint16(outline[at+2:])))
		at += 6
		if flags&wordArguments != 0 {
			at += 2
		}
		switch {
		case flags&hasScale != 0:
			at += 2
		case flags&hasXYScale != 0:
			at += 4
		case flags&hasMatrix != 0:
			at += 8
		}
		if flags&more == 0 {
			break
		}
	}
	return parts
}

// assemble writes the tables that a PDF reader needs as a font.
func assemble(tables map[string][]byte) []byte {
	var names []string
	for _, name := range []string{"cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep"} { // in order
		if tables[name] != nil {
			names = append(names, name)
		}
	}
	power, log := 1, 0
	for 2*power <= len(names) {
		power, log = 2*power, log+1
	}
	font := binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, v := range []int{len(names), 16 * power, log, 16 * (len(names) - power)} {
		font = binary.BigEndian.AppendUint16(font, uint16(v))
	}
	at, headAt := 12+16*len(names), 0
	for _, name := range names {
		if name == "head" {
			headAt = at
		}
		font = append(font, name...)
		for _, v := range []uint32{checksum(tables[name]), uint32(at), uint32(len(tables[name]))} {
			font = binary.BigEndian.AppendUint32(font, v)
		}
		at += (len(tables[name]) + 3) &^ 3
	}
	for _, name := range names {
		font = append(font, tables[name]...)
		for len(font)%4 != 0 {
			font = append(font, 0)
		}
	}
	binary.BigEndian.PutUint32(font[headAt+8:], 0xb1b0afba-checksum(font))
	return font
}

// checksum is the sum of the big-endian words, the last filled up with zeros.
func checksum(data []byte) (sum uint32) {
	for len(data) >= 4 {
		sum += binary.BigEndian.Uint32(data)
		data = data[4:]
	}
	var last [4]byte
	copy(last[:], data)
	return sum + binary.BigEndian.Uint32(last[:])
}
