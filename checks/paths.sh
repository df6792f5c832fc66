#!/usr/bin/env bash
# ---
# id: paths
# question: "Do the paths of the run exist here, and can this node write where the run writes?"
# scope: both
# level: run
# gate: true
# shell: shared
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

# Every path is tried in a child, which is given up on when one takes too long: a dead NFS or Lustre mount hangs whoever
# touches it, and stays there. While none does, one child tries all.
read_here() { # PATH -> why it cannot be read; nothing else is printed
  if [[ ! -e $1 ]]; then
    echo missing
  elif [[ ! -r $1 ]]; then
    echo not-readable
  elif [[ -d $1 ]] && ! ls -f "$1" >/dev/null; then
    echo read-failed
  else
    echo ok
  fi
}

# What a run needs of a place it writes to: create, write, fsync, delete.
write_here() { # PATH
  local place=$1 file
  until [[ -e $place ]]; do place=${place%/*} && place=${place:-/}; done
  if [[ ! -d $place ]]; then
    echo not-a-directory
    return
  fi
  file=$place/.opsctl-write.$BASHPID.$RANDOM$RANDOM
  trap 'rm -f -- "$file"' EXIT
  if dd if=/dev/zero of="$file" bs=4096 count=1 conv=excl,fsync status=none; then
    echo ok
  elif [[ -w $place ]]; then
    echo write-failed
  else
    echo not-writable
  fi
  rm -f -- "$file"
  trap - EXIT
}

# The next state, in time. Time may be up in the middle of a line: the rest of it is there.
next_state() {
  local rest
  state=''
  IFS= read -r -t "${CHECK_SECONDS_EACH:-5}" -u "$states" state && return
  [[ -n $state ]] && IFS= read -r -u "$states" rest && state+=$rest
}

# Sets `found` to "PATH (why), ..." of those that are not well.
try_all() { # read_here|write_here PATH...
  local try=$1 states state path pid
  shift
  found=''
  while (($# > 0)); do
    exec {states}<> <(:)
    (for path in "$@"; do "$try" "$path"; done >&"$states") 2>/dev/null &
    pid=$!
    while (($# > 0)) && next_state; do
      [[ $state == ok ]] || found+="$1 ($state), "
      shift
    done
    (($# > 0)) || break
    found+="$1 (hangs), "
    shift
    kill -TERM "$pid" 2>/dev/null
  done
  found=${found%, }
}

# The lists are newline separated: a path may hold spaces.
paths() {
  local path found reads=() writes=() unreadable
  while IFS= read -r path; do [[ -n $path ]] && reads+=("$path"); done <<<"${CHECK_READ_PATHS:-}"
  while IFS= read -r path; do [[ -n $path ]] && writes+=("$path"); done <<<"${CHECK_WRITE_PATHS:-}"
  try_all read_here ${reads[@]+"${reads[@]}"}
  unreadable=$found
  try_all write_here ${writes[@]+"${writes[@]}"}
  printf '%s\n' "paths_checked=$((${#reads[@]} + ${#writes[@]}))" "paths_unreadable=${unreadable:-none}" "paths_unwritable=${found:-none}"
}
paths
