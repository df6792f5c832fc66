#!/usr/bin/env bash
# ---
# id: python
# question: "Does the Python of the job import what the trainer needs?"
# scope: both
# level: run
# gate: false
# about: run
# seconds: 60
# inputs: [CHECK_PYTHON, CHECK_MODULES]
# tools: [python3]
# rules:
#   - fact: python
#     op: eq
#     limit: missing
#     severity: critical
#     message: "{python_command} is not on this node"
#     fix: "opsctl config   # environment.activate and environment.python"
#   - fact: import_failed
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "{python_command} cannot import: {import_failed}"
#     fix: "pip install the module into the environment of the job"
# ---

# One start of the job's own Python for all modules: torch alone takes seconds from a cold network file system.
python_imports() {
  local python=${CHECK_PYTHON:-python3} out line failed='' version='' finished=''
  if ! type -P "$python" >/dev/null; then
    printf '%s\n' python=missing "python_command=$python"
    return
  fi
  # shellcheck disable=SC2086 # names of modules, with spaces between
  out=$("$python" - ${CHECK_MODULES:-} 2>/dev/null <<'PY'
import importlib, sys
print("version", sys.version.split()[0])
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        print("failed", name, type(error).__name__)
print("finished")
PY
  )
  while read -r line; do
    case $line in
      'version '[0-9]*) version=${line#version } ;;
      'failed '*) failed+="${line#failed },"  ;;
      finished) finished=yes ;;
    esac
  done <<<"$out"
  [[ -n $version && -n $finished ]] || return
  failed=${failed%,}
  printf '%s\n' python=ok "python_command=$python" "python_version=$version" "import_failed=${failed:-none}"
}
python_imports
