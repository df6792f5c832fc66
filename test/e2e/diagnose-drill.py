"""Ranks that meet and step; one of them then fails as it is told, while the others wait for it."""

import argparse
import ctypes
import os
import subprocess
import sys
import time

import torch
import torch.distributed as dist


def fill(path):
    with open(path, "wb") as shm:
        while True:
            shm.write(bytes(1 << 20))


parser = argparse.ArgumentParser()
parser.add_argument("--fault")
parser.add_argument("--rank", type=int, default=0)
parser.add_argument("--at")
parser.add_argument("--output_dir")
args, _ = parser.parse_known_args()
dist.init_process_group("gloo")
rank = dist.get_rank()
# Written in one piece, so that the output of ranks does not mix.
sys.stdout.write(f"rank={rank} pid={os.getpid()}\n")
for step in range(1, 600):
    dist.all_reduce(torch.ones(1))
    if rank == 0:
        sys.stdout.write(f"step={step}/600 loss=2.5\n")
    time.sleep(0.1)
    if step != 5 or rank != args.rank:
        continue
    if args.fault == "exception":
        {}["labels"]
    elif args.fault == "module":
        import flash_attention_of_nobody
    elif args.fault == "port":
        dist.TCPStore("127.0.0.1", int(args.at), 1, True)
    elif args.fault == "shm":
        fill("/dev/shm/fill")
    elif args.fault == "disk":
        torch.save(torch.ones(1 << 20), f"{args.at}/model.pt")
    elif args.fault == "permission":
        subprocess.run([args.at])
    elif args.fault == "segfault":
        ctypes.string_at(0)
    elif args.fault == "hang":
        time.sleep(600)
