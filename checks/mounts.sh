#!/usr/bin/env bash
# ---
# id: mounts
# question: "Are the file systems there, and do they answer?"
# scope: node
# level: node
# gate: true
# shell: shared
# seconds: 20
# inputs: [CHECK_MOUNTS]
# rules:
#   - fact: mounts_missing
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "not mounted: {mounts_missing}"
#     fix: "mount | grep PATH   # on this node"
#   - fact: mounts_readonly
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "mounted read-only: {mounts_readonly}"
#     fix: "dmesg | tail   # why the kernel made it read-only"
#   - fact: mounts_stuck
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "does not answer: {mounts_stuck}"
#     fix: "the server of the mount, or drain the node"
# ---

# The mounts a site names must be there; no mount of the run's paths may be read-only, stale or hanging.
mounts() {
  local mount missing='' readonly='' stuck='' table=()
  mapfile -t table </proc/mounts
  ((${#table[@]} > 0)) || return
  for mount in ${CHECK_MOUNTS:-}; do
    local found=no entry
    for entry in "${table[@]}"; do
      # Device, place, kind, options.
      entry=${entry#* }
      [[ ${entry%% *} == "$mount" ]] || continue
      found=yes
      entry=${entry#* * }
      [[ ,${entry%% *}, == *,ro,* ]] && readonly+="$mount,"
    done
    if [[ $found == no ]]; then
      missing+="$mount,"
    else
      timeout -k 1 4 stat -f "$mount" >/dev/null 2>&1 || stuck+="$mount,"
    fi
  done
  missing=${missing%,} readonly=${readonly%,} stuck=${stuck%,}
  printf '%s\n' "mounts_missing=${missing:-none}" "mounts_readonly=${readonly:-none}" "mounts_stuck=${stuck:-none}"
}
mounts
