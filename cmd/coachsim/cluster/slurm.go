package cluster

var slurm = Engine{
	Name:  "slurm",
	About: "an array job and a merge that waits for it",
	Flags: []string{"at-once", "time", "memory", "program", "partition", "account", "sbatch"},
	files: func(j Job) []File {
		return []File{
			render("shards.sh", slurmShards, j),
			render("merge.sh", slurmMerge, j),
			render("submit.sh", slurmSubmit, j),
		}
	},
}

// The binary replaces the shell (exec), and the signal goes to the batch step
// (B:), since otherwise SIGTERM ends the shell and nobody tells coachsim. The
// number of shards is written here: SLURM_ARRAY_TASK_COUNT is how many tasks
// were submitted, which is fewer when some are submitted again. A requeued task
// appends to its log and goes on where it stopped.
const slurmShards = `#!/bin/sh
#SBATCH --job-name={{slug}}
#SBATCH --array=0-{{last}}{{with .AtOnce}}%{{.}}{{end}}
#SBATCH --output="{{path "logs" "shard-%a.log"}}"
#SBATCH --open-mode=append
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={{.Limits.CPUs}}
#SBATCH --mem={{.Limits.MemoryMiB}}M
#SBATCH --time={{.Limits.Minutes}}
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
` + slurmWhere + `
# One of {{.Shards}} shards. exec, so that SIGTERM reaches coachsim: it then keeps what it has and
# ends with exit code 75; started again, it goes on from there.
export GOMEMLIMIT={{.Limits.GoMemory}}
exec {{quote .Program}} run {{quote (path "study.yaml")}} \
  --shard "$SLURM_ARRAY_TASK_ID/{{.Shards}}" --out {{quote (path "{shard}")}} \
  --resume --workers {{.Limits.CPUs}} --progress plain
`

// slurmWhere is what the user's site wants of every job.
const slurmWhere = `{{with .Options.Partition}}#SBATCH --partition={{.}}
{{end}}{{with .Options.Account}}#SBATCH --account={{.}}
{{end}}{{range .Options.Slurm}}#SBATCH {{.}}
{{end}}`

const slurmMerge = `#!/bin/sh
#SBATCH --job-name={{slug}}-merge
#SBATCH --output="{{path "logs" "merge.log"}}"
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem={{.Limits.Merging.MemoryMiB}}M
#SBATCH --time={{.Limits.Merging.Minutes}}
` + slurmWhere + `
export GOMEMLIMIT={{.Limits.Merging.GoMemory}}
exec {{quote .Program}} merge {{quote .Dir}} --out {{quote .Out}}
`

// afterany, not afterok: a merge that waits for a shard that failed would wait
// for ever; run, it says which shards are missing.
const slurmSubmit = `#!/bin/sh
# {{.Submit}}
#
# Submits all {{.Shards}} shards and their merge, or some shards again and the merge:
#   sh submit.sh 3,5-7
set -eu
shards=$(sbatch --parsable --array="${1:-0-{{last}}}{{with .AtOnce}}%{{.}}{{end}}" {{quote (path "shards.sh")}})
shards=${shards%%;*}
merge=$(sbatch --parsable --dependency="afterany:$shards" {{quote (path "merge.sh")}})
merge=${merge%%;*}
echo "Submitted: the shards as job $shards; their merge, when all have ended, as job $merge."
echo 'It writes {{.Out}}, or into {{path "logs" "merge.log"}} which shards are missing.'
`
