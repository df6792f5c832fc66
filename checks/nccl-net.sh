#!/usr/bin/env bash
# ---
# id: nccl-net
# question: "Do the interfaces and adapters that NCCL and gloo are told to use exist, are they up, and do they lead to the other nodes?"
# scope: node
# level: node
# gate: true
# about: user
# shell: shared
# seconds: 20
# inputs: [CHECK_PEERS, CHECK_PEER_ADDRESSES]
# tools: [ip, getent]
# rules:
#   - fact: net_chosen
#     op: eq
#     limit: "none"
#     severity: critical
#     message: "no interface that is up fits NCCL_SOCKET_IFNAME"
#     fix: "ip -br link   # then network.socket_ifname in the profile"
#   - fact: net_chosen_down
#     op: ne
#     limit: "none"
#     severity: warning
#     message: "down: {net_chosen_down}"
#     fix: "ip -br link"
#   - fact: gloo_missing
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "GLOO_SOCKET_IFNAME names interfaces that are not here: {gloo_missing}"
#     fix: "ip -br link"
#   - fact: net_unrouted
#     op: ne
#     limit: "none"
#     when: { net_peers: "yes" }
#     severity: critical
#     message: "the way to other nodes does not leave by the chosen interface: {net_unrouted}"
#     fix: "getent hosts NODE; ip route get NODE   # then network.socket_ifname in the profile"
#   - fact: hca_bad
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "NCCL_IB_HCA: {hca_bad}"
#     fix: "ls /sys/class/infiniband   # then network.ib_hca in the profile"
# ---

# NCCL_SOCKET_IFNAME, GLOO_SOCKET_IFNAME and NCCL_IB_HCA, matched as NCCL does: prefixes, "=" in front for whole names,
# "^" in front for all but these.
matches() { # NAME LIST EXACT
  local item
  local IFS=,
  for item in $2; do
    [[ $3 == yes && $1 == "$item" ]] && return 0
    [[ $3 == no && $1 == "$item"* ]] && return 0
  done
  return 1
}

choose() { # SPEC CANDIDATE... sets `chosen` to those it chooses
  local spec=$1 exact=no but=no name
  shift
  chosen=()
  [[ $spec == ^* ]] && but=yes spec=${spec#^}
  [[ $spec == =* ]] && exact=yes spec=${spec#=}
  for name in "$@"; do
    if matches "$name" "$spec" "$exact"; then [[ $but == no ]] && chosen+=("$name"); else [[ $but == yes ]] && chosen+=("$name"); fi
  done
}

carrier() { # INTERFACE
  local state=''
  read -r state 2>/dev/null <"/sys/class/net/$1/operstate"
  [[ $state == up || $state == unknown ]]
}

# The first node, where all ranks meet, and the one behind this: so each node is asked for by another, and what a node
# has to do does not grow with their number.
two_of() { # NODE PEER... sets `two` to them
  local first=$2 list next
  list=" ${*:2} "
  list=${list#*" $1 "}
  # Behind the last one comes the first; and so it does for who is not among them.
  next=${list%% *}
  two=("$first")
  [[ ${next:-$first} == "$first" ]] || two+=("$next")
}

# Where Slurm reaches a node is where it is, whatever a name server says; a name is looked up only where Slurm knows no more
# than that. Sets `address`, to nothing where there is none, and `looked_up`; fails when that is not known.
find_address() { # NODE
  local known=" ${CHECK_PEER_ADDRESSES:-} " found
  address=$1 looked_up=no
  [[ $known == *" $1="?* ]] && known=${known#*" $1="} && address=${known%% *}
  [[ ! $address =~ ^[0-9]+(\.[0-9]+){3}$ && $address != *:* ]] || return 0
  # Who calls a node by this name means the machine itself.
  [[ $address == localhost ]] || looked_up=yes
  found=$(timeout -k 1 3 getent ahostsv4 "$address" 2>/dev/null)
  case $? in
    0) [[ $found =~ ^([0-9.]+)[[:space:]].*RAW ]] && address=${BASH_REMATCH[1]} ;;
    2) address='' ;;
    *) return 1 ;;
  esac
}

# Sets `way` to the interface by which packets to an address leave, to nothing where there is no route, to "here" for this
# machine's own; fails when that is not known.
find_way() { # ADDRESS
  local route form='^(local )?[0-9a-fA-F.:]+ (from :: )?(via [0-9a-fA-F.:]+ )?dev ([^ ]+) (.* )?src '
  way=here
  [[ $1 != 127.* && $1 != ::1 ]] || return 0
  route=$(ip -o route get "$1" 2>/dev/null)
  case $? in
    0) ;;
    2) way='' && return ;;
    *) return 1 ;;
  esac
  # "10.0.0.7 via 10.0.0.1 dev eth0 src 10.0.0.5 uid 0 \    cache"; this node's own address is "local ... dev lo".
  [[ $route =~ $form ]] || return
  [[ -n ${BASH_REMATCH[1]} ]] || way=${BASH_REMATCH[4]}
}

