#!/usr/bin/env bash
# ---
# id: wandb
# question: "Has wandb a key, or is it off or offline?"
# ok: "{wandb_mode}, key {wandb_key}"
# scope: both
# level: run
# gate: true
# shell: shared
# seconds: 5
# faults: [5]
# inputs: [CHECK_WANDB]
# rules:
#   - fact: wandb_key
#     op: eq
#     limit: missing
#     when: { wandb_mode: "online" }
#     severity: critical
#     message: "no API key for wandb in WANDB_API_KEY, netrc or settings"
#     fix: "wandb login   # or: export WANDB_MODE=offline"
#   - fact: wandb_key
#     op: eq
#     limit: missing
#     when: { wandb_mode: "perhaps" }
#     severity: warning
#     message: "no API key for wandb in WANDB_API_KEY, netrc or settings, if a run is to use it"
#     fix: "wandb login"
#   - fact: wandb_key
#     op: eq
#     limit: malformed
#     when: { wandb_used: "yes" }
#     severity: critical
#     message: "what stands in {wandb_key_from} has not the shape of a wandb key"
#     fix: "wandb login --relogin"
# ---

# Where wandb looks for its key: WANDB_API_KEY, then netrc. Of the key itself nothing is kept but what kind
# of key it is.
wandb_shape() { # KEY -> sets `key`
  case $1 in
    '') key=missing ;;
    *[!A-Za-z0-9_-]*) key=malformed ;;
    # 40 characters, 86 in newer ones, and longer with "local-" in front.
    *) if ((${#1} >= 40)); then key=present; else key=malformed; fi ;;
  esac
}

# The password of one machine in a netrc, whose entries are words that may stand on one line or on several. Python's reader
# takes a line that begins with # for a comment, and quotes off.
netrc_shape() { # FILE HOST -> sets `key`
  local words=() on_line=() i machine='' word
  while read -r -a on_line || ((${#on_line[@]} > 0)); do
    [[ ${on_line[0]-} == '#'* ]] || words+=(${on_line[@]+"${on_line[@]}"})
    on_line=()
  done <"$1"
  for ((i = 0; i < ${#words[@]}; i++)); do
    case ${words[i]} in
      machine) machine=${words[i + 1]-} ;;
      default) machine='' ;;
      password)
        word=${words[i + 1]-}
        word=${word#\"}
        [[ $machine == "$2" ]] && wandb_shape "${word%\"}" && return
        ;;
    esac
  done
  key=missing
}

wandb() {
  local host url=${WANDB_BASE_URL:-https://api.wandb.ai} mode=${WANDB_MODE:-online} netrc=${NETRC:-$HOME/.netrc}
  local key source=none line
  host=${url#*://}
  host=${host%%[:/]*}
  case ${WANDB_DISABLED:-} in true | 1 | yes) mode=disabled ;; esac
  # Of no run it is not known whether it would use it.
  case $mode:${CHECK_WANDB:-perhaps} in
    *:no) mode=not-used ;;
    online:perhaps) mode=perhaps ;;
  esac
  local settings=${WANDB_CONFIG_DIR:-$HOME/.config/wandb}/settings
  if [[ -n ${WANDB_API_KEY:-} ]]; then
    source=WANDB_API_KEY
    wandb_shape "$WANDB_API_KEY"
  else
    key=missing
    if [[ -r $netrc ]]; then
      netrc_shape "$netrc" "$host"
      [[ $key == missing ]] || source=netrc
    fi
    if [[ $key == missing && -r $settings ]]; then
      while IFS= read -r line; do
        [[ $line =~ ^[[:space:]]*api_key[[:space:]]*=[[:space:]]*(.*)$ ]] && wandb_shape "${BASH_REMATCH[1]}" && source=settings
      done <"$settings"
    fi
  fi
  case $mode in online | perhaps) echo wandb_used=yes ;; *) echo wandb_used=no ;; esac
  printf '%s\n' "wandb_mode=$mode" "wandb_key=$key" "wandb_key_from=$source"
}
wandb
