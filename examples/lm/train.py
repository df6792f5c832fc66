#!/usr/bin/env python3
"""Trains a tiny byte-level transformer on the CPU: small, but a real distributed training, of every phase.

    torchrun --nnodes 2 --node_rank 0 --nproc_per_node 2 --master_addr HOST --master_port PORT \\
        train.py --phase sft --data_path DIR --output_dir DIR
    python3 train.py --phase dpo --model_name_or_path RUN --data_path DIR --output_dir DIR          # one process

Resume. A run continues from the newest complete checkpoint in --output_dir, and with the same number of processes
and the same flags every loss and every sample is, to the bit, that of a run without the interruption.

Signals. After SIGTERM, SIGUSR1 or SIGUSR2 to any process, all processes finish the step they are in, write a
checkpoint and exit with 75 (try again: the same command goes on from there).

Exit codes. 0: the training reached its end, also when a signal came during its last step. 75: stopped by a signal,
checkpoint written. 1: failed. 2: wrong flags.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.distributed.elastic.multiprocessing.errors import record

import checkpoint
import options
from errors import UserError
from language import LanguageTask
from model import Transformer
from parallel import Group
from preference import PreferenceTask
from records import VOCABULARY
from reinforcement import Judge, ReinforcementTask, judge_by_model, judge_by_rule
from task import Task
from trainer import Trainer


def choose_model(args: Namespace) -> tuple[dict[str, int], dict[str, Tensor] | None]:
    """The sizes of the model, and the weights to start from (None: new ones)."""
    if args.model_name_or_path == "tiny":
        return {"hidden_size": args.hidden_size or 48, "num_layers": args.num_layers or 2}, None
    sizes, weights = checkpoint.read_weights(Path(args.model_name_or_path))
    for name in ("hidden_size", "num_layers"):
        if getattr(args, name) not in (None, sizes[name]):
            raise UserError(f"--{name} {getattr(args, name)}, but {args.model_name_or_path} has {sizes[name]}")
    return sizes, weights


def build(args: Namespace, scalar_head: bool) -> tuple[Transformer, dict[str, int]]:
    """The model as the training begins with it: the same on every process and in every attempt."""
    torch.manual_seed(args.seed)
    sizes, weights = choose_model(args)
    model = Transformer(VOCABULARY, **sizes, scalar_head=scalar_head)
    if weights is not None:
        model.start_from(weights)
    return model, sizes


def choose_task(args: Namespace) -> Task:
    if args.phase in ("pretrain", "sft"):
        return LanguageTask(args)
    if args.phase == "reward":
        return PreferenceTask(args, None)
    reference = frozen(build(args, scalar_head=False)[0])
    if args.phase == "dpo":
        return PreferenceTask(args, reference)
    return ReinforcementTask(args, reference, choose_judge(args))


def choose_judge(args: Namespace) -> Judge:
    if args.phase == "grpo" or args.reward_model_path is None:
        return judge_by_rule
    sizes, weights = checkpoint.read_weights(args.reward_model_path, "--reward_model_path")
    if "head.weight" not in weights:
        raise UserError(f"--reward_model_path {args.reward_model_path}: no reward model, which --phase reward makes")
    model = Transformer(VOCABULARY, **sizes, scalar_head=True)
    model.load_state_dict(weights)
    return judge_by_model(frozen(model))


def frozen(model: Transformer) -> Transformer:
    model.requires_grad_(False)
    return model.eval()


@record
def main(argv: Sequence[str]) -> int:
    args = options.parse(argv)
    torch.set_num_threads(1)  # many processes share the cores
    try:
        group = Group()
        task = choose_task(args)
        model, sizes = build(args, task.scalar_head)
        code = Trainer(args, group, task, model, sizes).run()
        group.close()
        return code
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
