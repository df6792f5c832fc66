#!/usr/bin/env bash
# ---
# id: data
# question: "Are the data files there, whole, and in a form that can be trained on?"
# scope: node
# level: run
# gate: false
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
#   - fact: data_literal_eos
#     op: ne
#     limit: "none"
#     severity: warning
#     message: "\"<endoftext>\" as plain text in {data_literal_eos}: the tokenizer takes it for ordinary words"
#     fix: "use the eos token of the tokenizer instead"
#   - fact: data_over_2gib
#     op: ne
#     limit: "none"
#     severity: warning
#     message: "files over 2 GiB: {data_over_2gib}; load_dataset can fail on them with ArrowCapacityError"
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

data_files() {
  local entry file list=() broken='' missing='' literal='' huge='' count=0 bytes=0 size first last read=0 max=${CHECK_MAX_READ:-32} head
  while IFS= read -r entry; do
    [[ -n $entry ]] || continue
    if [[ -d $entry ]]; then
      if [[ ! -r $entry || ! -x $entry ]]; then
        missing+="$entry (not readable), "
        continue
      fi
      list=()
      for file in "$entry"/*"${CHECK_DATA_SUFFIX:-}"; do [[ -f $file ]] && list+=("$file"); done
      ((${#list[@]} > 0)) || missing+="$entry (no file ending in ${CHECK_DATA_SUFFIX:-anything}), "
    elif [[ -f $entry ]]; then
      list=("$entry")
    else
      missing+="$entry (missing), "
      continue
    fi
    for file in ${list[@]+"${list[@]}"}; do
      count=$((count + 1))
      size=$(stat -Lc %s "$file" 2>/dev/null) || { missing+="$file (not readable), "; continue; }
      bytes=$((bytes + size))
      ((size > 2147483646)) && huge+="${file##*/}, "
      [[ -r $file ]] || { missing+="$file (not readable), "; continue; }
      ((size > 0)) || { broken+="${file##*/} (empty), "; continue; }
      [[ $file == *.jsonl && $read -lt $max ]] || continue
      read=$((read + 1))
      head=$(head -c 1048576 "$file" | tr -d '\0')
      first=${head%%$'\n'*}
      # A line longer than what was read is not judged.
      if ((${#head} < 1048576)) || [[ $head == *$'\n'* ]]; then
        one_object "$first" || broken+="${file##*/} line 1, "
        last=$(tail -c 1048576 "$file" | tr -d '\0' | tail -n 1)
        ((${#last} >= 1048575)) || one_object "$last" || broken+="${file##*/} last line, "
      fi
      [[ $head == *'<endoftext>'* || $head == *'<|endoftext|>'* ]] && literal+="${file##*/}, "
    done
  done <<<"${CHECK_DATA_PATHS:-}"
  missing=${missing%, } broken=${broken%, } literal=${literal%, } huge=${huge%, }
  printf '%s\n' "data_files=$count" "data_gib=$((bytes / 1073741824))" "data_read=$read" "data_missing=${missing:-none}" "data_broken=${broken:-none}" \
    "data_literal_eos=${literal:-none}" "data_over_2gib=${huge:-none}"
}
data_files
