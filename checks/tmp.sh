#!/usr/bin/env bash
# ---
# id: tmp
# question: "Is there room where temporary files and caches go?"
# scope: node
# level: node
# gate: true
# shell: shared
# seconds: 20
# faults: [14]
# limits:
#   tmp_free_mib: 2048
#   tmp_inodes_percent: 90
# rules:
#   - fact: tmp_free_mib
#     op: lt
#     limit: tmp_free_mib
#     severity: critical
#     message: "{tmp_free_mib} MiB free in {tmp_tightest}"
#     fix: "--data-root DIR   # caches and TMPDIR go under it"
#   - fact: tmp_inodes_percent
#     op: ge
#     limit: tmp_inodes_percent
#     severity: warning
#     message: "{tmp_inodes_percent} % of the inodes are used where caches go"
#     fix: "df -i {tmp_tightest}"
# ---

# Space and inodes where temporary files and caches go; the least of all of them counts (fault 14: a small /tmp).
tmp_space() {
  local places=() there=() place rows free='' percent='' least='' where='' inodes=0
  places=("${TMPDIR:-/tmp}" "${HF_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}}" "${HF_DATASETS_CACHE:-}" "${TRITON_CACHE_DIR:-}" "${TORCH_EXTENSIONS_DIR:-}")
  for place in "${places[@]}"; do
    [[ -n $place ]] || continue
    until [[ -d $place || $place == / ]]; do place=${place%/*} && place=${place:-/}; done
    there+=("$place")
  done
  # One df for all of them, since its start is most of what this takes: a line for each, in their order.
  rows=$(df -k --output=avail,ipcent -- "${there[@]}" 2>/dev/null) || return
  for place in "${there[@]}"; do
    rows=${rows#*$'\n'}
    [[ ${rows%%$'\n'*} =~ ^\ *([0-9]+)\ +([0-9]+%|-)$ ]] || return
    free=${BASH_REMATCH[1]} percent=${BASH_REMATCH[2]%\%}
    # Some file systems (btrfs) make inodes as they are needed.
    [[ $percent == - ]] && percent=0
    ((percent > inodes)) && inodes=$percent
    [[ -n $least && $least -le $free ]] || least=$free where=$place
  done
  printf '%s\n' "tmp_free_mib=$((least / 1024))" "tmp_tightest=$where" "tmp_inodes_percent=$inodes"
}
tmp_space
