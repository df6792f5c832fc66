#!/usr/bin/env bash
# ---
# id: hosts
# question: "Can this node reach the hosts that the run talks to, the way the job would?"
# scope: both
# level: run
# gate: false
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

# shellcheck disable=SC2016 # what stands in single quotes is for the child
# Whether a TCP connection can be made the way the job would make it: through the proxy of its variables, or directly.
reach() { # HOST PORT
  local host=$1 port=$2 proxy=${https_proxy:-${HTTPS_PROXY:-${all_proxy:-${ALL_PROXY:-}}}} no=${no_proxy:-${NO_PROXY:-}} entry
  local address answer
  for entry in ${no//,/ }; do
    entry=${entry#.}
    [[ $entry == '*' || $host == "$entry" || $host == *."$entry" ]] && proxy=''
  done
  if [[ -z $proxy ]]; then
    timeout -k 1 "${CHECK_SECONDS_EACH:-8}" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port" 2>/dev/null && echo direct || echo no
    return
  fi
  address=${proxy#*://}
  address=${address##*@}
  address=${address%%/*}
  [[ $address == *:* ]] || address+=:3128
  # The status line of CONNECT is all that is read: nothing is sent to the host itself. 407: the proxy wants a password,
  # which is in the job's variable if it is anywhere, so the way is there.
  answer=$(timeout -k 1 "${CHECK_SECONDS_EACH:-8}" bash -c '
    exec 3<>"/dev/tcp/$0/$1" || exit 1
    printf "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" "$2" "$2" >&3
    IFS= read -r line <&3 && printf %s "$line"' "${address%:*}" "${address##*:}" "$host:$port" 2>/dev/null)
  case $answer in
    HTTP/1.[01]' 200'* | HTTP/1.[01]' 407'*) echo proxy ;;
    *) echo no ;;
  esac
}

hosts() {
  local url host port name offline=no
  case ${HF_HUB_OFFLINE:-0}${TRANSFORMERS_OFFLINE:-0} in *1* | *[Tt]rue* | *TRUE* | *[Yy]es* | *[Oo]n*) offline=yes ;; esac
  if [[ ${CHECK_WANDB:-yes} == yes && ${WANDB_MODE:-online} == online ]]; then echo wandb_needed=yes; else echo wandb_needed=no; fi
  if [[ ${CHECK_HF:-yes} == yes && $offline == no ]]; then echo hf_needed=yes; else echo hf_needed=no; fi
  echo "hf_offline=$offline"
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
    echo "${name}_reached=$(reach "$host" "$port")"
  done
}
hosts
