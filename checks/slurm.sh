#!/usr/bin/env bash
# ---
# id: slurm
# question: "Does the controller answer, and are the nodes of the partition there?"
# scope: login
# level: run
# gate: false
# shell: shared
# seconds: 30
# inputs: [CHECK_PARTITION, CHECK_GPUS]
# tools: [scontrol, sinfo]
# limits:
#   down_percent_warning: 15
#   down_percent_alarm: 25
# rules:
#   - fact: controller_up
#     op: eq
#     limit: "no"
#     severity: critical
#     message: "slurmctld does not answer"
#     fix: "scontrol ping"
#   - fact: nodes_down_percent
#     op: ge
#     limit: down_percent_alarm
#     when: { controller_up: "yes" }
#     severity: critical
#     message: "{nodes_down_percent} % of {nodes_total} nodes are down or drained"
#     fix: "sinfo -R"
#   - fact: nodes_down_percent
#     op: ge
#     limit: down_percent_warning
#     when: { controller_up: "yes" }
#     severity: warning
#     message: "{nodes_down_percent} % of {nodes_total} nodes are down or drained"
#     fix: "sinfo -R"
#   - fact: nodes_kill_failed
#     op: ne
#     limit: "none"
#     when: { controller_up: "yes" }
#     severity: warning
#     message: "drained with \"Kill task failed\": {nodes_kill_failed}"
#     fix: "scontrol show node NODE   # a process there does not end: mostly storage"
#   - fact: gpus_short
#     op: gt
#     limit: 0
#     when: { controller_up: "yes" }
#     severity: critical
#     message: "no node has so many GPUs: the largest has {gpus_per_node_max}"
#     fix: "--gpus-per-node {gpus_per_node_max}"
# ---

# The controller, and what it says of the nodes. One sinfo for the states, one for the reasons, one scontrol ping.
slurm() {
  local out line node state reason up='' total=0 down=0 kill='' gres partition=${CHECK_PARTITION:-} gpus=0 count
  out=$(timeout -k 1 8 scontrol ping 2>/dev/null)
  case $out in
    *' is UP'*) up=yes ;;
    *' is DOWN'*) up=no ;;
    *) return ;;
  esac
  echo "controller_up=$up"
  [[ $up == yes ]] || return
  out=$(timeout -k 1 8 sinfo --noheader --Node --format='%N|%T|%G|%E|.' ${partition:+--partition="$partition"} 2>/dev/null && echo '|done') || return
  declare -A known=()
  while IFS='|' read -r node state gres reason line; do
    [[ -n $node ]] || continue
    [[ $line == . ]] || return
    [[ -z ${known[$node]:-} ]] || continue
    known[$node]=1
    total=$((total + 1))
    case $state in
      down* | drain* | fail* | *'*' | error* | unk*) down=$((down + 1)) ;;
    esac
    [[ $reason == *'Kill task failed'* ]] && kill+="$node,"
    if [[ $gres =~ gpu:([A-Za-z0-9_.-]+:)?([0-9]+) ]]; then
      count=${BASH_REMATCH[2]}
      ((count > gpus)) && gpus=$count
    fi
  done <<<"${out%|done}"
  ((total > 0)) || return
  kill=${kill%,}
  printf '%s\n' "nodes_total=$total" "nodes_down_percent=$((down * 100 / total))" "nodes_kill_failed=${kill:-none}" "gpus_per_node_max=$gpus" \
    "gpus_short=$((${CHECK_GPUS:-0} > gpus ? CHECK_GPUS - gpus : 0))"
}
slurm
