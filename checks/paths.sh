#!/usr/bin/env bash
# ---
# id: paths
# question: "Do the paths of the run exist here, and can this node write where the run writes?"
# scope: both
# level: run
# gate: true
# seconds: 30
# inputs: [CHECK_READ_PATHS, CHECK_WRITE_PATHS]
# rules:
#   - fact: paths_unreadable
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "not readable here: {paths_unreadable}"
#     fix: "ls -ld PATH   # on this node; is its file system mounted?"
#   - fact: paths_unwritable
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "not writable here: {paths_unwritable}"
#     fix: "--output DIR   # a directory that every node can write"
# ---

# Every path is tried in a child with a limit: a dead NFS or Lustre mount hangs whoever touches it, and stays there.
try() { timeout -k 1 "${CHECK_SECONDS_EACH:-5}" bash -c "$1" opsctl "${@:2}" 2>/dev/null; }

# What a run needs of a place it writes to: create, write, fsync, delete.
write_here() { # PATH -> ok, or why not
  local code
  # shellcheck disable=SC2016
  try '
    place=$1
    until [[ -e $place ]]; do place=${place%/*}; [[ -n $place ]] || place=/; done
    [[ -d $place ]] || exit 20
    file=$(mktemp "$place/.opsctl-write.XXXXXX") || { [[ -w $place ]] && exit 22; exit 21; }
    trap "rm -f -- \"\$file\"" EXIT
    dd if=/dev/zero of="$file" bs=4096 count=1 conv=fsync status=none || exit 22
    [[ $(wc -c <"$file") == 4096 ]] || exit 22' "$1"
  code=$?
  case $code in
    0) echo ok ;;
    20) echo not-a-directory ;;
    21) echo not-writable ;;
    22) echo write-failed ;;
    124 | 137) echo hangs ;;
    *) echo failed ;;
  esac
}

read_here() { # PATH -> ok, or why not
  local code
  # shellcheck disable=SC2016
  try '[[ -e $1 ]] || exit 20; [[ -r $1 ]] || exit 21; [[ ! -d $1 ]] || ls -A "$1" >/dev/null || exit 22' "$1"
  code=$?
  case $code in
    0) echo ok ;;
    20) echo missing ;;
    21) echo not-readable ;;
    22) echo read-failed ;;
    124 | 137) echo hangs ;;
    *) echo failed ;;
  esac
}

# The lists are newline separated: a path may hold spaces.
paths() {
  local path state unreadable='' unwritable='' checked=0
  while IFS= read -r path; do
    [[ -n $path ]] || continue
    checked=$((checked + 1))
    state=$(read_here "$path")
    [[ $state == ok ]] || unreadable+="$path ($state), "
  done <<<"${CHECK_READ_PATHS:-}"
  while IFS= read -r path; do
    [[ -n $path ]] || continue
    checked=$((checked + 1))
    state=$(write_here "$path")
    [[ $state == ok ]] || unwritable+="$path ($state), "
  done <<<"${CHECK_WRITE_PATHS:-}"
  unreadable=${unreadable%, }
  unwritable=${unwritable%, }
  printf '%s\n' "paths_checked=$checked" "paths_unreadable=${unreadable:-none}" "paths_unwritable=${unwritable:-none}"
}
paths
