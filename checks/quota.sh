#!/usr/bin/env bash
# ---
# id: quota
# question: "Is there space and are there inodes left where the run writes, for this user and its checkpoints?"
# ok: "{space_left_gib} GiB left where the output goes, {space_used_percent} % of {space_fullest} used"
# scope: both
# level: run
# gate: false
# shell: shared
# seconds: 30
# faults: [10]
# inputs: [CHECK_OUTPUT, CHECK_WRITE_PATHS, CHECK_CHECKPOINT_GIB]
# tools: [quota, lfs]
# # quota: BigScience alarms at 85 % of bytes and of inodes; the team of the fault table warns at 80 %
# # space: gcm warns at 80 % and alarms at 85 %; a large shared file system is often above that, so the alarm is at 95 %,
# # and where a terabyte is left, that is a warning
# limits:
#   quota_percent_warning: 80
#   quota_percent_alarm: 85
#   space_percent_warning: 80
#   space_percent_alarm: 95
#   space_plenty_gib: 1024
# rules:
#   - fact: space_short_gib
#     op: gt
#     limit: 0
#     severity: critical
#     message: "{space_left_gib} GiB left where the output goes, {space_short_gib} GiB too little for the checkpoints to come"
#     fix: "--output DIR   # or keep fewer checkpoints"
#   - fact: quota_over_space
#     op: eq
#     limit: "yes"
#     severity: critical
#     message: "over the quota of space, grace {quota_grace}"
#     fix: "quota -uvs"
#   - fact: quota_over_files
#     op: eq
#     limit: "yes"
#     severity: critical
#     message: "over the quota of files, grace {quota_grace}"
#     fix: "quota -uvs"
#   - fact: quota_space_percent
#     op: ge
#     limit: quota_percent_alarm
#     severity: critical
#     message: "{quota_space_percent} % of the quota of space is used"
#     fix: "quota -uvs   # lfs quota -u $USER DIR"
#   - fact: quota_space_percent
#     op: ge
#     limit: quota_percent_warning
#     severity: warning
#     message: "{quota_space_percent} % of the quota of space is used"
#     fix: "quota -uvs   # lfs quota -u $USER DIR"
#   - fact: quota_files_percent
#     op: ge
#     limit: quota_percent_alarm
#     severity: critical
#     message: "{quota_files_percent} % of the quota of files is used"
#     fix: "quota -uvs   # lfs quota -u $USER DIR"
#   - fact: space_used_percent
#     op: ge
#     limit: space_percent_alarm
#     when: { space_plenty: "no" }
#     severity: critical
#     message: "{space_used_percent} % of {space_fullest} is used"
#     fix: "df -h {space_fullest}"
#   - fact: space_used_percent
#     op: ge
#     limit: space_percent_warning
#     severity: warning
#     message: "{space_used_percent} % of {space_fullest} is used"
#     fix: "df -h {space_fullest}"
#   - fact: inodes_used_percent
#     op: ge
#     limit: quota_percent_alarm
#     severity: critical
#     message: "{inodes_used_percent} % of the inodes are used"
#     fix: "df -i"
# ---

