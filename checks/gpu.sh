#!/usr/bin/env bash
# ---
# id: gpu
# question: "Are all GPUs there, and does nvidia-smi find nothing wrong with them?"
# scope: node
# level: node
# gate: true
# shell: shared
# seconds: 30
# inputs: [CHECK_GPUS, CHECK_GPUS_IDLE]
# tools: [nvidia-smi]
# # memory of an idle GPU: gcm alarms above 15 MiB
# limits:
#   gpu_margin_celsius: 5
#   gpu_memory_mib: 15
# rules:
#   - fact: gpus_hidden
#     op: eq
#     limit: "yes"
#     severity: unknown
#     message: "this job has not been given the node's GPUs, so they cannot be looked at"
#     fix: "opsctl preflight --job JOB --only gpu   # of a job that holds them"
#   - fact: gpu_driver
#     op: ne
#     limit: ok
#     when: { gpus_expected: "yes" }
#     severity: critical
#     message: "nvidia-smi: {gpu_driver}"
#     fix: "nvidia-smi   # on this node; the driver, or the node, has to be restarted"
#   - fact: gpus_missing
#     op: gt
#     limit: 0
#     severity: critical
#     message: "{gpus} GPUs, {gpus_missing} fewer than the job asks for"
#     fix: "nvidia-smi -L"
#   - fact: gpu_ecc
#     op: gt
#     limit: 0
#     when: { gpu_report: "whole" }
#     severity: critical
#     message: "{gpu_ecc} uncorrectable ECC errors since the driver was loaded"
#     fix: "nvidia-smi -q -i GPU   # drain the node and reset the GPU"
#   - fact: gpu_sram_threshold
#     op: gt
#     limit: 0
#     when: { gpu_report: "whole" }
#     severity: critical
#     message: "{gpu_sram_threshold} GPUs are over their threshold of SRAM errors"
#     fix: "nvidia-smi -q -i GPU   # drain the node and reset the GPU"
#   - fact: gpu_pages_pending
#     op: gt
#     limit: 0
#     when: { gpu_report: "whole" }
#     severity: warning
#     message: "pages wait to be retired on {gpu_pages_pending} GPUs"
#     fix: "nvidia-smi -q -i GPU   # drain the node and reset the GPU"
#   - fact: gpu_remap_pending
#     op: gt
#     limit: 0
#     when: { gpu_report: "whole" }
#     severity: warning
#     message: "rows wait to be remapped on {gpu_remap_pending} GPUs"
#     fix: "nvidia-smi -q -i GPU   # drain the node and reset the GPU"
#   - fact: gpu_remap_failed
#     op: gt
#     limit: 0
#     when: { gpu_report: "whole" }
#     severity: critical
#     message: "rows could not be remapped on {gpu_remap_failed} GPUs: they have to be replaced"
#     fix: "scontrol update NodeName=NODE State=DRAIN Reason=\"row remap failed\""
#   - fact: gpu_reset_required
#     op: gt
#     limit: 0
#     when: { gpu_report: "whole" }
#     severity: critical
#     message: "{gpu_reset_required} GPUs need a reset"
#     fix: "nvidia-smi --gpu-reset -i GPU   # by the admin"
#   - fact: gpu_slowdown
#     op: gt
#     limit: 0
#     when: { gpu_report: "whole" }
#     severity: warning
#     message: "the hardware slows down {gpu_slowdown} GPUs"
#     fix: "nvidia-smi -q -d PERFORMANCE   # power supply, cooling"
#   - fact: gpu_thermal
#     op: gt
#     limit: 0
#     when: { gpu_report: "whole" }
#     severity: warning
#     message: "{gpu_thermal} thermal slowdowns are active"
#     fix: "nvidia-smi -q -d TEMPERATURE"
#   - fact: gpu_margin_celsius
#     op: lt
#     limit: gpu_margin_celsius
#     when: { gpu_margin: "told" }
#     severity: warning
#     message: "a GPU is {gpu_margin_celsius} C below its slowdown"
#     fix: "nvidia-smi -q -d TEMPERATURE"
#   - fact: gpu_pcie_narrow
#     op: gt
#     limit: 0
#     when: { gpu_report: "whole" }
#     severity: critical
#     message: "{gpu_pcie_narrow} GPUs have fewer PCIe lanes than they could"
#     fix: "nvidia-smi --query-gpu=index,pcie.link.width.current,pcie.link.width.max --format=csv"
#   - fact: gpu_fabric_bad
#     op: gt
#     limit: 0
#     when: { gpu_report: "whole" }
#     severity: critical
#     message: "the NVLink fabric is not complete: is the fabric manager running?"
#     fix: "systemctl status nvidia-fabricmanager"
#   - fact: gpu_memory_mib
#     op: gt
#     limit: gpu_memory_mib
#     when: { gpus_idle: "yes" }
#     severity: warning
#     message: "{gpu_memory_mib} MiB of a GPU are in use, by {gpu_processes} processes that nvidia-smi shows"
#     fix: "nvidia-smi   # fuser -v /dev/nvidia*"
# ---

