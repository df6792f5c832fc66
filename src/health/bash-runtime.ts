/**
 * Runs the probes `probe_NAME`, each with its own time limit, and hands the facts of each to `conclude ID`. One lane, a process
 * group of its own, asks one after another, because starts of processes are most of what a probe costs: those marked
 * `shared` in its own shell, the others in one of theirs. What mostly `waits` has a lane for itself. A lane in which nothing
 * has come to its end for half a second is left to what it does, and others take the rest, so that a probe that hangs holds up
 * none. Bash 4.2 and nothing else: no temporary file, because /tmp may be what is full. A probe that has run out of time gets
 * TERM with its lane, to tidy up, and KILL after.
 */
export const RUN_CHECKS = `
check_alone() { # ID PIPE
  local -A fact=()
  local line lines text='' probe="probe_\${1//-/_}" start=\${EPOCHREALTIME:-$SECONDS} took
  if [[ -n \${shared[$1]:-} ]]; then
    # Nothing else comes by the lane's pipe meanwhile, so it holds what the probe prints.
    "$probe" 1>&"$2"
    read_back "$2"
    local IFS=$'\\n'
    set -f
    # shellcheck disable=SC2206 # one a line, and no patterns
    lines=($text)
    set +f
    IFS=$' \\t\\n'
    # Of what was cut short the last line is not taken.
    [[ -z $text || $text == *$'\\n' ]] || unset "lines[\${#lines[@]} - 1]"
    for line in \${lines[@]+"\${lines[@]}"}; do take "$line"; done
  else
    while IFS= read -r line; do take "$line"; done < <("$probe")
  fi
  took=\${EPOCHREALTIME:-$SECONDS}
  [[ $took == *.* ]] && took=$((\${took/./} - \${start/./})) || took=$(((took - start) * 1000000))
  conclude "$1" "$((took / 1000))"
}
# Sets \`text\` to what is in a pipe. Bash reads a line from it one character at a time, and a number of them at once: behind a
# mark comes as much as it may read too many, and that is taken out again.
read_back() { # PIPE
  local block='' tail='' before mark=$'\\1'$RANDOM$RANDOM$'\\1' size=512
  printf '%s%*s' "$mark" "$size" '' >&"$1"
  # Only in the end of a long text is it looked for: for the whole bash would take seconds.
  until [[ $tail == *"$mark"* ]]; do
    tail=$block
    IFS= read -r -N "$size" -u "$1" block || return
    text+=$block tail+=$block
  done
  before=\${tail%%"$mark"*}
  size=$((size + \${#before} + \${#mark} - \${#tail}))
  text=\${text:0:\${#text} - \${#tail} + \${#before}}
  ((size == 0)) || IFS= read -r -N "$size" -u "$1" block
}
take() { # LINE
  local name=\${1%%=*}
  [[ $1 != *=* || -z $name || $name == *[!a-z0-9_]* ]] || fact[$name]=\${1:\${#name}+1:600}
}
# Asks what it is told to, until an empty line; or until nobody is left who would tell it.
lane() { # PIPE
  local at
  while IFS= read -r -t 600 -u "$1" at && [[ -n $at ]]; do
    check_alone "\${queue[at]}" "$1"
    echo "$at" >&"$done_pipe"
  done
}
# A pipe that needs no process to be made: what <<< puts into one. Before bash 5.1 that was a file, and /tmp may be full.
open_pipe() { # sets \`pipe\` to an end to read from and to write to
  local end
  if ((BASH_VERSINFO[0] > 5 || (BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] > 0))); then
    exec {end}<<<'' && [[ -p /dev/fd/$end ]] && exec {pipe}<>"/dev/fd/$end" {end}<&- && read -r -u "$pipe" && return
  fi
  exec {pipe}<> <(:)
}
open_lanes() { # COUNT
  local pipe count
  for ((count = $1; count > 0 && next < \${#queue[@]}; count--)); do
    open_pipe || return
    # Each job is a group of its own: the limit ends a probe with all that it has started.
    set -m
    lane "$pipe" &
    set +m
    leader[$pipe]=$!
    give "$pipe"
  done
}
give() { # PIPE [ID]: its lane, which was at ID, gets the next check, or ends
  local at=$next
  ((at < \${#queue[@]})) && [[ -z \${2:-} || -z \${waits[$2]:-} ]] || at=''
  echo "$at" >&"$1"
  [[ -n $at ]] || return 0
  next=$((next + 1))
  lane_of[\${queue[at]}]=$1 ends[\${queue[at]}]=$((SECONDS + allowed[\${queue[at]}]))
}
# A lane that was ended, or ended itself, answers no more.
look_at() { # ID
  local pipe=\${lane_of[$1]}
  if [[ -n \${overdue[$1]:-} ]]; then
    kill -KILL -- "-\${leader[$pipe]}"
    unset "lane_of[$1]"
  elif ((SECONDS > ends[$1])); then
    late "$1"
    overdue[$1]=yes
    kill -TERM -- "-\${leader[$pipe]}"
  elif ! kill -0 "\${leader[$pipe]}"; then
    unset "lane_of[$1]"
    late "$1"
  fi
}
# Who is done, within half a second. Time may be up in the middle of a line: the rest of it is there.
hear() {
  local at='' rest
  id=''
  if ! IFS= read -r -t 0.5 -u "$done_pipe" at; then
    [[ -n $at ]] && IFS= read -r -u "$done_pipe" rest && at+=$rest || return
  fi
  id=\${queue[at]}
}
run_checks() { # LANES ID:SECONDS[:waits][:shared]...
  local done_pipe pipe='' spec id next=0 more=1
  local -a queue=()
  local -A allowed=() shared=() waits=() leader=() lane_of=() ends=() overdue=()
  open_pipe || return
  done_pipe=$pipe
  for spec in "\${@:2}"; do
    id=\${spec%%:*} spec=\${spec#*:}
    queue+=("$id") allowed[$id]=\${spec%%:*}
    [[ $spec != *:shared ]] || shared[$id]=yes
    [[ $spec != *:waits* ]] || waits[$id]=yes
  done
  open_lanes "$1" || return
  while ((\${#lane_of[@]} > 0 || next < \${#queue[@]})); do
    if hear; then
      pipe=\${lane_of[$id]:-}
      unset "lane_of[$id]"
      # The last word of one whose time was over: its lane ends with it.
      [[ -z $pipe || -n \${overdue[$id]:-} ]] || give "$pipe" "$id"
    else
      for id in "\${!lane_of[@]}"; do look_at "$id"; done
      open_lanes "$more"
      more=$((more * 2))
    fi
  done
  return 0
} 2>/dev/null`.trim();

