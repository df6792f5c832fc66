#!/usr/bin/env bash
# ---
# id: hosts
# question: "Can this node reach the hosts that the run talks to, the way the job would?"
# scope: both
# level: run
# gate: false
# shell: shared
# seconds: 20
# faults: [9]
# inputs: [CHECK_WANDB, CHECK_HF]
# rules:
#   - fact: wandb_reached
#     op: eq
#     limit: "no"
#     when: { wandb_needed: "yes" }
#     severity: critical
#     message: "{wandb_host} cannot be reached from here"
#     fix: "export WANDB_MODE=offline   # later: wandb sync"
#   - fact: hf_reached
#     op: eq
#     limit: "no"
#     when: { hf_needed: "yes" }
#     severity: critical
#     message: "{hf_host} cannot be reached from here"
#     fix: "--offline   # or: export https_proxy=http://PROXY:PORT"
#   - fact: hf_reached
#     op: ne
#     limit: "no"
#     when: { hf_offline: "yes" }
#     severity: warning
#     message: "the hub is set to offline, but {hf_host} can be reached"
#     fix: "--no-offline"
# ---

# The way the job would take to a host: through the proxy of its variables, or directly.
proxy_for() { # HOST -> sets `proxy` to HOST:PORT, or to nothing
  local host=$1 entry no=${no_proxy:-${NO_PROXY:-}}
  proxy=${https_proxy:-${HTTPS_PROXY:-${all_proxy:-${ALL_PROXY:-}}}}
  for entry in ${no//,/ }; do
    entry=${entry#.}
    [[ $entry == '*' || $host == "$entry" || $host == *."$entry" ]] && proxy=''
  done
  [[ -n $proxy ]] || return
  proxy=${proxy#*://}
  proxy=${proxy##*@}
  proxy=${proxy%%/*}
  [[ $proxy == *:* ]] || proxy+=:3128
}

# Whether a TCP connection can be made that way; tells it on `answers`, or never.
reach() { # NAME HOST PORT
  local proxy line=''
  proxy_for "$2"
  if [[ -z $proxy ]]; then
    { exec 3<>"/dev/tcp/$2/$3"; } 2>/dev/null || { echo "$1 no" >&"$answers" && return; }
    echo "$1 direct" >&"$answers"
    return
  fi
  # The status line of CONNECT is all that is read: nothing is sent to the host itself. 407: the proxy wants a password,
  # which is in the job's variable if it is anywhere, so the way is there.
  { exec 3<>"/dev/tcp/${proxy%:*}/${proxy##*:}"; } 2>/dev/null &&
    printf 'CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n' "$2:$3" "$2:$3" >&3 && IFS= read -r line <&3
  case $line in
    HTTP/1.[01]' 200'* | HTTP/1.[01]' 407'*) echo "$1 proxy" >&"$answers" ;;
    *) echo "$1 no" >&"$answers" ;;
  esac
}

hosts() {
  local url host port name offline=no answers left way wandb_reached=no hf_reached=no end=$((SECONDS + ${CHECK_SECONDS_EACH:-8})) pids=()
  case ${HF_HUB_OFFLINE:-0}${TRANSFORMERS_OFFLINE:-0} in *1* | *[Tt]rue* | *TRUE* | *[Yy]es* | *[Oo]n*) offline=yes ;; esac
  if [[ ${CHECK_WANDB:-yes} == yes && ${WANDB_MODE:-online} == online ]]; then echo wandb_needed=yes; else echo wandb_needed=no; fi
  if [[ ${CHECK_HF:-yes} == yes && $offline == no ]]; then echo hf_needed=yes; else echo hf_needed=no; fi
  echo "hf_offline=$offline"
  exec {answers}<> <(:)
  for name in wandb hf; do
    case $name in
      wandb) url=${WANDB_BASE_URL:-https://api.wandb.ai} ;;
      hf) url=${HF_ENDPOINT:-https://huggingface.co} ;;
    esac
    host=${url#*://}
    host=${host%%/*}
    port=443
    [[ $url == http://* ]] && port=80
    [[ $host == *:* ]] && port=${host##*:} host=${host%:*}
    echo "${name}_host=$host"
    # Both at once, each in a child: a connection that nobody answers takes minutes.
    reach "$name" "$host" "$port" &
    pids+=($!)
  done
  for _ in wandb hf; do
    left=$((end - SECONDS))
    ((left > 0)) || break
    IFS=' ' read -r -t "$left" -u "$answers" name way || break
    printf -v "${name}_reached" %s "$way"
  done
  kill -KILL "${pids[@]}" 2>/dev/null
  printf '%s\n' "wandb_reached=$wandb_reached" "hf_reached=$hf_reached"
}
hosts