# A counter as nvidia-smi prints it. N/A: this GPU has none. Anything else that is no number: not understood.
count() { # VARIABLE VALUE
  case $2 in
    N/A | '[N/A]' | '[Not Supported]') ;;
    '' | *[!0-9]*) unreadable=yes ;;
    *) printf -v "$1" %d "$((${!1} + 10#$2))" ;;
  esac
}
flag() { # VARIABLE VALUE
  case $2 in
    Yes | Active) printf -v "$1" %d "$((${!1} + 1))" ;;
    No | 'Not Active' | N/A | '[N/A]' | '[Not Supported]') ;;
    *) unreadable=yes ;;
  esac
}
celsius() { # VARIABLE VALUE
  case $2 in
    N/A | '[N/A]' | '[Not Supported]') printf -v "$1" '' ;;
    *) if [[ $2 =~ ^(-?[0-9]+)\ C$ ]]; then printf -v "$1" %s "${BASH_REMATCH[1]}"; else unreadable=yes; fi ;;
  esac
}

# Whether Slurm keeps GPUs of the node from this job (ConstrainDevices): then fewer than all say nothing about the node.
hidden() {
  local device said
  for device in /dev/nvidia[0-9]*; do
    [[ -c $device ]] || continue
    said=$({ : <"$device"; } 2>&1)
    case $said in *'not permitted'* | *'Permission denied'*) return 0 ;; esac
  done
  return 1
}

