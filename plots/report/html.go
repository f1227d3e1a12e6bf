package report

import (
	"bytes"
	"embed"
	"html/template"
	"io"
)

//go:embed html
var pages embed.FS

var page = template.Must(template.New("page.html").ParseFS(pages, "html/*.html"))

// WritePage writes the report as one HTML page that loads nothing.
func WritePage(w io.Writer, r Run) error {
	var out bytes.Buffer
	if err := page.Execute(&out, r); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}