# Space and inodes that this user may still take where the run writes: quota, lfs quota, and df for all.
scaled() { # VARIABLE NUMBER STEP: 1.5G in units of the first letter, k; an amount without a letter is in that unit
  local power=0 number=${2%\*}
  [[ $number =~ ^([0-9]{1,12})(\.([0-9]{1,3})[0-9]*)?([kKmMgGtTpP]?)$ ]] || return 1
  case ${BASH_REMATCH[4]} in
    [mM]) power=1 ;;
    [gG]) power=2 ;;
    [tT]) power=3 ;;
    [pP]) power=4 ;;
    [kK]) power=0 ;;
    '') [[ $3 == 1000 ]] && printf -v "$1" %d "$((10#${BASH_REMATCH[1]}))" && return ;;
  esac
  local thousandths=${BASH_REMATCH[3]}000 value
  value=$((10#${BASH_REMATCH[1]} * 1000 + 10#${thousandths:0:3}))
  # Files are counted in ones and letters are thousands; space is counted in KiB.
  [[ $3 == 1000 ]] && power=$((power + 1))
  while ((power-- > 0)); do value=$((value * $3)); done
  printf -v "$1" %d "$((value / 1000))"
}

# One table of `quota -uvs` or `lfs quota`. A long device name stands on a line of its own, grace times may be missing,
# and [10200224] is a number that Lustre itself does not trust. Fails on anything that was not understood to its end.
quota_rows() { # TEXT MOUNT
  local line words=() title='' rows=0 field used soft hard left percent
  while IFS= read -r line; do
    case $line in
      *Filesystem*' quota '*' limit '*' files '*) title=yes && continue ;;
      'Disk quotas for '*': none') rows=1 title=yes && continue ;;
      'Disk quotas for '* | *' is using default '*' quota setting' | '') continue ;;
    esac
    [[ -n $title ]] || return 1
    read -ra field <<<"$line"
    words+=("${field[@]}")
    ((${#words[@]} > 1)) || continue
    row "${words[@]}" || return 1
    rows=$((rows + 1)) words=()
  done <<<"$1"
  ((rows > 0 && ${#words[@]} == 0))
}

row() { # DEVICE USED SOFT HARD [GRACE] FILES SOFT HARD [GRACE]
  local device=$1 number='^[0-9.]+[kKmMgGtTpP]?\*?$' used soft hard grace='' files fsoft fhard fgrace='' limit left
  shift
  (($# >= 6)) || return 1
  scaled used "$1" 1024 && scaled soft "$2" 1024 && scaled hard "$3" 1024 || return 1
  [[ $1 == *\* ]] && over_space=yes
  shift 3
  [[ $1 =~ $number ]] || { grace=$1 && shift; }
  (($# >= 3)) || return 1
  scaled files "$1" 1000 && scaled fsoft "$2" 1000 && scaled fhard "$3" 1000 || return 1
  [[ $1 == *\* ]] && over_files=yes
  fgrace=${4:-}
  for limit in "$grace" "$fgrace"; do
    case $limit in
      '' | -) ;;
      none | expired) quota_grace=expired ;;
      *) quota_grace=$limit ;;
    esac
  done
  limit=$((soft > 0 ? soft : hard))
  ((limit > 0 && used * 100 / limit > space_percent)) && space_percent=$((used * 100 / limit))
  left=$((hard > 0 ? hard - used : soft > 0 ? soft - used : -1))
  # What is left counts where the run writes: `quota` names the device or the NFS export, and lfs was asked for the place.
  if [[ $asked == lfs || $source == "$device"* ]] && ((hard > 0 || soft > 0)); then
    ((left < 0)) && left=0
    [[ -n $quota_left && $quota_left -le $left ]] || quota_left=$left
  fi
  limit=$((fsoft > 0 ? fsoft : fhard))
  ((limit > 0 && files * 100 / limit > files_percent)) && files_percent=$((files * 100 / limit))
  return 0
}

ask_lustre() { # MOUNT
  local text code
  text=$(timeout -k 1 8 lfs quota -u "$(id -un)" "$1" 2>&1)
  code=$?
  [[ $text == *'not on a mounted Lustre filesystem'* ]] && return
  asked=lfs
  [[ $code == 0 ]] && quota_rows "$text"
}

ask_quota() {
  local text
  # It ends with 1 when a quota is exceeded.
  text=$(timeout -k 1 8 quota -uvs 2>&1)
  (($? <= 1)) || return
  asked=quota
  quota_rows "$text"
}

# One df for all places, since its start is most of what this takes: `rows` gets a line for each, in their order. An output
# directory is made by the job, so the nearest directory that exists is asked.
ask_disks() { # PATH...
  local place there=()
  for place in "$@"; do
    until [[ -d $place ]]; do place=${place%/*} && place=${place:-/}; done
    there+=("$place")
  done
  rows=$(df -k --output=size,used,avail,pcent,ipcent,fstype,source,target -- "${there[@]}" 2>/dev/null) || return
  rows=${rows#*$'\n'}$'\n'
}

disk() { # ROW
  local form='^ *[0-9]+ +[0-9]+ +([0-9]+) +([0-9]+)% +([0-9]+%|-) +([^ ]+) +([^ ]+) +(/.*)$'
  [[ $1 =~ $form ]] || return
  free=${BASH_REMATCH[1]} percent=${BASH_REMATCH[2]} inodes=${BASH_REMATCH[3]%\%} kind=${BASH_REMATCH[4]}
  source=${BASH_REMATCH[5]} mount=${BASH_REMATCH[6]}
  # Some file systems (btrfs) make inodes as they are needed: df prints "-".
  [[ $inodes != - ]] || inodes=0
}

quota_facts() {
  local source free percent mount inodes kind place places=() rows seen=' ' need=${CHECK_CHECKPOINT_GIB:-0} asked=none
  local worst=0 worst_inodes=0 worst_mount='' plenty=yes
  local space_percent=0 files_percent=0 over_space=no over_files=no quota_grace=none quota_left='' left='' output_mount='' lustre=no
  type -P lfs >/dev/null && lustre=yes
  while IFS= read -r place; do [[ -n $place ]] && places+=("$place"); done <<<"${CHECK_OUTPUT:-$PWD}"$'\n'"${CHECK_WRITE_PATHS:-}"
  ask_disks "${places[@]}" || return
  for place in "${places[@]}"; do
    disk "${rows%%$'\n'*}" || return
    rows=${rows#*$'\n'}
    [[ -z $left ]] && left=$free output_mount=$mount
    [[ $seen == *" $mount "* ]] && continue
    seen+="$mount "
    ((percent > worst)) && worst=$percent worst_mount=$mount
    # A percent of a large file system is more than a run will ever write.
    ((percent >= ${CHECK_SPACE_PERCENT_ALARM:-95} && free < ${CHECK_SPACE_PLENTY_GIB:-1024} * 1048576)) && plenty=no
    ((inodes > worst_inodes)) && worst_inodes=$inodes
    if [[ $lustre == yes ]] && { [[ $kind == lustre ]] || ! type -P quota >/dev/null; }; then
      ask_lustre "$mount" || return
    elif [[ $asked != quota ]] && type -P quota >/dev/null; then
      ask_quota || return
    fi
    # What is left by the first place's own quota only: that is where the checkpoints go.
    [[ $mount == "$output_mount" && -n $quota_left && $quota_left -lt $left ]] && left=$quota_left
  done
  printf '%s\n' "quota_from=$asked" "space_fullest=$worst_mount" "space_used_percent=$worst" "space_plenty=$plenty" \
    "inodes_used_percent=$worst_inodes" "space_left_gib=$((left / 1048576))" "quota_space_percent=$space_percent" \
    "quota_files_percent=$files_percent" "quota_over_space=$over_space" "quota_over_files=$over_files" \
    "quota_grace=$quota_grace" "space_short_gib=$((need * 1048576 > left ? need - left / 1048576 : 0))"
}
quota_facts