nccl_net() {
  local net=() name up='' down='' spec=${NCCL_SOCKET_IFNAME:-} missing='' peer unrouted='' gloo entry device ports bad='' known=() chosen=() list two=() address looked_up way
  for name in /sys/class/net/*; do [[ -e $name/operstate ]] && net+=("${name##*/}"); done
  ((${#net[@]} > 0)) || return
  # Without a choice NCCL takes any interface but loopback and docker.
  choose "${spec:-^lo,docker}" "${net[@]}"
  for name in ${chosen[@]+"${chosen[@]}"}; do
    if carrier "$name"; then up+="$name,"; elif [[ -n $spec && $spec != ^* ]]; then down+="$name,"; fi
  done
  if [[ -n ${GLOO_SOCKET_IFNAME:-} ]]; then
    for gloo in ${GLOO_SOCKET_IFNAME//,/ }; do
      [[ -e /sys/class/net/$gloo ]] || missing+="$gloo,"
    done
  fi
  up=${up%,} down=${down%,} missing=${missing%,}
  printf '%s\n' "net_chosen=${up:-none}" "net_chosen_down=${down:-none}" "gloo_missing=${missing:-none}"

  # The way to other nodes must leave by a chosen interface.
  if [[ -n ${CHECK_PEERS:-} ]] && type -P ip >/dev/null; then
    echo net_peers=yes
    # shellcheck disable=SC2086 # names, with spaces between
    two_of "${SLURMD_NODENAME:-}" $CHECK_PEERS
    for peer in "${two[@]}"; do
      find_address "$peer" || return
      if [[ -z $address ]]; then
        unrouted+="$peer:no-address,"
        continue
      fi
      # /etc/hosts with all names behind 127.0.0.1: the ranks there would wait for one that listens on its own machine.
      if [[ $looked_up == yes && $address == 127.* && $peer != "${SLURMD_NODENAME:-}" ]]; then
        unrouted+="$peer:loopback,"
        continue
      fi
      find_way "$address" || return
      [[ $way == here || ( -n $way && ",$up," == *",$way,"* ) ]] || unrouted+="$peer:${way:-no-route},"
    done
    unrouted=${unrouted%,}
    echo "net_unrouted=${unrouted:-none}"
  else
    echo net_peers=no
  fi

  # Adapters are named device or device:port.
  if [[ -n ${NCCL_IB_HCA:-} && $NCCL_IB_HCA != none ]]; then
    for name in /sys/class/infiniband/*; do [[ -e $name/ports ]] && known+=("${name##*/}"); done
    list=${NCCL_IB_HCA#^}
    list=${list#=}
    if [[ $NCCL_IB_HCA != ^* ]]; then
      for entry in ${list//,/ }; do
        device=${entry%%:*}
        [[ $NCCL_IB_HCA == =* ]] && device="=$device"
        choose "$device" ${known[@]+"${known[@]}"}
        ((${#chosen[@]} > 0)) || { bad+="$entry:missing,"; continue; }
        for name in "${chosen[@]}"; do
          ports=/sys/class/infiniband/$name/ports/
          [[ $entry == *:* ]] && ports+=${entry##*:} || ports+='*'
          # shellcheck disable=SC2086
          case $(cat $ports/state 2>/dev/null) in
            *ACTIVE*) ;;
            *) bad+="$name:down," ;;
          esac
        done
      done
    fi
  fi
  bad=${bad%,}
  echo "hca_bad=${bad:-none}"
}
nccl_net
