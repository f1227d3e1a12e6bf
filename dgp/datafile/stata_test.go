package datafile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coachsim/dgp/datafile"
)

// TestStataFromR holds what R's haven and foreign wrote against the CSV that
// testdata/stata.R wrote of the same data.
func TestStataFromR(t *testing.T) {
	want := open(t, "testdata/stata.csv")
	files, err := filepath.Glob("testdata/*-*.dta")
	if err != nil || len(files) != 13 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		base := filepath.Base(file)
		if strings.HasPrefix(base, "missing") || base == "foreign-6.dta" {
			continue
		}
		t.Run(base, func(t *testing.T) {
			got := open(t, file)
			if got.Rows() != want.Rows() || len(got.Columns) != len(want.Columns) {
				t.Fatalf("%d rows, %d columns", got.Rows(), len(got.Columns))
			}
			for i, c := range got.Columns {
				w := want.Columns[i]
				if c.Name != w.Name || (c.Texts == nil) != (w.Texts == nil) {
					t.Fatalf("column %d: %s, want %s", i, c.Name, w.Name)
				}
				for row := range got.Rows() {
					switch {
					case c.Texts != nil:
						text := w.Texts[row]
						if base != "haven-14.dta" && base != "haven-15.dta" {
							text = strings.ReplaceAll(text, "ñ", "n") // before UTF-8
						}
						if text == "" && strings.HasPrefix(base, "foreign") {
							text = "empty"
						}
						if c.Texts[row] != text {
							t.Errorf("%s, row %d: %q, want %q", c.Name, row, c.Texts[row], text)
						}
					default:
						x := w.Numbers[row]
						if c.Name == "arm" && strings.HasPrefix(base, "foreign") {
							x++ // the code of a factor
						}
						if !same(c.Numbers[row], x) {
							t.Errorf("%s, row %d: %v, want %v", c.Name, row, c.Numbers[row], x)
						}
					}
				}
			}
			first := 0.0
			if strings.HasPrefix(base, "foreign") {
				first = 1
			}
			if l := got.Columns[4].Labels; len(l) != 2 || l[first] != "control" || l[first+1] != "coaching" {
				t.Errorf("labels %v", l)
			}
		})
	}
}

func TestStataLongTextAndMissing(t *testing.T) {
	long := strings.Repeat("long text ", 300)
	for _, version := range []int{13, 14, 15} {
		table := open(t, fmt.Sprintf("testdata/missing-%d.dta", version))
		for i, want := range []float64{1, math.NaN(), math.NaN(), math.NaN()} {
			if got := table.Columns[0].Numbers[i]; !same(got, want) {
				t.Errorf("version %d: value[%d] is %v, want %v", version, i, got, want)
			}
		}
		for i, want := range []float64{1, math.NaN(), 3, 4} {
			if got := table.Columns[1].Numbers[i]; !same(got, want) {
				t.Errorf("version %d: whole[%d] is %v, want %v", version, i, got, want)
			}
		}
		for i, want := range []string{long, "", "short", long} {
			if got := table.Columns[2].Texts[i]; got != want {
				t.Errorf("version %d: text[%d] is %.20q, want %.20q", version, i, got, want)
			}
		}
	}
}

// stataImage is a file with a variable of each type of number: the values of
// each are 5, the largest number, and the smallest missing value.
func stataImage(format int, order binary.ByteOrder) []byte {
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if text, ok := v.(string); ok {
				b.WriteString(text)
			} else if err := binary.Write(&b, order, v); err != nil {
				panic(err)
			}
		}
	}
	zeros := func(n int) []byte { return make([]byte, n) }
	names := func(size int) {
		for _, name := range []string{"one", "two", "four", "real", "double"} {
			put(name, zeros(size-len(name)))
		}
	}
	data := func() {
		const float, double = 0x7effffff, 0x7fdfffffffffffff // Stata's largest
		put(int8(5), int16(5), int32(5), float32(5), float64(5))
		put(int8(100), int16(32740), int32(2147483620), uint32(float), uint64(double))
		put(int8(101), int16(32741), int32(2147483621), uint32(float+1), uint64(double+1))
	}
	if format < 117 {
		code := byte(1)
		if order == binary.LittleEndian {
			code = 2
		}
		put(byte(format), code, byte(1), byte(0), uint16(5), uint32(3), zeros(81+18), []byte{251, 252, 253, 254, 255})
		names(33)
		put(zeros(2*6), zeros(map[int]int{113: 12, 114: 49, 115: 49}[format]*5), zeros(33*5), zeros(81*5))
		put(byte(1), uint32(3), "abc", byte(0), uint32(0)) // a characteristic, and the end of them
		data()
		return b.Bytes()
	}
	name, display, label, sorted := 129, 57, 321, 2
	if format == 117 {
		name, display, label = 33, 49, 81
	}
	put("<stata_dta><header><release>", fmt.Sprint(format), "</release><byteorder>", map[binary.ByteOrder]string{binary.LittleEndian: "LSF", binary.BigEndian: "MSF"}[order], "</byteorder><K>")
	switch format {
	case 117:
		put(uint16(5), "</K><N>", uint32(3), "</N><label>", byte(1), "x</label>")
	case 118:
		put(uint16(5), "</K><N>", uint64(3), "</N><label>", uint16(1), "x</label>")
	default:
		put(uint32(5), "</K><N>", uint64(3), "</N><label>", uint16(1), "x</label>")
		sorted = 4
	}
	put("<timestamp>", byte(0), "</timestamp></header><map>", zeros(14*8), "</map><variable_types>")
	put(uint16(65530), uint16(65529), uint16(65528), uint16(65527), uint16(65526), "</variable_types><varnames>")
	names(name)
	put("</varnames><sortlist>", zeros(6*sorted), "</sortlist><formats>", zeros(5*display), "</formats><value_label_names>", zeros(5*name))
	put("</value_label_names><variable_labels>", zeros(5*label), "</variable_labels><characteristics><ch>", uint32(3), "abc</ch></characteristics><data>")
	data()
	put("</data><strls></strls><value_labels></value_labels></stata_dta>")
	return b.Bytes()
}

