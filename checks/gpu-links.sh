#!/usr/bin/env bash
# ---
# id: gpu-links
# question: "How are the GPUs of the node connected, and is every NVLink up?"
# scope: node
# level: node
# gate: false
# shell: shared
# seconds: 20
# faults: [24]
# tools: [nvidia-smi]
# rules:
#   - fact: nvlinks_down
#     op: gt
#     limit: 0
#     severity: critical
#     message: "{nvlinks_down} NVLinks are down"
#     fix: "nvidia-smi nvlink -s"
#   - fact: gpu_link
#     op: in
#     limit: "SYS SOC NODE PHB"
#     severity: warning
#     message: "two GPUs see each other by {gpu_link} only: every synchronisation goes through the CPU"
#     fix: "nvidia-smi topo -m   # prefer larger micro batches, and tensor parallelism within a socket"
#   - fact: gpu_link
#     op: differs
#     severity: warning
#     message: "the GPUs are connected by {gpu_link}, elsewhere {common}"
#     fix: "nvidia-smi topo -m"
# ---

# The worst way between two GPUs, from best to worst, as the legend of `nvidia-smi topo -m` orders them.
gpu_links() {
  local matrix links line word words=() columns=0 rows=0 whole='' worst=0 rank link='' least=''
  if ! type -P nvidia-smi >/dev/null; then
    printf '%s\n' gpu_link=none nvlinks_down=0
    return
  fi
  matrix=$(nvidia-smi topo -m 2>&1) || return
  while IFS= read -r line; do
    read -ra words <<<"$line"
    case ${words[0]-} in
      GPU0)
        if ((columns == 0)); then
          for word in "${words[@]}"; do [[ $word =~ ^GPU[0-9]+$ ]] && columns=$((columns + 1)); done
          continue
        fi
        ;;
      Legend:) whole=yes && break ;;
    esac
    [[ ${words[0]-} =~ ^GPU[0-9]+$ ]] || continue
    rows=$((rows + 1))
    ((${#words[@]} > columns)) || return
    for word in "${words[@]:1:columns}"; do
      case $word in
        X) continue ;;
        NV[0-9]*)
          rank=1
          [[ ${word#NV} =~ ^[0-9]+$ ]] || return
          [[ -n $least && $least -le ${word#NV} ]] || least=${word#NV}
          ;;
        PIX) rank=2 ;;
        PXB) rank=3 ;;
        PHB) rank=4 ;;
        NODE) rank=5 ;;
        SYS | SOC) rank=6 ;;
        *) return ;;
      esac
      ((rank > worst)) && worst=$rank link=$word
    done
  done <<<"$matrix"
  [[ -n $whole && $columns -gt 0 && $rows == "$columns" ]] || return
  ((columns == 1)) && link=single
  [[ $link == NV* ]] && link=NV$least

  # The state of every NVLink, where there are any.
  local gpus=0 up=0 down=0 here=0 each=''
  if [[ -n $least ]]; then
    links=$(nvidia-smi nvlink -s 2>&1) || return
    while IFS= read -r line; do
      case $line in
        'GPU '[0-9]*)
          [[ -z $each || $gpus == 0 || $here == "$each" ]] || return
          ((gpus > 0)) && each=$here
          gpus=$((gpus + 1)) here=0
          ;;
        *'Link '[0-9]*': '[0-9]*' GB/s') here=$((here + 1)) up=$((up + 1)) ;;
        *'Link '[0-9]*': <inactive>' | *'Link '[0-9]*': Inactive') here=$((here + 1)) down=$((down + 1)) ;;
        *[![:space:]]*) return ;;
      esac
    done <<<"$links"
    # Output that breaks off names fewer GPUs, or fewer links of the last one.
    [[ $gpus == "$columns" && ( -z $each || $here == "$each" ) && $((up + down)) -gt 0 ]] || return
  fi
  printf '%s\n' "gpu_link=$link" "gpu_link_class=${link%%[0-9]*}" "nvlinks_down=$down"
}
gpu_links
