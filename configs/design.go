package configs

import (
	"fmt"

	"coachsim/configs/strict"
	"coachsim/sim"
)

// A Design is a study whose keys a search varies.
type Design struct{ doc *strict.Document }

// LoadDesign reads a study as Load does, to vary its keys. It must have no
// sweep of its own.
func LoadDesign(name string, text []byte, settings []Setting) (*Design, sim.Study, error) {
	study, err := Load(name, text, settings)
	if err != nil {
		return nil, study, err
	}
	doc, err := strict.Parse(strict.Source{Name: name, Text: text})
	if err != nil {
		return nil, study, err
	}
	for _, s := range settings {
		if err := doc.Set(s.Key, s.Value); err != nil {
			return nil, study, err
		}
	}
	if len(study.Cells) > 0 {
		return nil, study, strict.Faults{doc.Fault("sweep", "a search varies keys itself, so the study must have no sweep", "--set 'sweep={}' takes it out")}
	}
	return &Design{doc}, study, nil
}

// At returns the study with keys at values.
func (d *Design) At(settings []Setting) (sim.Study, error) {
	doc := d.doc.Clone()
	for _, s := range settings {
		if err := doc.SetFrom(fmt.Sprintf("%s=%s", s.Key, s.Value), s.Key, s.Value); err != nil {
			return sim.Study{}, err
		}
	}
	read := file{Study: sim.DefaultStudy()}
	if err := doc.Decode(&read, kinds()); err != nil {
		return sim.Study{}, err
	}
	if faults := validate(doc, read.Study); len(faults) > 0 {
		return sim.Study{}, faults
	}
	return read.Study, nil
}
