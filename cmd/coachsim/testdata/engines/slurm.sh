#!/usr/bin/env bash
# A throw-away Slurm of one node, on loopback, for tests:
#
#   slurm.sh start DIR   start munged, slurmctld and slurmd, with all they write in DIR
#   slurm.sh stop DIR    stop them, by the pids they wrote
#
# Then SLURM_CONF=DIR/slurm.conf. Needs Debian's packages slurmctld, slurmd,
# slurm-client and munge, and a host name that resolves (root may add it).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$(realpath -m "${2:?usage: slurm.sh start|stop DIR}")
export SLURM_CONF=$dir/slurm.conf PATH=$PATH:/usr/sbin:/sbin

# running PIDFILE NAME: does that process run, under that name?
running() {
  local pid
  pid=$(cat "$1" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] &&
    ! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null
}

up() {
  case $(timeout 5 sinfo -h -o %t 2>/dev/null) in idle | mix | alloc) return 0 ;; *) return 1 ;; esac
}

start() {
  local host port i
  host=$(hostname -s)
  port=$((20000 + RANDOM % 10000))
  mkdir -p "$dir"
  mkdir -m 700 "$dir/ctld"
  mkdir -m 755 "$dir/slurmd" "$dir/munge"
  # slurmctld finds out who it is by the host's name.
  if ! getent hosts "$host" >/dev/null; then
    [ -w /etc/hosts ] || { echo "slurm.sh: the host name $host does not resolve" >&2; exit 3; }
    echo "127.0.0.1 $host" >>/etc/hosts
  fi
  (umask 077 && head -c 1024 /dev/urandom >"$dir/munge/munge.key")
  munged --force --key-file="$dir/munge/munge.key" --socket="$dir/munge/munge.socket" \
    --pid-file="$dir/munged.pid" --log-file="$dir/munged.log" --seed-file="$dir/munge/munge.seed" 2>>"$dir/munged.err"
  sed -e "s|@HOST@|$host|g" -e "s|@DIR@|$dir|g" -e "s|@USER@|$(id -un)|g" \
    -e "s|@MEM@|$(awk '/^MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)|" \
    -e "s|@CTLD_PORT@|$port|" -e "s|@SLURMD_PORT@|$((port + 1))|" -e "s|@SRUN_PORTS@|$((port + 10))-$((port + 60))|" \
    "$here/slurm.conf.in" >"$SLURM_CONF"
  slurmctld -c
  slurmd
  for ((i = 0; i < 300; i++)); do
    up && return
    sleep 0.1
  done
  echo "slurm.sh: the node did not come up" >&2
  tail -n 15 "$dir/slurmctld.log" "$dir/slurmd.log" >&2
  exit 1
}

stop() {
  local name i
  if running "$dir/slurmctld.pid" slurmctld; then
    timeout 10 scancel -u "$(id -un)" 2>/dev/null || true
  fi
  for name in slurmd slurmctld munged; do
    for ((i = 0; i < 100; i++)); do
      running "$dir/$name.pid" "$name" || break
      [ "$i" -gt 0 ] || kill "$(cat "$dir/$name.pid")"
      sleep 0.1
    done
  done
}

case $1 in
start) start ;;
stop) stop ;;
*) echo "usage: slurm.sh start|stop DIR" >&2; exit 2 ;;
esac
