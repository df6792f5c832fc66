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
asleep() { # -> PID:COMMAND of processes in state D that started more than SECONDS ago
  local dir line fields name
  for dir in /proc/[0-9]*; do
    { IFS= read -r line <"$dir/stat"; } 2>/dev/null || continue
    name=${line#*\(}
    name=${name%)*}
    read -ra fields <<<"${line##*) }"
    if [[ ${fields[0]} == Z ]]; then echo "zombie ${dir#/proc/}"; fi
    [[ ${fields[0]} == D ]] || continue
    # Start times are in hundredths of a second since the boot, on every machine that has GPUs.
    ((uptime - fields[19] / 100 > limit)) && echo "asleep ${dir#/proc/}:${name//[^A-Za-z0-9_.\/:-]/_}"
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
