/**
 * Runs the probes `probe_NAME`, each with its own time limit, and hands the facts of each to `conclude ID`. One lane, a process
 * group of its own, asks one after another, because starts of processes are most of what a probe costs: those marked
 * `shared` in its own shell, the others in one of theirs. What mostly `waits` has a lane for itself. A lane takes what is next
 * from a pipe and says in another what it is at, which is read only where it matters: each waking up of a second process would
 * cost as much as a probe. Where no lane begins anything for half a second they are left to what they do, and others take the
 * rest, so that a probe that hangs holds up none. Bash 4.2 and nothing else: no temporary file, because /tmp may be what is
 * full. A probe that has run out of time gets TERM with its lane, to tidy up, and KILL after.
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
# Asks what nobody has asked yet, until nothing is left; or once, where that waits.
lane() {
  local at id pipe=''
  open_pipe || return
  # One character each, which two lanes cannot take half of.
  while IFS= read -r -N 1 -u "$todo" at && [[ $at != ' ' ]]; do
    at=\${marks%%"$at"*}
    id=\${queue[\${#at}]}
    echo "$BASHPID $id $SECONDS" >&"$steps"
    check_alone "$id" "$pipe"
    if [[ -n \${waits[$id]:-} ]]; then
      echo "$BASHPID" >&"$ended"
      return
    fi
  done
  echo "$BASHPID nothing left" >&"$ended"
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
  local count
  for ((count = $1; count > 0 && opened < most; count--)); do
    # Each job is a group of its own: the limit ends a probe with all that it has started.
    set -m
    lane &
    set +m
    open[$!]=yes opened=$((opened + 1))
  done
}
# Sets \`at\` and \`due\` to what each lane is at and until when, and \`heard\` where one has begun something since.
read_steps() {
  local lane id begun
  heard=''
  while read -r -t 0 -u "$steps" && read -r -u "$steps" lane id begun; do
    heard=yes begun_by[$id]=$lane at[$lane]=$id due[$lane]=$((begun + allowed[$id]))
  done
}
look_at() { # LANE
  # It has not said anything yet.
  local id=\${at[$1]:-}
  if [[ -n \${overdue[$1]:-} ]]; then
    kill -KILL -- "-$1"
    unset "open[$1]"
  elif [[ -n $id ]] && ((SECONDS > due[$1])); then
    late "$id"
    overdue[$1]=yes
    kill -TERM -- "-$1"
  elif ! kill -0 "$1" && ! read -r -t 0 -u "$ended"; then
    # It was ended by others, and has not said that it would end.
    unset "open[$1]"
    [[ -z $id ]] || late "$id"
  fi
}
# Which lane has ended, within half a second. Time may be up in the middle of a line: the rest of it is there.
hear() {
  local rest
  line=''
  IFS= read -r -t 0.5 -u "$ended" line && return
  [[ -n $line ]] && IFS= read -r -u "$ended" rest && line+=$rest
}
run_checks() { # LANES ID:SECONDS[:waits][:shared]...
  local pipe='' todo steps ended spec id line='' lane heard='' drained='' opened=0 more=1 most
  local marks=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ
  local -a queue=()
  local -A allowed=() shared=() waits=() open=() begun_by=() at=() due=() overdue=()
  if (($# > 1 + \${#marks})); then
    run_checks "$1" "\${@:2:\${#marks}}" && run_checks "$1" "\${@:2 + \${#marks}}"
    return
  fi
  for spec in "\${@:2}"; do
    id=\${spec%%:*} spec=\${spec#*:}
    queue+=("$id") allowed[$id]=\${spec%%:*}
    [[ $spec != *:shared ]] || shared[$id]=yes
    [[ $spec != *:waits* ]] || waits[$id]=yes
  done
  ((\${#queue[@]} > 0)) || return 0
  open_pipe && todo=$pipe && open_pipe && steps=$pipe && open_pipe && ended=$pipe || return
  # A mark for each check, and a blank for each lane there can be, at which it ends.
  most=$((3 * \${#queue[@]} + 3))
  printf '%s%*s' "\${marks:0:\${#queue[@]}}" "$most" '' >&"$todo"
  open_lanes "$(($1 < \${#queue[@]} ? $1 : \${#queue[@]}))"
  while ((\${#open[@]} > 0)) || [[ -z $drained && $opened -lt $most ]]; do
    ((\${#open[@]} > 0)) || open_lanes 1
    if hear; then
      unset "open[\${line%% *}]"
      [[ $line != *' nothing left' ]] || drained=yes
    else
      read_steps
      for lane in "\${!open[@]}"; do look_at "$lane"; done
      if [[ -z $drained$heard ]]; then
        open_lanes "$more"
        more=$((more * 2))
      fi
    fi
  done
  # What a lane had taken that was ended before it said so.
  if ((\${#overdue[@]} > 0)) || [[ -z $drained ]]; then
    read_steps
    for id in "\${queue[@]}"; do [[ -n \${begun_by[$id]:-} ]] || late "$id"; done
  fi
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
