#!/usr/bin/env bash
# ---
# id: versions
# question: "Are driver, CUDA, NCCL, OFED and kernel the same on all nodes?"
# scope: node
# level: node
# gate: false
# shell: shared
# seconds: 15
# tools: [nvcc, ofed_info]
# rules:
#   - fact: version_driver
#     op: differs
#     severity: critical
#     message: "driver {version_driver}, elsewhere {common}"
#     fix: "exclude the node, or have it updated"
#   - fact: version_cuda
#     op: differs
#     severity: warning
#     message: "CUDA {version_cuda}, elsewhere {common}"
#     fix: "module list   # on the odd node"
#   - fact: version_nccl
#     op: differs
#     severity: warning
#     message: "NCCL {version_nccl}, elsewhere {common}"
#     fix: "ls /usr/lib*/libnccl*   # on the odd node"
#   - fact: version_ofed
#     op: differs
#     severity: warning
#     message: "OFED {version_ofed}, elsewhere {common}"
#     fix: "ofed_info -s   # on the odd node"
#   - fact: version_kernel
#     op: differs
#     severity: warning
#     message: "kernel {version_kernel}, elsewhere {common}"
#     fix: "uname -r   # on the odd node"
# ---

# What must be the same on all nodes of a job. A version that is not there is told as such, so that one node without it shows.
versions() {
  local line directory value release
  value=none
  if [[ -r /proc/driver/nvidia/version ]]; then
    read -r line </proc/driver/nvidia/version
    [[ $line =~ [[:space:]]([0-9]+\.[0-9.]+)[[:space:]] ]] && value=${BASH_REMATCH[1]}
  fi
  echo "version_driver=$value"
  # A tool that is there and does not answer says nothing: that is not the same as no version.
  value=none
  if type -P nvcc >/dev/null; then
    line=$(nvcc --version 2>/dev/null)
    [[ $line =~ release\ ([0-9]+\.[0-9]+), ]] || return
    value=${BASH_REMATCH[1]}
  fi
  echo "version_cuda=$value"
  value=none
  if type -P ofed_info >/dev/null; then
    read -r line < <(ofed_info -s 2>/dev/null)
    [[ $line =~ ^[A-Za-z_-]+-([0-9.-]+):$ ]] || return
    value=${line%:}
  elif [[ -r /sys/module/mlx5_core/version ]]; then
    read -r value </sys/module/mlx5_core/version
  fi
  echo "version_ofed=$value"
  value=none
  # The name without a version is there in any installation; these directories are too large to be searched for nothing.
  for directory in /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/local/cuda/lib64; do
    [[ -e $directory/libnccl.so.2 ]] || continue
    for line in "$directory"/libnccl.so.2.*.*; do [[ -e $line ]] && value=${line##*libnccl.so.}; done
  done
  read -r release </proc/sys/kernel/osrelease || return
  printf '%s\n' "version_nccl=$value" "version_kernel=$release"
}
versions
