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

program=$PWD/bin/opsctl.cjs
examples=$PWD/examples/lm
opsctl() { node "$program" "$@"; }
show() { # prints the command as a person would type it, then runs it
  printf '\n\033[1m$ %s\033[0m\n' "$*"
  "$@"
}

show opsctl sandbox up --name demo --nodes 4
eval "$(opsctl sandbox env --name demo)"
show cd "$OPSCTL_SANDBOX_SHARED"

[[ -d data ]] || show /usr/bin/python3 "$examples/make_data.py" --out data --samples 2000 --files 4 --seed 1
[[ -e recipe.yaml ]] || show cp "$examples/recipe.yaml" .
[[ -e opsctl.yaml ]] || show opsctl init --output opsctl.yaml

show opsctl submit sft -r recipe.yaml --watch
show opsctl status last

cat <<END

Everything lies in $PWD: the data, the cluster's profile, and in runs/ one
directory a run, with its script, manifest, logs and checkpoints. The private Slurm is still up. To go on with it:

  eval "\$(npx opsctl sandbox env --name demo)"
  cd "\$OPSCTL_SANDBOX_SHARED"
  $(dirname "$(dirname "$program")")/bin/opsctl.cjs status

and to end it, with all that lies there:

  npx opsctl sandbox down --name demo
END
