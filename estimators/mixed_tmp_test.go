package estimators_test

import (
	"testing"

	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

func TestTmpMixed(t *testing.T) {
	design := estimatortest.Design{Blocks: 2, Schools: 5, Teachers: 2, Children: 2, Effect: 0.3, Shared: 0}
	o := estimators.Mixed{Formula: "score ~ rural + (1 | block/school)", Report: []string{"rural", "(Intercept)"}}
	d := design.Draw(3)
	t.Log(d.N, d.TeacherSchool, d.ChildStart)
	got := fitMixed(t, o, d, design.Shape())
	want, _ := estimatortest.Mixed(o, d, design.Shape(), nil)
	t.Log(got, want)
}
