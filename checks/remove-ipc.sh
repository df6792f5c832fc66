#!/usr/bin/env bash
# ---
# id: remove-ipc
# question: "Does the end of a login delete /dev/shm files of a running job?"
# scope: node
# level: node
# gate: false
# shell: shared
# seconds: 5
# faults: [6]
# rules:
#   - fact: remove_ipc
#     op: eq
#     limit: "yes"
#     severity: warning
#     message: "RemoveIPC=yes: when your last login on this node ends, your files in /dev/shm go, a running job's too"
#     fix: "do not ssh to the nodes of a job; the admin sets RemoveIPC=no in /etc/systemd/logind.conf"
# ---

# systemd-logind with RemoveIPC=yes deletes a user's files in /dev/shm at the end of his last login, a running job's too.
remove_ipc() {
  local file line value=''
  if [[ ! -d /run/systemd/system ]]; then
    echo remove_ipc=no-systemd
    return
  fi
  for file in /usr/lib/systemd/logind.conf /usr/lib/systemd/logind.conf.d/*.conf /etc/systemd/logind.conf /run/systemd/logind.conf.d/*.conf /etc/systemd/logind.conf.d/*.conf; do
    [[ -e $file ]] || continue
    [[ -r $file ]] || return
    while read -r line; do
      [[ $line =~ ^RemoveIPC[[:space:]]*=[[:space:]]*([A-Za-z0-9]*)[[:space:]]*$ ]] && value=${BASH_REMATCH[1]}
    done <"$file"
  done
  case $value in
    [Nn][Oo] | [Ff]alse | 0 | [Oo]ff) echo remove_ipc=no ;;
    [Yy][Ee][Ss] | [Tt]rue | 1 | [Oo]n) echo remove_ipc=yes ;;
    # Not set: the default is yes upstream, and no on Fedora, RHEL and their like.
    '') case $(
      # shellcheck source=/dev/null
      . /etc/os-release 2>/dev/null && echo "${ID:-} ${ID_LIKE:-}") in *rhel* | *fedora* | *centos*) echo remove_ipc=no ;; *) echo remove_ipc=yes ;; esac ;;
  esac
}
remove_ipc
