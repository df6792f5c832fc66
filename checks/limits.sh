#!/usr/bin/env bash
# ---
# id: limits
# question: "Are the limits of a process here high enough?"
# scope: node
# level: node
# gate: true
# about: user
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

# Soft and hard limits of a process started here. The job raises the soft limit of open files to the hard one.
limits() {
  local name letter value kind
  for name in files:n processes:u memlock_kib:l; do
    letter=${name#*:}
    for kind in S H; do
      value=$(ulimit "-$kind$letter") || return
      # Unlimited is the largest number that can be compared.
      [[ $value == unlimited ]] && value=9223372036854775807
      [[ $value =~ ^[0-9]+$ ]] || return
      if [[ $kind == S ]]; then echo "limit_${name%:*}=$value"; else echo "limit_${name%:*}_hard=$value"; fi
    done
  done
}
limits
