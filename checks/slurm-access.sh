#!/usr/bin/env bash
# ---
# id: slurm-access
# question: "May this user run in the partition, with this account and QOS, and is it large enough?"
# scope: login
# level: run
# gate: false
# shell: shared
# seconds: 30
# inputs: [CHECK_PARTITION, CHECK_ACCOUNT, CHECK_QOS, CHECK_NODES]
# tools: [scontrol, sacctmgr]
# rules:
#   - fact: partition
#     op: in
#     limit: "missing account-not-allowed qos-not-allowed"
#     severity: critical
#     message: "partition: {partition}"
#     fix: "opsctl init   # or: --partition NAME --account NAME --qos NAME"
#   - fact: partition
#     op: in
#     limit: "DOWN DRAIN INACTIVE"
#     severity: critical
#     message: "the partition is {partition}: it starts no jobs"
#     fix: "sinfo -p PARTITION"
#   - fact: partition_short_nodes
#     op: gt
#     limit: 0
#     when: { partition: "ok" }
#     severity: critical
#     message: "the partition has {partition_short_nodes} nodes fewer than asked for"
#     fix: "--nodes N"
#   - fact: account
#     op: in
#     limit: "not-yours qos-not-yours"
#     severity: critical
#     message: "Slurm does not list this account and QOS for you: {account}"
#     fix: "sacctmgr show assoc user=$USER format=account,qos"
# ---

# Whether this user may run in the partition, with this account and QOS, and whether it is large enough at all.
listed() { # NAME LIST
  [[ $2 == ALL || ",$2," == *",$1,"* ]]
}

field() { # NAME TEXT of `scontrol show partition --oneliner`
  [[ " $2 " =~ \ $1=([^\ ]*)\  ]] && printf %s "${BASH_REMATCH[1]}"
}

slurm_access() {
  local text state accounts qos nodes part=${CHECK_PARTITION:-} account=${CHECK_ACCOUNT:-} wanted=${CHECK_QOS:-} mine line
  if [[ -z $part ]]; then
    printf '%s\n' partition=default partition_short_nodes=0
  else
    text=$(timeout -k 1 8 scontrol show partition "$part" --oneliner 2>&1)
    if [[ $text == *"Partition $part not found"* ]]; then
      echo partition=missing
      return
    fi
    state=$(field State "$text") && nodes=$(field TotalNodes "$text") && accounts=$(field AllowAccounts "$text") && qos=$(field AllowQos "$text") || return
    [[ $nodes =~ ^[0-9]+$ ]] || return
    case $state in
      UP) state=ok ;;
      DOWN | DRAIN | INACTIVE) ;;
      *) return ;;
    esac
    [[ $state == ok && -n $account ]] && ! listed "$account" "$accounts" && state="account-not-allowed"
    [[ $state == ok && -n $wanted ]] && ! listed "$wanted" "$qos" && state="qos-not-allowed"
    printf '%s\n' "partition=$state" "partition_short_nodes=$((${CHECK_NODES:-1} > nodes ? CHECK_NODES - nodes : 0))"
  fi
  # What sacctmgr knows of this user; without accounting nobody is refused.
  mine=$(timeout -k 1 8 sacctmgr --noheader --parsable2 show assoc "user=$(id -un)" format=account,qos 2>&1 && echo .)
  case $mine in
    *'accounting storage is disabled'* | *'not running a supported accounting_storage plugin'*) echo account=not-checked && return ;;
  esac
  # Output that ends in the middle of a line is half of it.
  [[ $mine == *$'\n.' ]] || return
  local found=no allowed=no
  while IFS='|' read -r line qos; do
    [[ $line =~ ^[A-Za-z0-9_.-]+$ ]] || return
    [[ -z $account || $line == "$account" ]] || continue
    found=yes
    [[ -z $wanted || ",$qos," == *",$wanted,"* ]] && allowed=yes
  done <<<"${mine%$'\n.'}"
  if [[ $found == no ]]; then echo account='not-yours'; elif [[ $allowed == no ]]; then echo account='qos-not-yours'; else echo account=ok; fi
}
slurm_access
