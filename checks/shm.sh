#!/usr/bin/env bash
# ---
# id: shm
# question: "Has /dev/shm room for NCCL and the data loaders, and no leftovers of runs that ended?"
# scope: node
# level: node
# gate: true
# shell: shared
# seconds: 15
# faults: [6]
# limits:
#   shm_free_mib: 1024
# rules:
#   - fact: shm_free_mib
#     op: lt
#     limit: shm_free_mib
#     severity: critical
#     message: "{shm_free_mib} MiB free in /dev/shm, of {shm_total_mib}"
#     fix: "opsctl runbook show shm-exhausted"
#   - fact: shm_leftovers
#     op: gt
#     limit: 0
#     severity: warning
#     message: "{shm_leftovers} nccl-* files of ended processes in /dev/shm, {shm_leftovers_mib} MiB, the oldest {shm_leftovers_oldest_seconds} s old"
#     fix: "opsctl runbook show shm-exhausted"
# ---

# Room in /dev/shm, and what earlier runs left. NCCL keeps a file a channel there and takes it away when it ends well; a
# file that a process still maps or holds belongs to a living run.
shm() {
  local dir=/dev/shm line free total file pid held='' mine=0 others=0 oldest=0 bytes=0 now age size owner me others_unseen=0
  line=$(df -k --output=size,avail "$dir" 2>/dev/null)
  [[ ${line##*$'\n'} =~ ^\ *([0-9]+)\ +([0-9]+)$ ]] || return
  total=${BASH_REMATCH[1]} free=${BASH_REMATCH[2]}
  printf '%s\n' "shm_free_mib=$((free / 1024))" "shm_total_mib=$((total / 1024))"

  printf -v now '%(%s)T' -1
  me=$EUID
  for file in "$dir"/nccl-*; do
    [[ -e $file ]] || continue
    read -r size owner age < <(stat -c '%s %u %Y' "$file" 2>/dev/null) || continue
    if [[ -z $held ]]; then
      held=' '
      for pid in /proc/[0-9]*; do
        while IFS= read -r line; do
          [[ $line == */nccl-* ]] && held+="${line##*/} "
        done < <(cat "$pid/maps" 2>/dev/null; readlink "$pid"/fd/* 2>/dev/null)
      done
    fi
    [[ $held == *" ${file##*/} "* ]] && continue
    # Another user's process cannot be looked into: whether his file is in use is not known, so it is only counted.
    if [[ $owner != "$me" && $me != 0 ]]; then
      others_unseen=$((others_unseen + 1))
      continue
    fi
    if [[ $owner == "$me" ]]; then mine=$((mine + 1)); else others=$((others + 1)); fi
    bytes=$((bytes + size))
    ((now - age > oldest)) && oldest=$((now - age))
  done
  printf '%s\n' "shm_leftovers=$((mine + others))" "shm_leftovers_own=$mine" "shm_leftovers_mib=$((bytes / 1048576))" \
    "shm_leftovers_oldest_seconds=$oldest" "shm_files_of_others=$others_unseen"
}
shm
