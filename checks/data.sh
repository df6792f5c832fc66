#!/usr/bin/env bash
# ---
# id: data
# question: "Are the data files there, whole, and in a form that can be trained on?"
# scope: both
# level: run
# gate: false
# shell: shared
# seconds: 60
# faults: [3, 11, 36, 37]
# inputs: [CHECK_DATA_PATHS, CHECK_DATA_SUFFIX]
# limits:
#   data_files_max: 10000
# rules:
#   - fact: data_missing
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "data: {data_missing}"
#     fix: "--data DIR --data-suffix SUFFIX"
#   - fact: data_broken
#     op: ne
#     limit: "none"
#     severity: critical
#     message: "not one JSON object: {data_broken}"
#     fix: "tail -n 1 FILE   # was the copy cut short?"
#   - fact: data_literal
#     op: ne
#     limit: "none"
#     severity: warning
#     message: "\"<endoftext>\" as plain text in {data_literal}: the tokenizer takes it for ordinary words"
#     fix: "use the eos token of the tokenizer instead"
#   - fact: data_huge
#     op: ne
#     limit: "none"
#     severity: warning
#     message: "files over 2 GiB: {data_huge}; load_dataset can fail on them with ArrowCapacityError"
#     fix: "split -l 1000000 FILE PART-   # or stream the data set"
#   - fact: data_files
#     op: gt
#     limit: data_files_max
#     severity: warning
#     message: "{data_files} data files: opening so many costs time and inodes"
#     fix: "cat them into fewer files, or give a directory instead of names"
# ---

# The data files as the node sees them: there, readable, and each with a first and a last line that is one JSON object.
# Bash cannot parse JSON; what a copy that broke off, a merged line or a wrong format look like it can tell.
one_object() { # LINE
  [[ $1 =~ ^[[:space:]]*\{.*\}[[:space:]]*$ ]] || return 1
  # Quotes that are not escaped come in pairs.
  local bare=${1//\\\\/} quotes
  bare=${bare//\\\"/}
  quotes=${bare//[!\"]/}
  ((${#quotes} % 2 == 0)) || return 1
  # And outside of texts the brackets close.
  local text opened closed
  text=$(printf '%s' "$bare" | tr -d '\n' | { IFS='"' read -r -d '' -a parts || true; for ((i = 0; i < ${#parts[@]}; i += 2)); do printf %s "${parts[i]}"; done; })
  opened=${text//[!\{\[]/} closed=${text//[!\}\]]/}
  [[ ${#opened} == "${#closed}" ]]
}

# The sizes of many files with few starts of stat; 0 lines for a file that cannot be looked at.
sizes_of() { # FILE...
  local chunk=500 start
  for ((start = 1; start <= $#; start += chunk)); do
    stat -Lc %s -- "${@:start:chunk}" 2>/dev/null
  done
}

ends_of() { # FILE: its first and last line, as far as they are shorter than a mebibyte
  local name=${1##*/} head first last
  head=$(head -c 1048576 -- "$1" | tr -d '\0')
  [[ $head == *'<endoftext>'* || $head == *'<|endoftext|>'* ]] && literal+="$name, "
  first=${head%%$'\n'*}
  ((${#first} < 1048576)) || return
  one_object "$first" || broken+="$name line 1, "
  last=$(tail -c 1048576 -- "$1" | tr -d '\0' | tail -n 1)
  ((${#last} >= 1048575)) || one_object "$last" || broken+="$name last line, "
}

data_files() {
  local entry file list=() sizes=() i broken='' missing='' literal='' huge='' count=0 bytes=0 read=0
  while IFS= read -r entry; do
    [[ -n $entry ]] || continue
    list=()
    if [[ -d $entry ]]; then
      for file in "$entry"/*"${CHECK_DATA_SUFFIX:-}"; do [[ -f $file ]] && list+=("$file"); done
      ((${#list[@]} > 0)) || missing+="$entry (no file ending in ${CHECK_DATA_SUFFIX:-anything}), "
    elif [[ -f $entry ]]; then
      list=("$entry")
    else
      missing+="$entry (missing), "
    fi
    ((${#list[@]} > 0)) || continue
    mapfile -t sizes < <(sizes_of "${list[@]}")
    ((${#sizes[@]} == ${#list[@]})) || return
    for ((i = 0; i < ${#list[@]}; i++)); do
      file=${list[i]}
      count=$((count + 1)) bytes=$((bytes + sizes[i]))
      # What pyarrow's 32 bit offsets can hold.
      ((sizes[i] > 2147483646)) && huge+="${file##*/}, "
      if [[ ! -r $file ]]; then
        missing+="$file (not readable), "
      elif ((sizes[i] == 0)); then
        broken+="${file##*/} (empty), "
      elif [[ $file == *.jsonl && $read -lt ${CHECK_MAX_READ:-32} ]]; then
        read=$((read + 1))
        ends_of "$file"
      fi
    done
  done <<<"${CHECK_DATA_PATHS:-}"
  printf '%s\n' "data_files=$count" "data_gib=$((bytes / 1073741824))" "data_read=$read"
  for entry in missing broken literal huge; do
    file=${!entry%, }
    printf 'data_%s=%s\n' "$entry" "${file:-none}"
  done
}
data_files