func TestStataByteOrders(t *testing.T) {
	largest := []float64{100, 32740, 2147483620, float64(math.Float32frombits(0x7effffff)), math.Float64frombits(0x7fdfffffffffffff)}
	for _, format := range []int{113, 114, 115, 117, 118, 119} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			table, err := datafile.Read(bytes.NewReader(stataImage(format, order)), "image.dta")
			if err != nil {
				t.Errorf("format %d, %s: %v", format, order, err)
				continue
			}
			for i, c := range table.Columns {
				if x := c.Numbers; x[0] != 5 || x[1] != largest[i] || !math.IsNaN(x[2]) {
					t.Errorf("format %d, %s: %s is %v", format, order, c.Name, x)
				}
			}
		}
	}
}

// TestStataTruncated cuts files off at every byte: an error each time, unless
// only the value labels of an old file are gone.
func TestStataTruncated(t *testing.T) {
	files, err := filepath.Glob("testdata/*.dta")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		accepted := 0
		for n := range len(text) {
			_, err := datafile.Read(bytes.NewReader(text[:n]), "cut.dta")
			var fault *datafile.Error
			if err == nil {
				accepted++
			} else if !errors.As(err, &fault) {
				t.Fatalf("%s cut at %d: %T %v", file, n, err, err)
			}
		}
		if accepted > 1 {
			t.Errorf("%s: %d truncations were read", file, accepted)
		}
	}
}

func TestStataErrors(t *testing.T) {
	edit := func(format int, old, now string) []byte {
		image := stataImage(format, binary.LittleEndian)
		if !bytes.Contains(image, []byte(old)) {
			t.Fatalf("no %q in format %d", old, format)
		}
		return bytes.Replace(image, []byte(old), []byte(now), 1)
	}
	withoutRows := edit(118, "<N>\x03", "<N>\x00")
	from, to := bytes.Index(withoutRows, []byte("<data>"))+6, bytes.Index(withoutRows, []byte("</data>"))
	withoutRows = append(withoutRows[:from:from], withoutRows[to:]...)
	for _, c := range []struct {
		name  string
		image []byte
		want  string
	}{
		{"text", []byte("a,b\n1,2\n"), `x.dta: is not a Stata file that this program reads (formats 113 to 119, Stata 8 to 18); it begins with "a,b\n1,2\n"`},
		{"empty", nil, "it is empty"},
		{"new format", edit(118, "118", "121"), `this is format "121"; formats 113 to 115 and 117 to 119 are read`},
		{"byte order", edit(118, "LSF", "XSF"), "expected the order of bytes, MSF or LSF"},
		{"tag", edit(118, "<varnames>", "<varmanes>"), `expected <varnames>, found "<varmanes>"; the file is cut off or damaged`},
		{"rows", edit(118, "<N>\x03", "<N>\xff"), "255 observations of 19 bytes are declared, but"},
		{"huge rows", edit(118, "<N>\x03\x00\x00\x00\x00\x00\x00\x00", "<N>\x03\x00\x00\x00\x00\x00\x00\x7f"), "the number of observations is 9151314442816847875, more than the file has bytes"},
		{"variables", edit(118, "<K>\x05\x00", "<K>\xff\xff"), "the number of variables is 65535, more than the file has bytes"},
		{"type", edit(118, "<variable_types>\xfa\xff", "<variable_types>\x01\xff"), "the variable one has type 65281, which Stata does not know"},
		{"names", edit(118, "two\x00", "one\x00"), `columns 1 and 2 are both named "one"`},
		{"no rows", withoutRows, "has no observations"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := datafile.Read(bytes.NewReader(c.image), "x.dta")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func open(t *testing.T, path string) *datafile.Table {
	t.Helper()
	table, err := datafile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
