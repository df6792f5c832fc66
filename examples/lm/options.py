"""The command line of train.py. Strict: an unknown or wrong flag ends the program with exit code 2."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from model import HEAD_SIZE


LISTS = {
    "pretrain_data": "sft: directories with plain text, mixed into the same batches",
    "eval_data": "pretrain, sft: directories to evaluate on (default: a fixed part of the data)",
    "eval_pretrain_data": "sft: directories with plain text to evaluate on as well",
}
PHASES = ("pretrain", "sft", "dpo", "reward", "ppo", "grpo")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="train.py",
        usage="train.py --phase PHASE --data_path DIR --output_dir DIR [flags]",
        description="Trains a tiny byte-level transformer on the CPU, with one process or many.",
        epilog="Flags may be written with underscores or with dashes.",
        allow_abbrev=False,
    )

    def add(name: str, **settings: Any) -> None:
        spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
        parser.add_argument(*spellings, dest=name, **settings)

    def flag(name: str, kind: Callable[[str], Any], default: object, text: str) -> None:
        add(name, type=kind, default=default, metavar="VALUE", help=text if default is None else f"{text} (default {default})")

    add("phase", choices=PHASES, default="sft", help="what is trained; cpt is pretrain from a checkpoint (default sft)")
    add("data_path", type=Path, required=True, nargs="+", metavar="DIR", help="directories with the data files")
    flag("data_suffix", str, ".jsonl", "how the names of the data files end")
    for name, what in LISTS.items():
        add(f"{name}_path", type=Path, nargs="+", default=[], metavar="DIR", help=what)
        flag(f"{name}_suffix", str, ".jsonl", f"how the names of the files of --{name}_path end")
    add("output_dir", type=Path, required=True, metavar="DIR", help="where checkpoints go; a run resumes from there")
    add("no_resume", action="store_true", help="fail when --output_dir holds checkpoints, instead of resuming")

    flag("model_name_or_path", str, "tiny", "tiny: new weights. Or a checkpoint, or the --output_dir of a finished run")
    add(
        "hidden_size", type=whole(1), metavar="VALUE", help=f"multiple of {HEAD_SIZE} (default 48, or the checkpoint's)"
    )
    add("num_layers", type=whole(1), metavar="VALUE", help="blocks (default 2, or the checkpoint's)")

    flag("max_steps", int, -1, "steps in all; above 0 it counts instead of --num_train_epochs")
    flag("num_train_epochs", number(0), 3.0, "passes over the data")
    flag("per_device_train_batch_size", whole(1), 4, "samples that a process takes at once")
    flag("gradient_accumulation_steps", whole(1), 1, "batches of a process that make one step")
    flag("max_seq_length", whole(2), 256, "longer samples are cut to this many tokens, and counted")
    add("train_on_inputs", action="store_true", help="sft: count the questions in the loss too (default: responses only)")

    flag("learning_rate", number(0), 3e-3, "its peak")
    add(
        "lr_scheduler_type", choices=("cosine", "linear", "constant"), default="cosine", help="after the warm-up (default cosine)"
    )
    flag("warmup_ratio", number(0, 1), 0.1, "share of the steps in which the learning rate rises")
    flag("weight_decay", number(0), 0.1, "of AdamW, for matrices only")
    flag("max_grad_norm", number(0), 1.0, "gradients are clipped to this norm; 0 for never")
    flag("seed", whole(0), 42, "of the new weights and of the order of the samples")

    flag("beta", number(0), None, "dpo: strength of a preference (0.1). ppo, grpo: cost of leaving the start model (0.005)")
    flag("max_new_tokens", whole(1), 12, "ppo, grpo: longest answer")
    flag("temperature", number(0.01), 1.0, "ppo, grpo: of the sampled answers")
    flag("num_generations", whole(2), 4, "ppo, grpo: answers to each prompt")
    flag("num_updates", whole(1), 2, "ppo, grpo: optimizer updates on one batch of answers")
    flag("reward_model_path", Path, None, "ppo: what the reward phase left (default: a rule compares with the answer)")

    flag("save_steps", whole(1), 50, "steps from one checkpoint to the next")
    flag("save_total_limit", whole(1), 3, "checkpoints to keep, beside bestppl and final")
    flag("eval_steps", whole(1), 100, "steps from one evaluation to the next")
    flag("logging_steps", whole(1), 10, "steps from one log line to the next")
    flag("step_delay", number(0), 0.0, "seconds to wait in every step: for demonstrations and drills that should last")
    flag("checkpoint_delay", number(0), 0.0, "seconds to wait before a checkpoint's last file: for drills that should cut it")

    args = parser.parse_args(argv)
    if args.hidden_size is not None and args.hidden_size % HEAD_SIZE:
        parser.error(f"argument --hidden_size: {args.hidden_size} is not a multiple of {HEAD_SIZE}")
    if args.phase != "sft" and (args.pretrain_data_path or args.eval_pretrain_data_path):
        parser.error(f"argument --pretrain_data_path: only --phase sft mixes plain text with another kind, not {args.phase}")
    if args.phase not in ("pretrain", "sft") and args.eval_data_path:
        parser.error(f"argument --eval_data_path: --phase {args.phase} evaluates on a part of its data")
    if args.beta is None:
        args.beta = 0.1 if args.phase == "dpo" else 0.005
    if args.phase in ("ppo", "grpo") and args.max_new_tokens >= args.max_seq_length:
        parser.error(f"argument --max_new_tokens: {args.max_new_tokens} leaves no room for a prompt in --max_seq_length")
    return args


def whole(lowest: int) -> Callable[[str], int]:
    def parse_whole(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < lowest:
            raise argparse.ArgumentTypeError(f"{value} is below {lowest}")
        return value

    return parse_whole


def number(lowest: float, highest: float = math.inf) -> Callable[[str], float]:
    def parse_number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not (lowest <= value <= highest and math.isfinite(value)):
            raise argparse.ArgumentTypeError(f"{value} is not between {lowest} and {highest}")
        return value

    return parse_number
