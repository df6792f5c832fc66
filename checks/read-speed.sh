#!/usr/bin/env bash
# ---
# id: read-speed
# question: "Does every node read the data equally fast?"
# scope: node
# level: node
# gate: false
# shell: shared
# seconds: 30
# faults: [30]
# inputs: [CHECK_DATA_PATHS]
# # In the fault table one node read at 365 it/s and another at 970 it/s
# limits:
#   read_share_percent: 50
# rules:
#   - fact: read_mib_per_second
#     op: below-median
#     limit: read_share_percent
#     when: { read_done: "yes" }
#     severity: warning
#     message: "reads {read_mib_per_second} MiB/s, the median of the nodes is {median}"
#     fix: "dd if=FILE of=/dev/null bs=1M count=256 iflag=direct   # mount options, route to the storage"
# ---

# Reads a bounded piece of the run's own data past the page cache, or, where the file system has no O_DIRECT, a piece whose
# pages this node's cache was asked to drop. Compared between nodes; a single number says little.
read_speed() {
  local file='' entry candidate size start end piece=${CHECK_READ_MIB:-64} direct=yes skip micro
  while IFS= read -r entry; do
    if [[ -d $entry ]]; then
      for candidate in "$entry"/*; do [[ -f $candidate && -r $candidate ]] && file=$candidate && break; done
    elif [[ -f $entry && -r $entry ]]; then
      file=$entry
    fi
    [[ -z $file ]] || break
  done <<<"${CHECK_DATA_PATHS:-}"
  if [[ -z $file ]]; then
    printf '%s\n' read_from=none read_done=no
    return
  fi
  size=$(timeout -k 1 5 stat -Lc %s "$file" 2>/dev/null) || return
  ((size / 1048576 < piece)) && piece=$((size / 1048576))
  if ((piece < 4)); then
    printf '%s\n' read_from=too-small read_done=no
    return
  fi
  # Another place on every node, so that one node does not read what another has just warmed up on the server.
  skip=$(((RANDOM * 32768 + RANDOM) % (size / 1048576 - piece + 1)))
  start=$(date +%s%6N)
  if ! timeout -k 1 "${CHECK_SECONDS_EACH:-8}" dd if="$file" of=/dev/null bs=1M count="$piece" skip="$skip" iflag=direct status=none 2>/dev/null; then
    direct=no
    timeout -k 1 3 dd if="$file" bs=1M count=0 iflag=nocache status=none 2>/dev/null
    start=$(date +%s%6N)
    timeout -k 1 "${CHECK_SECONDS_EACH:-8}" dd if="$file" of=/dev/null bs=1M count="$piece" skip="$skip" status=none 2>/dev/null || return
  fi
  end=$(date +%s%6N)
  micro=$((end > start ? end - start : 1))
  printf '%s\n' read_done=yes "read_from=$file" "read_direct=$direct" "read_mib=$piece" "read_mib_per_second=$((piece * 1000000 / micro))"
}
read_speed
