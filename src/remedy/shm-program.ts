/**
 * Runs on a node, with nothing but bash, coreutils, grep and squeue: looks at what NCCL has left in /dev/shm and, asked
 * to, deletes what certainly nobody uses. `$1`: seconds a file must be old; `$2`: `list` or `delete`.
 *
 * Only files named nccl-* directly in /dev/shm, no links to follow and none with a second name, of the acting user, old
 * enough, on a node where this user has no other job. No process may map one or hold it open: what cannot be read counts
 * as using it. One exception, or nobody but root could ever clean up: an unreadable process none of whose user ids is the
 * acting user's cannot open a file that gives nothing to group and others. All of it is asked again before each unlink.
 */
export const SHM_PROGRAM = String.raw`
set -uo pipefail
export LC_ALL=C
min_age=$1 mode=$2 me=$(id -u) directory=/dev/shm
shopt -s nullglob

stop() {
  printf 'stop %s\n' "$1"
  exit 0
}

jobs=$(timeout 10 squeue --noheader --user="$(id -un)" --nodelist="$SLURMD_NODENAME" \
  --states=R,CG,S,CF,ST --format=%A 2>/dev/null) || stop 'squeue does not say which jobs run here'
while read -r job; do
  [[ -z $job || $job == "$SLURM_JOB_ID" ]] || stop "your job $job is on this node"
done <<<"$jobs"

# Sets used (device:inode of every file that a readable process maps or holds open) and hidden (1: a process that may
# be the user's cannot be read).
declare -A used
look_at_processes() {
  used=() hidden=0 strangers=0
  local device=$1 hex line pid uids inode
  printf -v hex '%02x:%02x' $((device >> 8 & 0xfff)) $((device & 0xff))
  while read -r _ _ _ _ inode _; do
    used[$device:$inode]=1
  done < <(grep -hs " $hex " /proc/[0-9]*/maps)
  while read -r line; do used[$line]=1; done < <(
    printf '%s\0' /proc/[0-9]*/fd/* | xargs -0 -r stat -L -c '%d:%i' 2>/dev/null
  )
  for pid in /proc/[0-9]*; do
    # Opening is enough to be told no; a process that has ended meanwhile has no status either.
    { : <"$pid/maps"; } 2>/dev/null && continue
    uids=
    while read -r line; do [[ $line != Uid:* ]] || uids=$line; done 2>/dev/null <"$pid/status"
    [[ -n $uids ]] || continue
    if [[ $uids =~ (^|[[:space:]])"$me"([[:space:]]|$) ]]; then hidden=1; else strangers=1; fi
  done
}

# Sets why, empty when the file may go.
judge() {
  local path=$directory/$1 owner links mtime ctime id kind rights now
  why=
  if [[ -L $path ]]; then why='a link'; return; fi
  read -r owner links mtime ctime id kind rights < <(stat -c '%u %h %Y %Z %d:%i %F %a' -- "$path" 2>/dev/null | sed 's/regular empty file/file/; s/regular file/file/') ||
    { why='gone'; return; }
  identity=$id
  now=$(date +%s)
  if [[ $kind != file ]]; then why='no plain file'
  elif [[ $owner != "$me" ]]; then why='not yours'
  elif [[ $links != 1 ]]; then why='has a second name'
  elif ((now - mtime < min_age || now - ctime < min_age)); then why='too young'
  else
    look_at_processes "$(stat -c %d -- "$directory")"
    if [[ -n ${'$'}{used[$id]:-} ]]; then why='in use'
    elif ((hidden)); then why='a process of yours cannot be read'
    elif ((strangers)) && [[ $rights != *00 ]]; then why='others may open it, and not all processes can be read'
    fi
  fi
}

names=()
for path in "$directory"/nccl-*; do names+=("${'$'}{path##*/}"); done
for name in "${'$'}{names[@]}"; do
  judge "$name"
  # Another one may have taken its name since it was judged.
  if [[ -n $why ]]; then printf 'keep %q %s\n' "$name" "$why"
  elif [[ $mode == list ]]; then printf 'free %q\n' "$name"
  elif [[ $(stat -c '%d:%i' -- "$directory/$name" 2>/dev/null) == "$identity" ]] && rm -- "$directory/$name"; then
    printf 'gone %q\n' "$name"
  else printf 'keep %q could not be deleted\n' "$name"
  fi
done
echo end
`;
