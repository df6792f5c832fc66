#!/usr/bin/env bash
# The whole way once, on this machine: a private Slurm, a real distributed SFT run on its CPU nodes, its end.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

need_node
need_npm_packages
need_debian_packages slurmctld=slurm-wlm munged=munge
need_torch

opsctl() { node bin/opsctl.cjs "$@"; }
show() { # prints the command as a person would type it, then runs it
  printf '\n\033[1m$ %s\033[0m\n' "$*"
  "$@"
}

show opsctl sandbox up --name demo --nodes 4
eval "$(opsctl sandbox env --name demo)"
shared=$OPSCTL_SANDBOX_SHARED

[[ -d $shared/data ]] || show /usr/bin/python3 examples/sft/make_data.py --out "$shared/data" --samples 2000 --files 4 --seed 1
[[ -e $shared/opsctl.yaml ]] || show opsctl init --output "$shared/opsctl.yaml"

export OPSCTL_CONFIG=$shared/opsctl.yaml
show opsctl submit sft -r examples/sft/recipe.yaml --data "$shared/data" --output "$shared/runs" \
  --python /usr/bin/python3 --watch
show opsctl status last

cat <<END

Everything lies below $shared: the data, and in runs/ one directory a run, with its
script, manifest, logs and checkpoints. The private Slurm is still up. To go on with it in this shell:

  eval "\$(npx opsctl sandbox env --name demo)"
  export OPSCTL_CONFIG=$shared/opsctl.yaml
  npx opsctl status

and to end it, with all that lies there:

  npx opsctl sandbox down --name demo
END
