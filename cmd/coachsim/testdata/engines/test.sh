#!/usr/bin/env bash
# Runs a study in shards on a real Slurm and on GNU parallel, with shards that are
# cancelled, requeued and fail, submits again what merge says, and wants the
# bytes of a run on one machine. An engine that is not installed is skipped, or
# with COACHSIM_INSTALL=1 in the environment installed from Debian's packages.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
slurm=
trap '[ -z "$slurm" ] || "$here/slurm.sh" stop "$slurm"; rm -rf "$work"' EXIT
export PATH=$PATH:/usr/sbin:/sbin

fail() {
  echo "FAIL: $*" >&2
  exit 1
}

# have ENGINE PROGRAM PACKAGE...
have() {
  command -v "$2" >/dev/null && return
  if [ -n "${COACHSIM_INSTALL:-}" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null &&
    apt-get update -qq >/dev/null 2>&1 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:3}" >/dev/null 2>&1; then
    return
  fi
  echo "SKIP: $1 is not installed (Debian: ${*:3})"
  return 1
}

# same A B: two run directories are the same, byte for byte, with all their chunks.
# When and for how long machines worked (provenance.json) is another matter.
same() {
  [ "$(find "$1/chunks" -name '*.parquet' | wc -l)" -eq "$chunks" ] || fail "$1 lacks chunks"
  diff -r -x provenance.json "$1" "$2" || fail "$2 is not $1"
}

# again LOG: what merge says to run.
again() { sed -n 's/^or submit them again: //p' "$1"; }

go build -o "$work/coachsim" "$here/../.."
study=$here/../small.yaml

test_slurm() {
  have Slurm slurmctld slurmctld slurmd slurm-client munge || return 0
  slurm=$work/slurmd
  "$here/slurm.sh" start "$slurm"
  export SLURM_CONF=$slurm/slurm.conf
  local dir=$work/many-shards array k
  # Shards 0 and 1 pause when they are first run and have kept something, however fast
  # the machine is and however slow Slurm.
  cat >"$work/paused" <<END
#!/bin/sh
k=\$SLURM_ARRAY_TASK_ID
case \$1-\$k in
run-0 | run-1)
  if mkdir "$work/run-\$k" 2>/dev/null; then
    pid=\$\$
    (
      until ls "$dir/\$k-of-8/chunks" 2>/dev/null | grep -q parquet; do sleep 0.01; done
      kill -STOP \$pid && touch "$work/paused-\$k"
    ) &
  fi
  ;;
esac
exec "$work/coachsim" "\$@"
END
  chmod 755 "$work/paused"
  "$work/coachsim" submit "$study" --replicates $((100 * chunks)) --engine slurm --shards 8 --time 10m --memory 128M --program "$work/paused" --out "$work/many"
  array=$(squeue -h -r -o %F -n coachsim-small | head -n 1)

  # Two shards at a time: 0 and 1 begin. 1 is cancelled and 0 requeued in the
  # middle; both go on with SIGTERM, keep what they have, and end with 75.
  for k in 0 1; do
    await "[ -e '$work/paused-$k' ]" "shard $k did not begin"
  done
  scancel "${array}_1"
  scontrol requeue "${array}_0"
  wait_jobs
  grep -q '^Interrupted after [1-9].* of shard 0/8' "$dir/logs/shard-0.log" || fail "shard 0 was not requeued in the middle"
  grep -q '^Finished shard 0/8' "$dir/logs/shard-0.log" || fail "shard 0 did not go on"
  grep -q '^Interrupted after [1-9].* of shard 1/8' "$dir/logs/shard-1.log" || fail "shard 1 was not cancelled in the middle"

  # The merge ran all the same, and says that shard 1 is missing, and no other.
  [ ! -e "$work/many" ] || fail "merged what is not whole"
  [ "$(again "$dir/logs/merge.log")" = "sh $dir/submit.sh 1" ] || fail "merge says: $(cat "$dir/logs/merge.log")"
  touch "$work/before"
  eval "$(again "$dir/logs/merge.log")"
  wait_jobs
  [ "$(grep -l '^Finished' "$dir"/logs/shard-*.log | wc -l)" -eq 8 ] || fail "not all shards finished"
  [ -z "$(find "$dir"/[02-7]-of-8 -newer "$work/before")" ] || fail "more than shard 1 was run again"
  same "$work/local" "$work/many"
  echo "Slurm: an array of 8 with one task cancelled and one requeued equals the local run"
}

wait_jobs() {
  await '[ -z "$(squeue -h)" ]' "jobs did not end"
}

# await CONDITION SAY: until CONDITION holds, or two minutes have passed.
await() {
  local i
  for ((i = 0; i < 600; i++)); do
    eval "$1" && return
    sleep 0.2
  done
  squeue >&2
  fail "$2"
}

test_parallel() {
  have "GNU parallel" parallel parallel || return 0
  local dir="$work/a few-shards"
  # Shard 3 is stopped when it is first run, and shard 5 twice.
  cat >"$work/stopped" <<END
#!/bin/sh
case \$4 in
3/8) [ -e "$work/once" ] || { touch "$work/once"; exit 75; } ;;
5/8) [ -e "$work/twice" ] || { mv "$work/first" "$work/twice" 2>/dev/null || touch "$work/first"; exit 75; } ;;
esac
exec "$work/coachsim" "\$@"
END
  chmod 755 "$work/stopped"
  if "$work/coachsim" submit "$study" --replicates $((100 * chunks)) --engine parallel --shards 8 --program "$work/stopped" --out "$work/a few" 2>"$work/log"; then
    fail "a shard failed and submit did not"
  fi
  [ "$(again "$work/log")" = "sh '$dir/submit.sh' 3,5" ] || fail "merge says: $(cat "$work/log")"
  # All again: only those that failed are run.
  rm -f "$dir"/logs/*
  sh "$dir/submit.sh" 2>"$work/log" && fail "shard 5 failed and submit.sh did not"
  [ "$(cd "$dir/logs" && echo *)" = "shard-3.log shard-5.log" ] || fail "ran $(ls "$dir/logs") again, not 3 and 5"
  # Some again.
  eval "$(again "$work/log")" >"$work/table"
  same "$work/local" "$work/a few"
  grep -q 'simulated trials' "$work/table" || fail "no table"
  echo "GNU parallel: 8 shards of which two failed equal the local run"
}

chunks=240
"$work/coachsim" run "$study" --replicates $((100 * chunks)) --out "$work/local" --progress none >"$work/table"
test_slurm
test_parallel
