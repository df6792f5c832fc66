#!/usr/bin/env bash
# ---
# id: processes
# question: "Are there processes that nothing can end?"
# scope: node
# level: node
# gate: false
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

# Processes that no signal ends: in uninterruptible sleep, seen twice, and zombies. Since when a process sleeps the kernel
# does not tell; its start is the most it can be, so a process that runs longer and is asleep both times counts.
asleep() { # -> "asleep PID:COMMAND" of processes in state D that started more than SECONDS ago, "zombie PID"
  local lines line fields name
  # One cat for all: a machine has thousands. Those that end meanwhile are left out.
  mapfile -t lines < <(cat /proc/[0-9]*/stat 2>/dev/null)
  for line in "${lines[@]}"; do
    [[ $line == *') '[DZ]' '* ]] || continue
    name=${line#*\(}
    name=${name%)*}
    read -ra fields <<<"${line##*) }"
    case ${fields[0]} in
      Z) echo "zombie ${line%% *}" ;;
      # Start times are in hundredths of a second since the boot, on every machine that has GPUs.
      D) ((uptime - fields[19] / 100 > limit)) && echo "asleep ${line%% *}:${name//[^A-Za-z0-9_.\/:-]/_}" ;;
    esac
  done
}

processes() {
  local uptime limit=${CHECK_D_SECONDS:-300} first second line zombies=0 stuck=''
  read -r uptime _ </proc/uptime || return
  uptime=${uptime%.*}
  first=$(asleep)
  while read -r line; do [[ $line == zombie* ]] && zombies=$((zombies + 1)); done <<<"$first"
  if [[ $first == *asleep* ]]; then
    sleep 1
    second=$(asleep)
    while read -r line; do
      [[ $line == asleep* && $'\n'$second$'\n' == *$'\n'"$line"$'\n'* ]] && stuck+="${line#asleep },"
    done <<<"$first"
  fi
  stuck=${stuck%,}
  printf '%s\n' "d_state=${stuck:-none}" "zombies=$zombies"
}
processes
