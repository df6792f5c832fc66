#!/usr/bin/env bash
# ---
# id: kernel
# question: "Has the kernel complained: Xid, memory, locks, file systems, links?"
# scope: node
# level: node
# gate: true
# shell: shared
# seconds: 20
# tools: [dmesg, journalctl]
# # Xid classes: data/xid.yaml, with sources. Link flaps: gcm alarms at 5 in 24 h
# limits:
#   window_hours: 24
#   xid_fatal: "46 48 62 64 74 79 95 119 120"
#   xid_application: "8 13 31 43 45"
#   ib_link_downs: 5
# rules:
#   - fact: kernel_log
#     op: eq
#     limit: denied
#     severity: unknown
#     gate: false
#     message: "the kernel's log may not be read by this user"
#     fix: "kernel.dmesg_restrict=0, or the group adm; opsctl checks compile --for healthcheck runs as root"
#   - fact: xid_fatal
#     op: ne
#     limit: "none"
#     when: { kernel_log: "read" }
#     severity: critical
#     message: "Xid {xid_fatal} in the last {window_hours} hours"
#     fix: "dmesg | grep -i xid   # drain the node; opsctl runbook show gpu-xid"
#   - fact: xid_other
#     op: ne
#     limit: "none"
#     when: { kernel_log: "read" }
#     severity: warning
#     message: "Xid {xid_other} in the last {window_hours} hours"
#     fix: "dmesg | grep -i xid   # opsctl runbook show gpu-xid"
#   - fact: sxid_fatal
#     op: gt
#     limit: 0
#     when: { kernel_log: "read" }
#     severity: critical
#     message: "{sxid_fatal} fatal errors of an NVSwitch"
#     fix: "dmesg | grep SXid"
#   - fact: oom_kills
#     op: gt
#     limit: 0
#     when: { kernel_log: "read" }
#     severity: warning
#     message: "the kernel has killed {oom_kills} processes for lack of memory"
#     fix: "dmesg | grep -i \"killed process\""
#   - fact: lockups
#     op: gt
#     limit: 0
#     when: { kernel_log: "read" }
#     severity: warning
#     message: "{lockups} lockups of a CPU"
#     fix: "dmesg | grep -i lockup"
#   - fact: hung_tasks
#     op: gt
#     limit: 0
#     when: { kernel_log: "read" }
#     severity: warning
#     message: "{hung_tasks} tasks did not move for minutes"
#     fix: "dmesg | grep \"blocked for more\""
#   - fact: fs_errors
#     op: gt
#     limit: 0
#     when: { kernel_log: "read" }
#     severity: warning
#     message: "{fs_errors} errors of file systems or disks"
#     fix: "dmesg | grep -iE \"error|not responding\""
#   - fact: ib_link_downs
#     op: ge
#     limit: ib_link_downs
#     when: { kernel_log: "read" }
#     severity: warning
#     message: "links of adapters went down {ib_link_downs} times"
#     fix: "ibdiagnet   # cable, transceiver"
# ---

# All that a command prints, with the end of the last line, which $( ) would drop.
all_of() { # COMMAND... sets `text`
  IFS= read -r -N 1000000000 text < <(exec "$@" 2>/dev/null)
  wait "$!"
}

# The kernel's log, seconds since the boot in front: dmesg, or the journal where only that may be read.
kernel_text() {
  all_of dmesg
  ended_well $? && return
  type -P journalctl >/dev/null || return
  # Who may not read the journal is told nothing, with exit code 0.
  all_of journalctl -k -b -q --no-pager -o short-monotonic
  ended_well $? && [[ -n $text ]]
}

# Bash before 4.4 does not know how it ended: there a text has to do.
ended_well() { # CODE
  (($1 == 0)) && return
  [[ $1 == 127 && -n $text ]] && ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404))
}

kernel() {
  local text='' line lines=() code up=0 since seconds stamp known=no fatal='' other='' application=''
  local sxid=0 oom=0 lockup=0 hung=0 fs=0 flaps=0
  if ! kernel_text; then
    echo kernel_log=denied
    return
  fi
  # It is never empty, and a line without its end is half a log.
  [[ $text == *$'\n' ]] || return
  # Mostly it holds nothing of all that, and thousands of lines need not be looked at one by one.
  if [[ $'\n'${text:0:4096} =~ $'\n'\[\ *[0-9]+[].] ]]; then known=yes; fi
  case $known$text in
    no* | *'NVRM: Xid ('* | *'NVRM: fallen off the bus'* | *': SXid ('* | *'ut of memory: Killed process '* | *'soft lockup'* | \
      *'hard LOCKUP'* | *' blocked for more than '* | *'EXT4-fs error '* | *'): Corruption '* | *'I/O error, dev '* | \
      *'Remounting filesystem read-only'* | *' not responding'* | *'LustreError: '* | *' Link DOWN'*) ;;
    *) text='' ;;
  esac
  read -r up _ </proc/uptime
  since=$((${up%.*} - ${CHECK_WINDOW_HOURS:-24} * 3600))
  set -f
  local IFS=$'\n'
  # shellcheck disable=SC2206 # one a line, and no patterns
  lines=($text)
  set +f
  for line in ${lines[@]+"${lines[@]}"}; do
    if [[ $line == '['* ]]; then
      stamp=${line#'['}
      stamp=${stamp%%[].]*}
      stamp=${stamp##* }
      if [[ -n $stamp && $stamp != *[!0-9]* ]]; then seconds=$((10#$stamp)) known=yes; fi
    fi
    if [[ $known == no ]] || ((seconds < since)); then continue; fi
    case $line in
      *'NVRM: Xid ('*'): '[0-9]*)
        code=${line#*'NVRM: Xid ('}
        code=${code#*'): '}
        code=${code%%[!0-9]*}
        case " ${CHECK_XID_FATAL:-46 48 62 64 74 79 95 119 120} | ${CHECK_XID_APPLICATION:-8 13 31 43 45} " in
          *" $code "*'| '*) [[ ",$fatal" == *",$code,"* ]] || fatal+="$code," ;;
          *" $code "*) [[ ",$application" == *",$code,"* ]] || application+="$code," ;;
          *) [[ ",$other" == *",$code,"* ]] || other+="$code," ;;
        esac
        ;;
      # Newer drivers say it without a number.
      *'NVRM: fallen off the bus'*) [[ ",$fatal" == *,79,* ]] || fatal+=79, ;;
      *': SXid ('*', Fatal,'*) sxid=$((sxid + 1)) ;;
      *'ut of memory: Killed process '[0-9]*) oom=$((oom + 1)) ;;
      *'soft lockup'* | *'hard LOCKUP'*) lockup=$((lockup + 1)) ;;
      *': task '*' blocked for more than '*' seconds'*) hung=$((hung + 1)) ;;
      *'EXT4-fs error '* | *'XFS ('*'): Corruption '* | *'I/O error, dev '* | *'Remounting filesystem read-only'* | \
        *'nfs: server '*' not responding'* | *'LustreError: '*' failed: rc = -'*) fs=$((fs + 1)) ;;
      *' Port: '[0-9]*' Link DOWN'*) flaps=$((flaps + 1)) ;;
    esac
  done
  [[ $known == yes ]] || return
  fatal=${fatal%,} other=${other%,} application=${application%,}
  printf '%s\n' kernel_log=read "xid_fatal=${fatal:-none}" "xid_other=${other:-none}" "xid_application=${application:-none}" \
    "sxid_fatal=$sxid" "oom_kills=$oom" "lockups=$lockup" "hung_tasks=$hung" "fs_errors=$fs" "ib_link_downs=$flaps"
}
kernel