gpu() {
  local report code driver=ok expected=${CHECK_GPUS:-0}
  if ((expected > 0)); then echo gpus_expected=yes; else echo gpus_expected=no; fi
  if ! type -P nvidia-smi >/dev/null; then
    printf '%s\n' gpus_hidden=no gpu_driver=missing gpus=0 "gpus_missing=$expected" gpu_report=none
    printf '%s\n' gpu_margin=not-told gpus_idle=no
    return
  fi
  report=$(nvidia-smi -q 2>&1)
  code=$?
  case $report in
    *'Driver/library version mismatch'*) driver=mismatch ;;
    *'No devices were found'*) driver=no-devices ;;
    *"couldn't communicate with the NVIDIA driver"*) driver=not-loaded ;;
    *'Unable to determine the device handle'*) driver=gpu-lost ;;
  esac
  if [[ $driver == no-devices ]] && hidden; then
    echo gpus_hidden=yes
    return
  fi
  if [[ $driver != ok ]]; then
    printf '%s\n' gpus_hidden=no "gpu_driver=$driver" gpus=0 "gpus_missing=$expected" gpu_report=none
    printf '%s\n' gpu_margin=not-told gpus_idle=no
    return
  fi
  [[ $code == 0 ]] || return

  local attached='' driver_version='' cuda_version='' unreadable='' seen=0 whole=0
  local ecc=0 sram=0 pages=0 remap=0 remap_failed=0 reset=0 slowdown=0 thermal=0 narrow=0 fabric=0
  local memory=0 processes=0 margin='' l1='' l2='' l3='' line key value indent path
  local width='' now='' slow='' t_limit='' t_slow='' have=''
  while IFS= read -r line; do
    [[ $line == *[![:space:]]* ]] || continue
    indent=${line%%[! ]*}
    key=${line:${#indent}}
    value=
    [[ $key == *' : '* ]] && value=${key#* : }
    key=${key%% : *}
    key=${key%"${key##*[! ]}"}
    case ${#indent} in
      0) path=$key l1='' l2='' l3='' ;;
      4) path=$key l1=$key l2='' l3='' ;;
      8) path=$l1/$key l2=$key l3='' ;;
      12) path=$l1/$l2/$key l3=$key ;;
      *) path=$l1/$l2/$l3/$key ;;
    esac
    case $path in
      'Driver Version') driver_version=$value ;;
      'CUDA Version') cuda_version=$value ;;
      'Attached GPUs') attached=$value ;;
      'GPU '[0-9A-F]*:*) seen=$((seen + 1)) have='' width='' now='' slow='' t_limit='' t_slow='' ;;
      'GPU Reset Status/Reset Required') flag reset "$value" ;;
      'PCI/GPU Link Info/Link Width/Max') width=$value ;;
      'PCI/GPU Link Info/Link Width/Current')
        if [[ $width =~ ^[0-9]+x$ && $value =~ ^[0-9]+x$ ]]; then
          ((${value%x} >= ${width%x})) || narrow=$((narrow + 1))
        elif [[ $value != N/A ]]; then
          unreadable=yes
        fi
        ;;
      'Clocks '*' Reasons/HW Slowdown') flag slowdown "$value" && have+=c ;;
      'Clocks '*' Reasons/SW Thermal Slowdown' | 'Clocks '*' Reasons/HW Slowdown/HW Thermal Slowdown') flag thermal "$value" ;;
      'FB Memory Usage/Used')
        if [[ $value =~ ^[0-9]+\ MiB$ ]]; then
          ((${value% MiB} > memory)) && memory=${value% MiB}
          have+=m
        else
          unreadable=yes
        fi
        ;;
      'ECC Errors/Volatile/'*Uncorrectable* | 'ECC Errors/Volatile/Double Bit/Total') count ecc "$value" && have+=e ;;
      'ECC Errors/Aggregate/SRAM Threshold Exceeded') flag sram "$value" ;;
      'Retired Pages/Pending'*) flag pages "$value" ;;
      'Remapped Rows') have+=r ;;
      'Remapped Rows/Pending') flag remap "$value" ;;
      'Remapped Rows/Remapping Failure Occurred') flag remap_failed "$value" ;;
      'Temperature/GPU Current Temp') celsius now "$value" && have+=t ;;
      'Temperature/GPU Slowdown Temp') celsius slow "$value" ;;
      'Temperature/GPU T.Limit Temp') celsius t_limit "$value" ;;
      'Temperature/GPU Slowdown T.Limit Temp') celsius t_slow "$value" ;;
      'Fabric/State') [[ $value == Completed || $value == N/A ]] || fabric=$((fabric + 1)) ;;
      'Fabric/Status') [[ $value == Success || $value == N/A ]] || fabric=$((fabric + 1)) ;;
      'Processes/Process ID') processes=$((processes + 1)) ;;
      Processes)
        # The last section of a GPU: only with it was the report whole.
        [[ $have == *c*m*e*r*t* ]] && whole=$((whole + 1))
        [[ -n $now && -n $slow ]] && slow=$((slow - now))
        [[ -z $slow && -n $t_limit && -n $t_slow ]] && slow=$((t_limit - t_slow))
        [[ -n $slow && (-z $margin || slow -lt margin) ]] && margin=$slow
        ;;
    esac
  done <<<"$report"
  # Half a report, or one in words that are not known, says nothing about the GPUs.
  [[ $unreadable == '' && $attached =~ ^[0-9]+$ && $seen == "$attached" && $whole == "$attached" ]] || return
  if ((seen < expected)) && hidden; then
    echo gpus_hidden=yes
    return
  fi
  printf '%s\n' gpus_hidden=no gpu_driver=ok gpu_report=whole "gpus=$seen" "gpus_missing=$((expected > seen ? expected - seen : 0))" \
    "gpus_idle=${CHECK_GPUS_IDLE:-no}" "driver_version=$driver_version" "cuda_version=$cuda_version" \
    "gpu_ecc=$ecc" "gpu_sram_threshold=$sram" "gpu_pages_pending=$pages" "gpu_remap_pending=$remap" \
    "gpu_remap_failed=$remap_failed" "gpu_reset_required=$reset" "gpu_slowdown=$slowdown" "gpu_thermal=$thermal" \
    "gpu_pcie_narrow=$narrow" "gpu_fabric_bad=$fabric" "gpu_memory_mib=$memory" "gpu_processes=$processes"
  if [[ -n $margin ]]; then
    printf '%s\n' gpu_margin=told "gpu_margin_celsius=$margin"
  else
    echo gpu_margin=not-told
  fi
}
gpu
