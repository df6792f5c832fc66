/**
 * Runs on each node of a job that stands still, inside its allocation, and reads only: what its processes wait for, their
 * stacks where py-spy is there, power and clocks of the GPUs, memory and disks. The odd one out is the suspect. Every line
 * begins with the node's name, because srun mixes what the nodes print.
 */
export const EVIDENCE_PROGRAM = String.raw`
set -u
export LC_ALL=C
{
echo "== node $SLURMD_NODENAME at $(date -Iseconds)"
echo '== processes: pid, rank, state, what the kernel does for it, threads, memory (kB), seconds, command'
mine=()
rank=()
for pid in /proc/[0-9]*; do
  pid=${'$'}{pid#/proc/}
  [[ $pid != "$$" && -r /proc/$pid/environ ]] || continue
  { tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "SLURM_JOB_ID=$SLURM_JOB_ID"; } 2>/dev/null || continue
  { tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "SLURMD_NODENAME=$SLURMD_NODENAME"; } 2>/dev/null || continue
  { tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "SLURM_STEP_ID=$SLURM_STEP_ID"; } 2>/dev/null && continue
  mine+=("$pid")
  # What torchrun and its kin tell their workers; a launcher has no LOCAL_RANK.
  own='' worker=''
  while IFS= read -r -d '' word; do
    case $word in RANK=*) own=${'$'}{word#RANK=} ;; LOCAL_RANK=*) worker=1 ;; esac
  done 2>/dev/null <"/proc/$pid/environ"
  [[ -n $worker && $own =~ ^[0-9]+$ ]] && rank[pid]=$own
done
if ((${'$'}{#mine[@]})); then
  ps -o pid=,stat=,wchan:32=,nlwp=,rss=,etimes=,args= -p "$(IFS=,; echo "${'$'}{mine[*]}")" 2>/dev/null |
    while read -r pid rest; do printf '%s %s %s\n' "$pid" "${'$'}{rank[pid]:--}" "$rest"; done | cut -c 1-200
  for pid in "${'$'}{mine[@]}"; do
    [[ $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) == *python* ]] || continue
    echo "== stack of $pid in the kernel"
    cat "/proc/$pid/stack" 2>/dev/null || echo 'may not be read'
    if command -v py-spy >/dev/null; then
      echo "== Python stack of $pid"
      timeout 10 py-spy dump --nonblocking --pid "$pid" 2>&1 | head -n 60
    fi
  done
fi
if command -v nvidia-smi >/dev/null; then
  echo '== GPUs'
  timeout 20 nvidia-smi --query-gpu=index,pstate,power.draw,clocks.sm,utilization.gpu,memory.used,temperature.gpu --format=csv 2>&1
fi
echo '== memory'
grep -E '^(MemAvailable|MemTotal|Shmem|SwapFree):' /proc/meminfo
echo '== disks'
timeout 10 df -h /dev/shm /tmp 2>&1
echo "== end of $SLURMD_NODENAME"
} | sed "s/^/$SLURMD_NODENAME: /"
`;
