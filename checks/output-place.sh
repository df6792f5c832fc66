#!/usr/bin/env bash
# ---
# id: output-place
# question: "Is the output on storage that every node sees?"
# scope: both
# level: run
# gate: true
# shell: shared
# seconds: 10
# faults: [10]
# inputs: [CHECK_OUTPUT, CHECK_NODES, CHECK_BOOT_ID]
# rules:
#   - fact: output_shared
#     op: eq
#     limit: "no"
#     when: { several_nodes: "yes" }
#     severity: critical
#     message: "the output is on a {output_filesystem} of this node: the other nodes do not see it, and checkpoints fill it"
#     fix: "--output DIR   # on the shared file system"
#   - fact: output_shared
#     op: eq
#     limit: memory
#     severity: critical
#     message: "the output is in memory and is gone with the node"
#     fix: "--output DIR   # on the shared file system"
# ---

# Whether the output is on a file system that the other nodes see. Checkpoints on one node's own disk fill it, and the
# other nodes do not find them.
output_place() {
  local place=${CHECK_OUTPUT:-} kind boot=''
  if ((${CHECK_NODES:-2} > 1)); then echo several_nodes=yes; else echo several_nodes=no; fi
  if [[ -z $place ]]; then
    printf '%s\n' output_shared=not-named output_filesystem=none
    return
  fi
  until [[ -d $place ]]; do place=${place%/*} && place=${place:-/}; done
  kind=$(stat -f -c %T "$place" 2>/dev/null) || return
  case $kind in
    nfs | nfs4 | lustre | gpfs | ceph | cifs | smb | smb2 | afs | fuse* | 9p | v9fs | pvfs2 | ocfs2 | gfs* | fhgfs | panfs | wekafs | 'UNKNOWN (0x19830326)' | vboxsf | beegfs) echo output_shared=yes ;;
    tmpfs | ramfs) echo output_shared=memory ;;
    ext2/ext3 | ext4 | xfs | btrfs | zfs | overlayfs | f2fs | jfs | reiserfs)
      # Where the run is submitted from is this very machine: what is seen there is seen here.
      read -r boot </proc/sys/kernel/random/boot_id
      if [[ -n $boot && $boot == "${CHECK_BOOT_ID:-}" ]]; then echo output_shared=same-machine; else echo output_shared=no; fi
      ;;
    *) echo output_shared=not-known ;;
  esac
  echo "output_filesystem=$kind"
}
output_place
