#!/usr/bin/env bash
# ---
# id: hosts
# question: "Can this node reach the hosts that the run talks to, the way the job would?"
# scope: both
# level: run
# gate: false
# shell: shared
# outside: true
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
#   - fact: wandb_reached
#     op: eq
#     limit: "no"
#     when: { wandb_needed: "perhaps" }
#     severity: warning
#     message: "{wandb_host} cannot be reached from here, if a run is to use it"
#     fix: "export WANDB_MODE=offline   # later: wandb sync"
#   - fact: hf_reached
#     op: eq
#     limit: "no"
#     when: { hf_needed: "yes" }
#     severity: critical
#     message: "{hf_host} cannot be reached from here"
#     fix: "--offline   # or: export https_proxy=http://PROXY:PORT"
#   - fact: hf_reached
#     op: eq
#     limit: "no"
#     when: { hf_needed: "perhaps" }
#     severity: warning
#     message: "{hf_host} cannot be reached from here, if a run is to use it"
#     fix: "--offline   # or: export https_proxy=http://PROXY:PORT"
#   - fact: hf_reached
#     op: ne
#     limit: "no"
#     when: { hf_offline: "yes" }
#     severity: warning
#     message: "the hub is set to offline, but {hf_host} can be reached"
#     fix: "--no-offline"
# ---

# The proxy that the job's variables name for a host, as curl and Python read them.
proxy_for() { # SCHEME HOST -> sets `proxy` to a URL, or to nothing
  local host=$2 entry no=${no_proxy:-${NO_PROXY:-}}
  case $1 in
    http) proxy=${http_proxy:-${HTTP_PROXY:-}} ;;
    *) proxy=${https_proxy:-${HTTPS_PROXY:-}} ;;
  esac
  proxy=${proxy:-${all_proxy:-${ALL_PROXY:-}}}
  no+=,
  while [[ -n $no ]]; do
    entry=${no%%,*} no=${no#*,}
    entry=${entry// /}
    [[ $entry == '*' ]] && proxy=''
    entry=${entry#'*'}
    entry=${entry#.}
    entry=${entry%:*}
    [[ -n $entry && ($host == "$entry" || $host == *."$entry") ]] && proxy=''
  done
}

# Whether the host can be reached the way the job would, through the proxy or directly. Says how, or nothing for minutes.
reach() { # SCHEME HOST PORT
  local proxy address line='' request
  proxy_for "$1" "$2"
  if [[ -z $proxy ]]; then
    if { exec 3<>"/dev/tcp/$2/$3"; } 2>/dev/null; then echo direct; else echo no; fi
    return
  fi
  # What is behind a SOCKS proxy bash cannot ask.
  [[ $proxy != socks* ]] || { echo not-known && return; }
  address=${proxy#*://}
  address=${address##*@}
  address=${address%%/*}
  [[ $address == *:* ]] || address+=:3128
  # With CONNECT nothing is sent to the host itself: the status line of the proxy is all that is read. What is not encrypted a
  # proxy fetches itself.
  if [[ $1 == http ]]; then request="HEAD http://$2:$3/"; else request="CONNECT $2:$3"; fi
  { exec 3<>"/dev/tcp/${address%:*}/${address##*:}"; } 2>/dev/null &&
    printf '%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$request" "$2:$3" >&3 && IFS= read -r line <&3
  line=${line#HTTP/1.[01] }
  # 407: the proxy wants a password, which is in the job's variable if it is anywhere, so the way is there.
  case $1:${line%% *} in
    *:407 | https:200 | http:[123]?? | http:40[0145]) echo proxy ;;
    *) echo no ;;
  esac
}

hosts() {
  local url scheme host port name offline=no wandb_needed=no hf_needed=no pid from left way asked=() ways=() pids=() end=$((SECONDS + ${CHECK_SECONDS_EACH:-8}))
  case ${HF_HUB_OFFLINE:-0}${TRANSFORMERS_OFFLINE:-0} in *1* | *[Tt]rue* | *TRUE* | *[Yy]es* | *[Oo]n*) offline=yes ;; esac
  # Of no run it is not known what it would need.
  [[ ${WANDB_MODE:-online} == online ]] && wandb_needed=${CHECK_WANDB:-perhaps}
  [[ $offline == no ]] && hf_needed=${CHECK_HF:-perhaps}
  printf '%s\n' "wandb_needed=$wandb_needed" "hf_needed=$hf_needed" "hf_offline=$offline"
  for name in wandb hf; do
    case $name in
      wandb) url=${WANDB_BASE_URL:-https://api.wandb.ai} ;;
      hf) url=${HF_ENDPOINT:-https://huggingface.co} ;;
    esac
    host=${url#*://}
    host=${host%%/*}
    scheme=https port=443
    [[ $url == http://* ]] && scheme=http port=80
    [[ $host == *:* ]] && port=${host##*:} host=${host%:*}
    echo "${name}_host=$host"
    # Nobody is asked for nothing; whether the hub is set to offline although it is there has to be.
    case $name:$wandb_needed:$hf_needed:$offline in
      wandb:no:*:* | hf:*:no:no)
        echo "${name}_reached=not-asked"
        continue
        ;;
    esac
    asked+=("$name")
    # Both at once, each in a child: a connection that nobody answers takes minutes.
    exec {way}< <(echo "$BASHPID" && reach "$scheme" "$host" "$port")
    ways+=("$way")
  done
  for name in ${asked[@]+"${asked[@]}"}; do
    from=${ways[0]} ways=("${ways[@]:1}") way=no
    read -r -u "$from" pid && pids+=("$pid")
    left=$((end > SECONDS ? end - SECONDS : 1))
    read -r -t "$left" -u "$from" way
    exec {from}<&-
    # What is not known is not told.
    [[ $way == not-known ]] || echo "${name}_reached=${way:-no}"
  done
  ((${#pids[@]} == 0)) || { kill -KILL "${pids[@]}" && wait "${pids[@]}"; } 2>/dev/null
}
hosts
