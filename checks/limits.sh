#!/usr/bin/env bash
# ---
# id: limits
# question: "Are the limits of a process here high enough?"
# scope: node
# level: node
# gate: true
# about: user
# shell: shared
# seconds: 5
# faults: [21]
# # memlock: gcm warns below 16 GiB
# limits:
#   limit_files: 65536
#   limit_processes: 16384
#   limit_memlock_kib: 16777216
# rules:
#   - fact: limit_files_hard
#     op: lt
#     limit: limit_files
#     severity: critical
#     message: "at most {limit_files_hard} open files: workers of the data loader will fail"
#     fix: "ulimit -Hn   # the admin raises nofile in /etc/security/limits.d and for slurmd"
#   - fact: limit_files
#     op: lt
#     limit: limit_files
#     when: { limit_files_raised: "yes" }
#     severity: warning
#     message: "{limit_files} open files by default; the job raises this to {limit_files_hard}"
#     fix: "ulimit -n \"$(ulimit -Hn)\""
#   - fact: limit_processes
#     op: lt
#     limit: limit_processes
#     severity: warning
#     message: "at most {limit_processes} processes and threads"
#     fix: "ulimit -u \"$(ulimit -Hu)\""
#   - fact: limit_memlock_kib
#     op: lt
#     limit: limit_memlock_kib
#     severity: warning
#     message: "{limit_memlock_kib} KiB of locked memory: RDMA cannot register its buffers"
#     fix: "LimitMEMLOCK=infinity in the unit of slurmd, and PropagateResourceLimitsExcept=MEMLOCK"
# ---

# Soft and hard limits of a process started here, by the kernel's own table. The job raises the soft limit of open files to
# the hard one.
limits() {
  local lines=() line name unit=1 soft hard
  mapfile -t lines </proc/self/limits
  for line in ${lines[@]+"${lines[@]}"}; do
    unit=1
    case $line in
      'Max open files '*) name=limit_files ;;
      'Max processes '*) name=limit_processes ;;
      'Max locked memory '*) name=limit_memlock_kib unit=1024 ;;
      *) continue ;;
    esac
    [[ $line =~ \ ([0-9]+|unlimited)\ +([0-9]+|unlimited)\  ]] || return
    soft=${BASH_REMATCH[1]} hard=${BASH_REMATCH[2]}
    # Unlimited is the largest number that can be compared.
    if [[ $soft == unlimited ]]; then soft=9223372036854775807; else soft=$((soft / unit)); fi
    if [[ $hard == unlimited ]]; then hard=9223372036854775807; else hard=$((hard / unit)); fi
    printf '%s\n' "$name=$soft" "${name}_hard=$hard"
    [[ $name == limit_files ]] || continue
    if ((soft < hard)); then echo limit_files_raised=yes; else echo limit_files_raised=no; fi
  done
}
limits
