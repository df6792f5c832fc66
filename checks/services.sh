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

# What the kernel says first of every process, one a line, into CHECK_STAT: number, name and state. One start of cut reads them more
# cheaply than bash as soon as there are fifty. Those that end meanwhile are left out.
read_stat() {
  local all=(/proc/[0-9]*)
  CHECK_STAT=$(exec cut -b 1-90 "${all[@]/%//stat}" 2>/dev/null)$'\n'
}

# Whether the daemons of Slurm run here, by their processes: that needs no right and no systemd.
services() {
  local missing='' want
  # What another probe has read of the processes is as good.
  [[ -n ${CHECK_STAT:-} ]] || read_stat
  # This very shell is among them, or it was no whole answer.
  [[ $'\n'$CHECK_STAT == *$'\n'"$BASHPID ("* ]] || return
  for want in ${CHECK_SERVICES:-slurmd munged}; do
    [[ $CHECK_STAT == *" ($want) "* ]] || missing+="$want,"
  done
  missing=${missing%,}
  echo "services_missing=${missing:-none}"
}
services
