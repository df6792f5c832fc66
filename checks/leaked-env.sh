#!/usr/bin/env bash
# ---
# id: leaked-env
# question: "Is the environment free of what another job or sudo left?"
# ok: "nothing is left of another job or of sudo"
# scope: login
# level: run
# gate: false
# shell: shared
# seconds: 5
# rules:
#   - fact: leaked_variables
#     op: ne
#     limit: "none"
#     when: { inside_job: "no" }
#     severity: warning
#     message: "set from another job: {leaked_variables}; sbatch and srun follow them"
#     fix: "unset the variables, or start from a new login shell"
#   - fact: sudo
#     op: eq
#     limit: "yes"
#     severity: warning
#     message: "under sudo: files will belong to another user than the job expects"
#     fix: "run it as yourself"
# ---

# Variables that change what sbatch and srun do, left over from another job or from sudo.
leaked() {
  local name found='' inside=no
  [[ -n ${SLURM_JOB_ID:-} && -n ${SLURM_JOB_NODELIST:-} ]] && inside=yes
  if [[ $inside == no ]]; then
    for name in ${!SBATCH_*} ${!SRUN_*} ${!SLURM_*}; do
      case $name in
        SLURM_CONF | SLURM_TIME_FORMAT | SLURM_JWT | SLURM_CLUSTERS | SBATCH_EXPORT) ;;
        *) found+="$name," ;;
      esac
    done
  fi
  found=${found%,}
  printf '%s\n' "leaked_variables=${found:-none}" "inside_job=$inside"
  if [[ -n ${SUDO_USER:-} && ${SUDO_USER:-} != "$(id -un)" ]]; then echo sudo=yes; else echo sudo=no; fi
}
leaked
