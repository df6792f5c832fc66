#!/usr/bin/env bash
# ---
# id: services
# question: "Do the daemons of Slurm run here?"
# scope: node
# level: node
# gate: false
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
  local dir name found=' ' missing='' want
  for dir in /proc/[0-9]*; do
    { read -r name <"$dir/comm"; } 2>/dev/null && found+="$name "
  done
  [[ $found == *' bash '* ]] || return
  for want in ${CHECK_SERVICES:-slurmd munged}; do
    [[ $found == *" $want "* ]] || missing+="$want,"
  done
  missing=${missing%,}
  echo "services_missing=${missing:-none}"
}
services
