# Sourced by demo.sh and test.sh: installs what is missing, and says what it does. Nothing happens when all is there.
# shellcheck shell=bash

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

need_node() {
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null && return
  say "opsctl needs Node.js 20.19 or newer; this is $(node --version 2>/dev/null || echo 'no node at all')."
  exit 69
}

# npm ci writes this file last: older than the lock file means that something is missing.
need_npm_packages() {
  [[ -e node_modules/.package-lock.json && ! package-lock.json -nt node_modules/.package-lock.json && -e dist/opsctl.pack ]] && return
  say "Installing the npm packages of the lock file (npm ci)"
  npm ci --no-audit --no-fund
}

# PROGRAM=PACKAGE...: installs the packages whose program is not there.
need_debian_packages() {
  local pair missing=()
  for pair in "$@"; do
    PATH="$PATH:/usr/sbin:/sbin" type -P "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  install_packages "${missing[@]}"
}

# torch belongs to one Python: Debian's own is the one that apt serves.
need_torch() {
  /usr/bin/python3 -c 'import torch' 2>/dev/null || install_packages python3-torch
}

install_packages() {
  (($# > 0)) || return 0
  local as_root=()
  if ! type -P apt-get >/dev/null; then
    say "These Debian packages are missing and there is no apt-get to install them: $*"
    exit 69
  fi
  if ((EUID != 0)); then
    if type -P sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
      as_root=(sudo)
    else
      say "Missing, and only root can install it. Ask for: apt-get install --no-install-recommends $*"
      exit 69
    fi
  fi
  say "Installing the Debian packages $*"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
