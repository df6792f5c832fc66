#!/usr/bin/env bash
# ---
# id: clock
# question: "Do the clocks of the nodes agree?"
# scope: node
# level: node
# gate: false
# shell: shared
# seconds: 5
# limits:
#   clock_skew_seconds: 5
# rules:
#   - fact: clock_epoch
#     op: spread
#     limit: clock_skew_seconds
#     severity: warning
#     message: "the clocks of the nodes are {spread} s apart"
#     fix: "chronyc tracking   # on the odd node"
# ---

# The clock of this node; the nodes are compared with each other.
printf 'clock_epoch=%(%s)T\n' -1
