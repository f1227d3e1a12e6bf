#!/bin/sh
# Draws the figures of docs/gallery.md anew, from runs of a few seconds: sh docs/gallery.sh
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/coachsim" ./cmd/coachsim
coachsim() { "$work/coachsim" "$@"; }

# Runs: eight methods with few schools, thinned out; a grid of sizes and effects;
# the trial of Ecuador.
coachsim run few-clusters --replicates 1000 --no-figures --progress none --out "$work/few" --set 'estimators=[
  {name: CR0, kind: ols, formula: reading ~ coaching, cluster: school, se: CR0, report: [coaching]},
  {name: CR2, kind: ols, formula: reading ~ coaching, cluster: school, se: CR2, report: [coaching]},
  {name: mixed, kind: mixed, formula: "reading ~ coaching + (1 | school)", df: kenward-roger, report: [coaching]}]' >/dev/null
coachsim run few-clusters --replicates 1000 --no-figures --progress none --out "$work/grid" --set 'estimators=[
  {name: CR2, kind: ols, formula: reading ~ coaching, cluster: school, se: CR2, report: [coaching]}]' \
  --set 'sweep={trial.schools: [8, 12, 20, 30, 40], achievement.effect.mean: [[0.1], [0.2], [0.3], [0.4], [0.5]]}' >/dev/null
coachsim run ecuador --replicates 10 --no-figures --progress none --out "$work/ecuador" >/dev/null

draw() { # RUN NAME FLAGS...
  run=$work/$1 name=$2
  shift 2
  coachsim plot "$run" --name "$name" --format svg "$@"
  cp "$run/figures/$name.svg" docs/gallery/
}
draw grid power-curve --kind power-curve --x effect --by schools
draw grid contour --kind contour --x schools --by effect
draw few mdes --kind mdes --x schools --by estimator --only effect=0 --only children.sd=30
draw few nested-loop --kind nested-loop --measure coverage
draw few lollipop --kind lollipop --only schools=8 --only effect=0
draw few zip --kind zip --only schools=8 --only children.sd=30 --only effect=0.4
draw few p-values --kind p-values --only schools=8 --only children.sd=30 --only effect=0 --size 120
draw few scatter --kind scatter --only schools=8 --only children.sd=30 --only effect=0.4
draw few sampling --kind sampling --only schools=8 --only children.sd=30 --only effect=0.4
coachsim run docs/mediation-error.yaml --no-figures --progress none --out "$work/error" >/dev/null
draw error mediation-error --kind nested-loop --measure bias --only term=indirect
coachsim run docs/mediation-error.yaml --replicates 500 --no-figures --progress none --out "$work/joint" --set 'estimators=[{name: joint,
  kind: mediation, method: joint, formula: "reading ~ $paths | block", mediator: "c(support, order) ~ coaching | block", cluster: school, se: CR1}]' \
  --set 'sweep={trial.schools: [6, 10, 14, 20, 26], observation.segments: [1, 2, 4, 8]}' >/dev/null
draw joint mediation-power --kind contour --x schools --by segments --only term=indirect
for world in ecuador ecuador-disruption; do
  sed "s/^like: ecuador/like: $world/" docs/mediation.yaml >"$work/$world.yaml"
  coachsim run "$work/$world.yaml" --replicates 1000 --no-figures --progress none --out "$work/paths-$world" >/dev/null
  draw "paths-$world" "paths-$world" --kind path-diagram --only estimator=domains-by-arm
done
# The cohorts of Tanzania with other estimators, without what is published of theirs.
teachers() { # NAME REPLICATES < ESTIMATORS
  { printf 'like: tanzania-math\nreplicates: %s\nprimary: null\npublished: null\nfigures: []\nestimators:\n' "$2"; cat; } >"$work/$1.yaml"
  coachsim run "$work/$1.yaml" --no-figures --progress none --out "$work/$1" >/dev/null
}
teachers lassos 200 <<'END'
  - {name: cv-min, kind: lasso, formula: gain ~ $covariates, lambda: cv-min}
  - {name: cv-1se, kind: lasso, formula: gain ~ $covariates, lambda: cv-1se}
END
draw lassos selection --kind selection
draw lassos cv-curve --kind cv-curve --only estimator=cv-min
teachers trees 1 <<'END'
  - {name: example-tree, kind: ctree, formula: gain ~ $covariates, adjust: univariate, maxdepth: 2}
  - {name: forest, kind: cforest, formula: gain ~ $covariates, mtry: 7}
END
draw trees tree --kind tree
draw trees partial-dependence --kind partial-dependence
coachsim run docs/correlated-importance.yaml --no-figures --progress none --out "$work/correlated" >/dev/null
draw correlated correlated-importance --kind importance --only correlation=0.9
draw ecuador densities --kind densities
draw ecuador design --kind design
cp "$work/ecuador/figures/densities-domains.svg" docs/gallery/
coachsim optimise few-clusters --set sweep={} --set achievement.effect.mean=[0.4] --set 'cost={school: 500, treated_school: 2000, child: 12}' \
  --vary trial.schools=10:80:10 --vary trial.tested=5:25:5 --replicates 1000 --test CR2 --quiet --figure "$work/frontier.svg" >/dev/null
cp "$work/frontier.svg" docs/gallery/
coachsim reliability docs/measurement.yaml --days 1:3 --segments 1,2,4 --coders 2 --replicates 10 --figure "$work/reliability.svg" >/dev/null
cp "$work/reliability.svg" docs/gallery/
