"""AdamW and its learning rate."""

from __future__ import annotations

import math
from argparse import Namespace

import torch
from torch import nn


def make_optimizer(model: nn.Module, args: Namespace) -> torch.optim.AdamW:
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": args.weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=args.learning_rate, betas=(0.9, 0.95))


def learning_rate(step: int, total: int, args: Namespace) -> float:
    """The rate of the step after `step` steps: a function of the step alone, so a scheduler has no state to save."""
    warmup = math.ceil(args.warmup_ratio * total)
    if step < warmup:
        return args.learning_rate * (step + 1) / warmup
    if args.lr_scheduler_type == "constant":
        return args.learning_rate
    if args.lr_scheduler_type == "linear":
        return args.learning_rate * (total - step) / (total - warmup)
    return args.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
