/**
 * Runs the probes `probe_NAME` at once, each in a process group of its own with its own time limit, and hands the facts of
 * each to `conclude ID`. Bash 4.2 and nothing else: no temporary file, because /tmp may be what is full; no polling,
 * because whoever is done says so on a pipe. A probe that has run out of time gets TERM, to tidy up, and KILL after.
 */
export const RUN_CHECKS = `
check_alone() { # ID
  local -A fact=()
  local line start=\${EPOCHREALTIME:-$SECONDS} took
  while IFS= read -r line; do
    [[ $line =~ ^([a-z0-9_]+)=(.*)$ ]] && fact[\${BASH_REMATCH[1]}]=\${BASH_REMATCH[2]:0:600}
  done < <("probe_\${1//-/_}" 2>/dev/null </dev/null)
  took=\${EPOCHREALTIME:-$SECONDS}
  [[ $took == *.* ]] && took=$((\${took/./} - \${start/./})) || took=$(((took - start) * 1000000))
  conclude "$1" "$((took / 1000))"
  echo "$1" >&"$done_pipe"
}
run_checks() { # ID:SECONDS...
  local done_pipe spec id
  local -A leader=() ends=() overdue=()
  exec {done_pipe}<> <(:)
  # Each job is a group of its own: the limit ends a probe with all that it has started.
  set -m
  for spec in "$@"; do
    id=\${spec%:*}
    check_alone "$id" &
    leader[$id]=$! ends[$id]=$((SECONDS + \${spec##*:}))
  done
  set +m
  while ((\${#leader[@]} > 0)); do
    if IFS= read -r -t 1 -u "$done_pipe" id; then
      unset "leader[$id]"
      continue
    fi
    for id in "\${!leader[@]}"; do
      if [[ -n \${overdue[$id]:-} ]]; then
        kill -KILL -- "-\${leader[$id]}"
        unset "leader[$id]"
      elif ((SECONDS > ends[$id])); then
        late "$id"
        overdue[$id]=yes
        kill -TERM -- "-\${leader[$id]}"
      elif ! kill -0 "\${leader[$id]}"; then
        # Somebody has ended it: nothing more will come.
        IFS= read -r -t 0.1 -u "$done_pipe" spec && unset "leader[$spec]" && continue
        unset "leader[$id]"
        late "$id"
      fi
    done
  done 2>/dev/null
}`.trim();

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
