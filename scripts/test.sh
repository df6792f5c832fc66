#!/usr/bin/env bash
# All tests: what they need is installed first, the fast ones come before those on the real Slurm.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

need_node
need_npm_packages
need_debian_packages slurmctld=slurm-wlm munged=munge slurmdbd=slurmdbd mariadbd=mariadb-server shellcheck=shellcheck c++=g++ openssl=openssl envml=environment-modules
[[ -e $(echo /usr/lib/*/slurm-wlm/accounting_storage_mysql.so) ]] || install_packages slurm-wlm-mysql-plugin
need_torch

# With TEST_RESULTS=DIR the runner also leaves its own counts there, as JSON.
vitest() { # PROJECT
  local project=$1
  shift
  local report=()
  [[ -z ${TEST_RESULTS:-} ]] || report=(--reporter=default --reporter=json "--outputFile.json=$TEST_RESULTS/$project.json")
  node_modules/.bin/vitest run --project "$project" "${report[@]}" "$@"
}

failed=0
vitest fast "$@" || failed=1
vitest e2e "$@" || failed=1
exit "$failed"
