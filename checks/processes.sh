#!/usr/bin/env bash
# ---
# id: processes
# question: "Are there processes that nothing can end?"
# scope: node
# level: node
# gate: false
# shell: shared
# seconds: 15
# # D state: gcm alarms after 300 s
# limits:
#   d_seconds: 300
#   zombies: 50
# rules:
#   - fact: d_state
#     op: ne
#     limit: "none"
#     severity: warning
#     message: "in uninterruptible sleep: {d_state}"
#     fix: "cat /proc/PID/stack   # mostly a file system that does not answer"
#   - fact: zombies
#     op: gt
#     limit: zombies
#     severity: warning
#     message: "{zombies} zombies"
#     fix: "ps -eo pid,ppid,stat,comm | grep \" Z\""
# ---

# What the kernel says first of every process, one a line, into CHECK_STAT: number, name and state. One start of cut reads them more
# cheaply than bash as soon as there are fifty. Those that end meanwhile are left out.
read_stat() {
  local all=(/proc/[0-9]*)
  CHECK_STAT=$(exec cut -b 1-90 "${all[@]/%//stat}" 2>/dev/null)$'\n'
}

# Processes that no signal ends: in uninterruptible sleep, seen twice, and zombies. Since when a process sleeps the kernel
# does not tell; its start is the most it can be, so a process that runs longer and is asleep both times counts.
look() { # at CHECK_STAT; sets `zombies`, and `asleep` to " PID:COMMAND ..." of those in state D that started more than `limit` seconds ago
  local line lines name fields
  zombies=0 asleep=' '
  [[ $CHECK_STAT == *') '[DZ]' '* ]] || return
  set -f
  local IFS=$'\n'
  # shellcheck disable=SC2206 # one a line, and no patterns
  lines=($CHECK_STAT)
  IFS=' '
  for line in "${lines[@]}"; do
    case $line in
      *') Z '*) zombies=$((zombies + 1)) ;;
      [0-9]*') D '*)
        name=${line#*\(}
        name=${name%)*}
        read -r line <"/proc/${line%% *}/stat" || continue
        # shellcheck disable=SC2206
        fields=(${line##*) })
        # Start times are in hundredths of a second since the boot, on every machine that has GPUs.
        ((uptime - fields[19] / 100 > limit)) && asleep+="${line%% *}:${name//[^A-Za-z0-9_.\/:-]/_} "
        ;;
    esac
  done 2>/dev/null
  set +f
}

processes() {
  local uptime limit=${CHECK_D_SECONDS:-300} zombies asleep first one counted stuck=''
  read -r uptime _ </proc/uptime || return
  uptime=${uptime%.*}
  # What another probe has read of them is as good.
  [[ -n ${CHECK_STAT:-} ]] || read_stat
  # This very shell is among them, or it was no whole answer.
  [[ $'\n'$CHECK_STAT == *$'\n'"$BASHPID ("* ]] || return
  look
  counted=$zombies
  if [[ $asleep != ' ' ]]; then
    first=$asleep
    sleep 1
    read_stat
    look
    for one in $first; do [[ $asleep == *" $one "* ]] && stuck+="$one,"; done
  fi
  stuck=${stuck%,}
  printf '%s\n' "d_state=${stuck:-none}" "zombies=$counted"
}
processes
