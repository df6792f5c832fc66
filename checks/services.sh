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

# Whether the daemons of Slurm run here, by their processes: that needs no right and no systemd.
services() {
  local missing='' want
  # What another probe has read of the processes is as good.
  [[ -n ${CHECK_STAT:-} ]] || CHECK_STAT=$(cat /proc/[0-9]*/stat 2>/dev/null)
  # This very shell is among them, or it was no whole answer.
  [[ $CHECK_STAT == *' (bash) '* ]] || return
  for want in ${CHECK_SERVICES:-slurmd munged}; do
    [[ $CHECK_STAT == *" ($want) "* ]] || missing+="$want,"
  done
  missing=${missing%,}
  echo "services_missing=${missing:-none}"
}
services
