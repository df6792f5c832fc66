#!/usr/bin/env bash
# ---
# id: host
# question: "Has the node memory, and has it just been started?"
# scope: node
# level: node
# gate: true
# shell: shared
# seconds: 5
# # uptime: gcm warns below 600 s
# limits:
#   memory_free_percent: 20
#   swap_used_mib: 1024
#   uptime_seconds: 600
# rules:
#   - fact: memory_free_percent
#     op: lt
#     limit: memory_free_percent
#     severity: warning
#     message: "{memory_free_percent} % of {memory_total_gib} GiB of memory is free"
#     fix: "ps -eo rss,user,comm --sort=-rss | head"
#   - fact: swap_used_mib
#     op: gt
#     limit: swap_used_mib
#     severity: warning
#     message: "{swap_used_mib} MiB are swapped out"
#     fix: "vmstat 1"
#   - fact: uptime_seconds
#     op: lt
#     limit: uptime_seconds
#     severity: warning
#     message: "started {uptime_seconds} s ago"
#     fix: "uptime   # why was it restarted?"
#   - fact: memory_total_gib
#     op: differs
#     severity: warning
#     message: "{memory_total_gib} GiB of memory, elsewhere {common}"
#     fix: "dmidecode -t memory   # a module may have failed"
# ---

# Memory, swap in use and the time since the boot.
host() {
  local lines=() line total='' available='' swap='' swap_free='' uptime=''
  mapfile -t lines </proc/meminfo
  for line in ${lines[@]+"${lines[@]}"}; do
    case $line in
      MemTotal:*) total=${line#*:} total=${total//[ kB]/} ;;
      MemAvailable:*) available=${line#*:} available=${available//[ kB]/} ;;
      SwapTotal:*) swap=${line#*:} swap=${swap//[ kB]/} ;;
      # The last of them.
      SwapFree:*) swap_free=${line#*:} swap_free=${swap_free//[ kB]/} && break ;;
    esac
  done
  read -r uptime _ </proc/uptime
  [[ $total =~ ^[0-9]+$ && $available =~ ^[0-9]+$ && $swap =~ ^[0-9]+$ && $swap_free =~ ^[0-9]+$ && $uptime =~ ^[0-9.]+$ ]] || return
  printf '%s\n' "memory_total_gib=$((total / 1048576))" "memory_free_percent=$((available * 100 / total))" "swap_used_mib=$(((swap - swap_free) / 1024))" "uptime_seconds=${uptime%.*}"
}
host
