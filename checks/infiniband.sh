#!/usr/bin/env bash
# ---
# id: infiniband
# question: "Are the InfiniBand ports up, and at one rate?"
# scope: node
# level: node
# gate: true
# shell: shared
# seconds: 10
# tools: [ibstat]
# rules:
#   - fact: ib_down
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "InfiniBand ports that are not active: {ib_down}"
#     fix: "ibstat   # Polling: the cable; Initializing: the subnet manager"
#   - fact: ib_slow
#     op: ne
#     limit: "none"
#     severity: warning
#     message: "slower than the other ports of this node ({ib_rate} Gb/s): {ib_slow}"
#     fix: "ibstat   # cable, switch port"
#   - fact: ib_ports
#     op: differs
#     severity: warning
#     message: "{ib_ports} InfiniBand ports, elsewhere {common}"
#     fix: "ibstat"
#   - fact: ib_rate
#     op: differs
#     severity: warning
#     message: "{ib_rate} Gb/s, elsewhere {common}"
#     fix: "ibstat"
# ---

# The ports of the InfiniBand adapters: by ibstat, or from /sys where that is not installed. A port that somebody has
# disabled is left alone, and an Ethernet port is no InfiniBand.
ib_text() {
  local port device value rest
  if type -P ibstat >/dev/null; then
    ibstat 2>&1 || return
    # The names once more: an answer that ends between two adapters looks whole.
    printf 'All: ' && ibstat -l 2>/dev/null | tr '\n' ' ' && echo
    return
  fi
  for port in /sys/class/infiniband/*/ports/*; do
    [[ -r $port/state ]] || continue
    device=${port#/sys/class/infiniband/}
    printf "CA '%s'\nNumber of ports: 1\nPort %s:\n" "${device%%/*}" "${port##*/}"
    read -r value <"$port/state"
    value=${value#*: }
    printf 'State: %s\n' "${value:0:1}$(tr '[:upper:]' '[:lower:]' <<<"${value:1}")"
    read -r value <"$port/phys_state"
    printf 'Physical state: %s\n' "${value#*: }"
    read -r value rest <"$port/rate"
    printf 'Rate: %s\n' "$value"
    read -r value <"$port/link_layer"
    printf 'Link layer: %s\n' "$value"
  done
}

infiniband() {
  local text='' line value ca='' all='' told='' adapters=0 expected=0 whole=0 ports=0
  local down='' slow='' rates='' best=0 state='' physical='' rate='' pair
  if [[ -d /sys/class/infiniband ]] || type -P ibstat >/dev/null; then text=$(ib_text) || return; fi
  while read -r line; do
    value=${line#*: }
    case $line in
      "CA '"*"'") ca=${line#"CA '"} ca=${ca%"'"} told+=" $ca" adapters=$((adapters + 1)) ;;
      'All: '*) all=${line#All:} ;;
      'Number of ports: '[0-9]*) expected=$((expected + value)) adapters=$((adapters - 1)) ;;
      'State: '*) state=$value ;;
      'Physical state: '*) physical=$value ;;
      'Rate: '*) rate=${value%%[!0-9.]*} ;;
      'Link layer: '*)
        whole=$((whole + 1))
        [[ $value == InfiniBand || $value == Ethernet ]] || return
        [[ $state =~ ^(Active|Init|Initializing|Armed|Down)$ && $rate =~ ^[0-9]+(\.[0-9]+)?$ ]] || return
        if [[ $value == InfiniBand && $physical != Disabled ]]; then
          ports=$((ports + 1))
          if [[ $state == Active ]]; then
            rates+="$ca=${rate%.*} "
            ((${rate%.*} > best)) && best=${rate%.*}
          else
            down+="$ca:$state/$physical,"
          fi
        fi
        state='' physical='' rate=''
        ;;
      'CA type: '* | 'Firmware version: '* | 'Hardware version: '* | *' GUID: '* | 'Port '[0-9]*: | *'lid: '* | 'LMC: '* | 'Capability mask: '* | '') ;;
      *) return ;;
    esac
  done <<<"$text"
  # Every port that was announced must have been told to its end.
  [[ $whole == "$expected" && $adapters == 0 && ( -z $all || $told == "${all%" "}" ) ]] || return
  for pair in $rates; do
    ((${pair#*=} < best)) && slow+="${pair%%=*}:${pair#*=},"
  done
  down=${down%,}
  slow=${slow%,}
  printf '%s\n' "ib_ports=$ports" "ib_down=${down:-none}" "ib_slow=${slow:-none}" "ib_rate=$best"
}
infiniband
