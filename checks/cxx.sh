#!/usr/bin/env bash
# ---
# id: cxx
# question: "Can this node compile and link C++, as torch does for its extensions?"
# ok: "{cxx_command} compiles and links"
# scope: both
# level: node
# gate: true
# seconds: 30
# faults: [4]
# inputs: [CHECK_CUDA_BUILD]
# tools: [c++]
# rules:
#   - fact: cxx
#     op: eq
#     limit: missing
#     severity: critical
#     message: "{cxx_command} is not installed: CUDA extensions of DeepSpeed and others cannot be built"
#     fix: "apt-get install build-essential   # or: module load gcc"
#   - fact: cxx
#     op: in
#     limit: "does-not-compile does-not-link"
#     severity: critical
#     message: "{cxx_command} {cxx}: {cxx_error}"
#     fix: "apt-get install --reinstall build-essential   # or: module load gcc"
#   - fact: nvcc
#     op: eq
#     limit: missing
#     when: { cuda_build: "yes" }
#     severity: warning
#     message: "nvcc is not there, and this run builds CUDA extensions"
#     fix: "module load cuda   # or: export CUDA_HOME=/usr/local/cuda"
#   - fact: ninja
#     op: eq
#     limit: missing
#     when: { cuda_build: "yes" }
#     severity: warning
#     message: "ninja is not there: torch builds its extensions with it"
#     fix: "pip install ninja"
# ---

# torch builds its CUDA extensions with $CXX or c++; ninja runs the build, nvcc compiles the device part.
cxx() {
  local compiler=${CXX:-c++} out='' tool
  echo "cuda_build=${CHECK_CUDA_BUILD:-no}"
  for tool in nvcc ninja; do
    if type -P "$tool" >/dev/null || [[ -x ${CUDA_HOME:-/usr/local/cuda}/bin/$tool ]]; then
      echo "$tool=present"
    else
      echo "$tool=missing"
    fi
  done
  if ! type -P "${compiler%% *}" >/dev/null; then
    printf '%s\n' cxx=missing "cxx_command=${compiler%% *}"
    return
  fi
  dir=$(mktemp -d "${TMPDIR:-/tmp}/opsctl-cxx.XXXXXX") || return
  # Also when the time limit ends it.
  trap 'rm -rf -- "$dir"' EXIT
  # A header and an allocation of the C++ library: the least that needs its headers and its library both. <string> would take
  # twenty times as long to read.
  printf '#include <new>\nint *one(int n) { return new int(n); }\nint main(int n, char **) { return *one(n) == 1 ? 0 : 1; }\n' >"$dir/one.cpp"
  # One start while all is well, of a library as torch builds them, against the C++ library alone: a program takes the linker
  # twice as long. Where that is refused, two more tell which half fails.
  # shellcheck disable=SC2086 # $CXX may hold options: "ccache g++"
  if out=$($compiler -shared -fPIC -nodefaultlibs "$dir/one.cpp" -lstdc++ -o "$dir/one" 2>&1) && [[ -s $dir/one ]]; then
    echo cxx=ok
  elif ! out=$($compiler -c "$dir/one.cpp" -o "$dir/one.o" 2>&1) || [[ ! -s $dir/one.o ]]; then
    echo cxx=does-not-compile
  elif ! out=$($compiler "$dir/one.o" -o "$dir/one" 2>&1) || [[ ! -s $dir/one ]]; then
    echo cxx=does-not-link
  else
    echo cxx=ok
  fi
  out=${out%%$'\n'*}
  printf '%s\n' "cxx_command=${compiler%% *}" "cxx_error=${out:0:160}"
}
cxx
