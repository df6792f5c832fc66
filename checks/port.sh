#!/usr/bin/env bash
# ---
# id: port
# question: "Is the port of the rendezvous free?"
# scope: node
# level: run
# gate: true
# shell: shared
# seconds: 5
# rules:
#   - fact: port
#     op: eq
#     limit: busy
#     severity: critical
#     message: "something listens on the port of the rendezvous already"
#     fix: "export MASTER_PORT=PORT   # ss -ltnp shows who has it"
#   - fact: port
#     op: eq
#     limit: invalid
#     severity: critical
#     message: "MASTER_PORT is no port"
#     fix: "export MASTER_PORT=20000"
#   - fact: port_ephemeral
#     op: eq
#     limit: "yes"
#     when: { port_given: "yes" }
#     severity: warning
#     message: "the port is in the range that the kernel gives to outgoing connections"
#     fix: "export MASTER_PORT=20000   # below /proc/sys/net/ipv4/ip_local_port_range"
# ---

# Whether anything on this node already listens on the port of the rendezvous, by the kernel's own table.
port_free() {
  local port=${MASTER_PORT:-} hex words low high busy=no
  if [[ -z $port ]]; then
    printf '%s\n' port=not-set port_given=no
    return
  fi
  if [[ ! $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 65535)); then
    printf '%s\n' port=invalid port_given=no
    return
  fi
  printf -v hex %04X "$port"
  for table in /proc/net/tcp /proc/net/tcp6; do
    [[ -r $table ]] || continue
    while read -r -a words; do
      [[ ${words[1]-} == *:"$hex" && ${words[3]-} == 0A ]] && busy=yes
    done <"$table"
  done
  [[ -r /proc/net/tcp ]] || return
  if [[ $busy == yes ]]; then echo port=busy; else echo port=free; fi
  echo port_given=yes
  # In this range the kernel gives ports to outgoing connections, of anybody.
  read -r low high </proc/sys/net/ipv4/ip_local_port_range || return
  if ((port >= low && port <= high)); then echo port_ephemeral=yes; else echo port_ephemeral=no; fi
}
port_free
