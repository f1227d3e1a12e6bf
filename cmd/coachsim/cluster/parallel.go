package cluster

var parallel = Engine{
	Name:  "parallel",
	About: "GNU parallel, on this machine or on others by ssh",
	Flags: []string{"at-once", "program", "hosts"},
	files: func(j Job) []File {
		return []File{
			render("shard.sh", parallelShard, j),
			render("submit.sh", parallelSubmit, j),
		}
	},
}

const parallelShard = `#!/bin/sh
# One of {{.Shards}} shards: sh shard.sh 3
exec {{quote .Program}} run {{quote (path "study.yaml")}} \
  --shard "$1/{{.Shards}}" --out {{quote (path "{shard}")}} \
  --resume --workers {{.Limits.CPUs}} --progress plain >> {{quote (path "logs" "shard-")}}"$1.log" 2>&1
`

// A signal to the script is passed on to parallel, which would run on without it.
// --termseq: by itself parallel sends a second SIGTERM after 0.2 s, which ends
// coachsim before it has finished the replicates in flight. The places in a job
// log are those in the list of arguments, so some shards get a log of their own.
const parallelSubmit = `#!/bin/sh
# {{.Submit}}
#
# Runs all {{.Shards}} shards, or, if it did so before, those that did not end well; then
# merges them. Or runs some shards:
#   sh submit.sh 3,5-7
set -eu
log={{quote (path "joblog")}}
shards=0-{{last}}
if [ $# -gt 0 ]; then
  log={{quote (path "joblog-again")}}
  rm -f "$log"
  shards=$1
fi
export PARALLEL_SHELL=/bin/sh
stopped=
echo "$shards" | tr , '\n' | while IFS=- read -r first last; do seq "$first" "${last:-$first}"; done |
  parallel -q --joblog "$log" --resume-failed {{with .Options.Hosts}}--sshlogin {{quote .}} {{end}}--jobs {{.ParallelJobs}} \
    --termseq TERM,60000,KILL,100 sh {{quote (path "shard.sh")}} &
jobs=$!
trap 'stopped=yes; kill -TERM "$jobs"' HUP INT TERM
failed=0
wait "$jobs" || failed=$?
[ -z "$stopped" ] || wait "$jobs" || true
[ "$failed" -eq 0 ] || echo 'Some shards did not end well; see {{path "logs"}}.' >&2
exec {{quote .Program}} merge {{quote .Dir}} --out {{quote .Out}}
`