/** Judges one rule on the associative array `fact`; hands every judgement to `told`, without a fix where it has no fact to judge. The twin of judge.ts. */
export const JUDGE = `
whole() { [[ $1 =~ ^-?[0-9]+$ ]]; }
less() { # A B: whether A < B, whole numbers of any length
  local a=$1 b=$2 a_sign='' b_sign=''
  [[ $a == -* ]] && a_sign=- a=\${a#-}
  [[ $b == -* ]] && b_sign=- b=\${b#-}
  a=\${a#"\${a%%[!0]*}"} b=\${b#"\${b%%[!0]*}"}
  [[ -n $a ]] || a_sign=''
  [[ -n $b ]] || b_sign=''
  if [[ $a_sign != "$b_sign" ]]; then
    [[ -n $a_sign ]]
  elif [[ $a == "$b" ]]; then
    return 1
  elif ((\${#a} != \${#b})); then
    if [[ -n $a_sign ]]; then ((\${#a} > \${#b})); else ((\${#a} < \${#b})); fi
  elif [[ -n $a_sign ]]; then
    [[ $a > $b ]]
  else
    [[ $a < $b ]]
  fi
}
rule() { # SEVERITY FACT OP LIMIT MESSAGE FIX [FACT VALUE]...
  local severity=$1 name=$2 op=$3 limit=$4 message=$5 fix=$6 value holds=no
  shift 6
  while (($# > 0)); do
    if [[ -z \${fact[$1]+set} ]]; then
      told unknown "$name" "the probe did not tell $1" ""
      return
    fi
    [[ \${fact[$1]} == "$2" ]] || return 0
    shift 2
  done
  if [[ -z \${fact[$name]+set} ]]; then
    told unknown "$name" "the probe did not tell $name" ""
    return
  fi
  value=\${fact[$name]}
  case $op in
    eq) [[ $value == "$limit" ]] && holds=yes ;;
    ne) [[ $value == "$limit" ]] || holds=yes ;;
    in) [[ $value != *" "* && " $limit " == *" $value "* ]] && holds=yes ;;
    *)
      if ! whole "$value"; then
        told unknown "$name" "the probe did not tell $name as a whole number" ""
        return
      fi
      case $op in
        lt) less "$value" "$limit" && holds=yes ;;
        gt) less "$limit" "$value" && holds=yes ;;
        le) less "$limit" "$value" || holds=yes ;;
        ge) less "$value" "$limit" || holds=yes ;;
      esac
      ;;
  esac
  if [[ $holds == yes ]]; then told "$severity" "$name" "$message" "$fix"; else told ok "$name" "" ""; fi
}`.trim();
