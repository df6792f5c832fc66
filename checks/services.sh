#!/usr/bin/env bash
# ---
# id: services
# question: "Do the daemons of Slurm run here?"
# scope: node
# level: node
# gate: false
# shell: shared
# seconds: 5
# inputs: [CHECK_SERVICES]
# rules:
#   - fact: services_missing
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "not running: {services_missing}"
#     fix: "systemctl status slurmd munge"
# ---

# The kernel's line of every process, one a line, into CHECK_STAT: bash reads them more cheaply than it starts a program that
# does. Those that end meanwhile are left out.
read_stat() {
  local file line
  CHECK_STAT=''
  for file in /proc/[0-9]*/stat; do read -r line <"$file" && CHECK_STAT+=$line$'\n'; done
} 2>/dev/null

# Whether the daemons of Slurm run here, by their processes: that needs no right and no systemd.
services() {
  local missing='' want
  # What another probe has read of the processes is as good.
  [[ -n ${CHECK_STAT:-} ]] || read_stat
  # This very shell is among them, or it was no whole answer.
  [[ $CHECK_STAT == *' (bash) '* ]] || return
  for want in ${CHECK_SERVICES:-slurmd munged}; do
    [[ $CHECK_STAT == *" ($want) "* ]] || missing+="$want,"
  done
  missing=${missing%,}
  echo "services_missing=${missing:-none}"
}
services
