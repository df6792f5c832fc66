#!/usr/bin/env bash
# ---
# id: cxx
# question: "Can this node compile and link C++, as torch does for its extensions?"
# ok: "{cxx_command} compiles and links"
# scope: both
# level: node
# gate: true
# shell: shared
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
#   - fact: cxx
#     op: eq
#     limit: no-room
#     severity: unknown
#     message: "{cxx_command} could not be tried: {cxx_error}"
#     fix: "df -h \"${TMPDIR:-/tmp}\""
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

# A header and a function of the C++ library: the least that needs both. <string> would take twenty times as long to read.
ONE_CPP=$'#include <new>\nstd::new_handler one() { return std::set_new_handler(0); }\nint main() { return one() != 0; }'

# Compiles it, and links it unless told otherwise; sets `out` to what was said. What comes of it is not kept, so that there is
# nothing to take away whoever ends this.
build_one() { # OPTION...
  # shellcheck disable=SC2086 # $CXX may hold options: "ccache g++"
  out=$(exec 2>&1; exec $compiler -x c++ - -o /dev/null "$@" <<<"$ONE_CPP")
}

# Whether the whole C++ library lies beside the part that the linker has named in `out`. One that is a text for the linker
# has the linker to read it.
has_whole_library() {
  local place=${out%%libsupc++.a*} magic=''
  [[ $place != "$out" ]] && IFS= read -r -N 4 magic <"${place##*$'\n'}libstdc++.so" && [[ $magic == $'\x7fELF' ]]
} 2>/dev/null

cxx() {
  local compiler=${CXX:-c++} out='' state tool
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
  # One start while all is well, and of what torch builds, a library; where it is refused, three more tell what fails. First
  # against the part of the C++ library that stands in an archive, since the whole of it takes the linker as long as all the rest.
  if build_one -shared -fPIC -nodefaultlibs -Wl,--no-undefined,--trace -lsupc++ && has_whole_library; then
    state=ok
  elif build_one -shared -fPIC -nodefaultlibs -Wl,--no-undefined,--trace -lstdc++; then
    state=ok
  elif ! build_one -c; then
    state=does-not-compile
  elif build_one -Wl,--trace; then
    state=ok
  else
    state=does-not-link
  fi
  if [[ $state == ok ]]; then
    # It is the linker that names what it has read; who ends well and has linked nothing is no compiler, or hides it.
    [[ $out == */libsupc++.a* || $out == */libstdc++.* || $out == */libc++.* ]] || return
    out=''
  elif [[ $out == *'No space left on device'* ]]; then
    state=no-room
  fi
  out=${out%%$'\n'*}
  printf '%s\n' "cxx=$state" "cxx_command=${compiler%% *}" "cxx_error=${out:0:160}"
}
cxx
