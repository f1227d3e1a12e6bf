package plots

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image/png"
	"io"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// dotsPerInch is the resolution that journals ask of pictures with text.
const dotsPerInch = 300

func renderPNG(w io.Writer, d Drawing) error {
	canvas := vgimg.NewWith(vgimg.UseWH(d.Width, d.Height), vgimg.UseDPI(int(math.Round(dotsPerInch*d.scale()))))
	paint(outlined{canvas}, d)
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas.Image()); err != nil {
		return err
	}
	_, err := w.Write(withResolution(encoded.Bytes()))
	return err
}

// withResolution inserts a pHYs chunk after the header. Without it Word and
// LaTeX assume 72 or 96 dots per inch and place the picture three or four
// times too large.
func withResolution(encoded []byte) []byte {
	const header = 8 + 4 + 4 + 13 + 4 // signature, then the IHDR chunk
	perMetre := uint32(math.Round(dotsPerInch * float64(1000*vg.Millimeter/vg.Inch)))

	chunk := binary.BigEndian.AppendUint32(nil, 9) // length of the data
	chunk = append(chunk, "pHYs"...)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = append(chunk, 1) // the unit is the metre
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))

	out := make([]byte, 0, len(encoded)+len(chunk))
	out = append(out, encoded[:header]...)
	out = append(out, chunk...)
	return append(out, encoded[header:]...)
}
