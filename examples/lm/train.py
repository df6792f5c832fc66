#!/usr/bin/env python3
"""Supervised fine-tuning of a tiny byte-level transformer on the CPU: small, but a real distributed training.

    torchrun --nnodes 2 --node_rank 0 --nproc_per_node 2 --master_addr HOST --master_port PORT \\
        train.py --data_path DIR --output_dir DIR
    python3 train.py --data_path DIR --output_dir DIR          # one process

Resume. A run continues from the newest complete checkpoint in --output_dir, and with the same number of processes
and the same flags every loss and every sample is, to the bit, that of a run without the interruption.

Signals. After SIGTERM, SIGUSR1 or SIGUSR2 to any process, all processes finish the step they are in, write a
checkpoint and exit with 75 (try again: the same command goes on from there).

Exit codes. 0: the training reached its end, also when a signal came during its last step. 75: stopped by a signal,
checkpoint written. 1: failed. 2: wrong flags.
"""

from __future__ import annotations

import math
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.elastic.multiprocessing.errors import record

import checkpoint
import options
from data import VOCABULARY, Sample, Stream, collate, extend_crc, load_dataset, total_targets, total_tokens
from errors import UserError
from model import Transformer, response_loss
from optimizer import learning_rate, make_optimizer
from parallel import Group, without_sync

EXIT_STOPPED = 75  # EX_TEMPFAIL of sysexits.h

STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)

# A run that resumes with another value of one of these is not the run that was interrupted.
EXACT_SETTINGS = (
    "world_size",
    "data_crc",
    "seed",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "max_steps",
    "num_train_epochs",
    "max_seq_length",
    "train_on_inputs",
    "learning_rate",
    "lr_scheduler_type",
    "warmup_ratio",
    "weight_decay",
    "max_grad_norm",
)


@dataclass
class Progress:
    """How far the training is. `samples_seen` is also the position in the stream of samples."""

    step: int = 0
    samples_seen: int = 0
    samples_crc: int = 0  # of the ids of all samples seen, in order
    loss: float | None = None  # of the last step; None before it, and when it was not a number
    best_step: int | None = None
    best_perplexity: float | None = None
    log_history: list[dict[str, Any]] = field(default_factory=list)


class StopRequest:
    """Remembers which signals came. The training asks at the end of every step."""

    def __init__(self) -> None:
        self.seen = [0] * len(STOP_SIGNALS)
        for number in STOP_SIGNALS:
            signal.signal(number, self.remember)

    def remember(self, number: int, _frame: object) -> None:
        self.seen[STOP_SIGNALS.index(number)] = 1


class Trainer:
    def __init__(self, args: Namespace, group: Group) -> None:
        self.args = args
        self.group = group
        self.data = load_dataset(args.data_path, args.data_suffix, args.max_seq_length, args.train_on_inputs)
        self.stream = Stream(self.data.train, args.seed)
        self.batch = args.per_device_train_batch_size * group.world_size
        self.progress = Progress()

        torch.manual_seed(args.seed)
        self.sizes, start = choose_model(args)
        self.model = Transformer(VOCABULARY, **self.sizes)
        if start is not None:
            self.model.load_state_dict(start)
        self.optimizer = make_optimizer(self.model, args)
        self.report_start()
        self.resume()
        self.total_steps = self.count_steps()
        self.wrapped = group.wrap(self.model)

    # Start

    def report_start(self) -> None:
        data, say = self.data, self.group.print
        samples = data.train + data.held_out
        say(
            f"data files={data.files} samples={len(samples)} train={len(data.train)} eval={len(data.held_out)} "
            f"truncated={data.truncated} dropped={data.dropped} crc={data.crc:08x}"
        )
        say(f"Total tokens for sft: {total_tokens(samples)}")
        say(f"Total response tokens for sft: {data.response_tokens}")
        if self.args.train_on_inputs:
            say("warning: the loss counts the questions too (--train_on_inputs)")
        parameters = sum(parameter.numel() for parameter in self.model.parameters())
        sizes = " ".join(f"{name}={value}" for name, value in self.sizes.items())
        say(
            f"model parameters={parameters} {sizes} world_size={self.group.world_size} global_batch={self.global_batch}"
        )

    def resume(self) -> None:
        """Goes to the newest usable checkpoint, which the first process chooses for all."""
        output_dir: Path = self.args.output_dir
        chosen, problem = 0, None
        if self.group.is_first:
            try:
                chosen = self.choose_checkpoint()
            except UserError as error:
                problem = error
        step, failed = map(round, self.group.sum([chosen, problem is not None]))
        if failed:
            raise problem or UserError("the process of rank 0 gave up: see its error")
        if step == 0:
            return

        path = output_dir / f"checkpoint-{step}"
        state, parts = checkpoint.read(path, "model", "training")
        if state["model"] != self.sizes:
            raise UserError(f"{path} is of another model: it has {state['model']}, this run {self.sizes}")
        self.model.load_state_dict(parts["model"])
        groups = self.optimizer.state_dict()["param_groups"]  # learning rate, decay: they come from the flags
        self.optimizer.load_state_dict({"state": parts["training"]["optimizer"], "param_groups": groups})
        generators: list[Tensor] = parts["training"]["generators"]
        torch.set_rng_state(generators[self.group.rank % len(generators)])
        self.progress = Progress(**{name: state[name] for name in asdict(Progress())})
        self.group.print(f"resumed step={step} path={quote(str(path))} samples_seen={self.progress.samples_seen}")
        settings = self.settings()
        for name in EXACT_SETTINGS:
            if state["settings"].get(name) != settings[name]:
                self.group.print(f"warning: resumed with {name}={settings[name]}, was {state['settings'].get(name)}")

    def choose_checkpoint(self) -> int:
        """The step to resume from, or 0. Puts the output directory in order first."""
        output_dir: Path = self.args.output_dir
        output_dir.mkdir(parents=True, exist_ok=True)
        for name in checkpoint.remove_leftovers(output_dir):
            self.group.print(f"removed leftover path={quote(str(output_dir / name))}")
        if self.args.no_resume and checkpoint.steps(output_dir, "checkpoint-"):
            raise UserError(f"--no_resume, but {output_dir} holds checkpoints: choose another --output_dir")
        skipped: list[str] = []
        try:
            return checkpoint.newest(output_dir, skipped)
        finally:
            for line in skipped:
                self.group.print(line)

    @property
    def global_batch(self) -> int:
        return self.batch * self.args.gradient_accumulation_steps

    def count_steps(self) -> int:
        """The step at which the training ends. The last step of the last epoch may run into the next one."""
        if self.args.max_steps > 0:
            return self.args.max_steps
        samples = round(self.args.num_train_epochs * len(self.data.train)) - self.progress.samples_seen
        return self.progress.step + max(0, math.ceil(samples / self.global_batch))

    def settings(self) -> dict[str, Any]:
        given = {name: str(value) if isinstance(value, Path) else value for name, value in vars(self.args).items()}
        return {**given, "world_size": self.group.world_size, "data_crc": self.data.crc}

    # Training

    def run(self) -> int:
        args, progress, say = self.args, self.progress, self.group.print
        stop = StopRequest()
        start = time.monotonic()
        tokens, seconds = 0, 0.0  # since the last log line, without evaluations and checkpoints
        self.wrapped.train()
        while progress.step < self.total_steps:
            step_start = time.monotonic()
            samples = self.stream.take(progress.samples_seen, self.global_batch)
            rate = learning_rate(progress.step, self.total_steps, args)
            own_loss, norm = self.train_step(samples, rate)
            time.sleep(args.step_delay)
            loss, *signals = self.group.sum([own_loss, *stop.seen])
            tokens += total_tokens(samples)
            seconds += time.monotonic() - step_start

            progress.step += 1
            progress.loss = finite(loss)
            progress.samples_seen += len(samples)
            progress.samples_crc = extend_crc(progress.samples_crc, samples)
            last = progress.step == self.total_steps
            if progress.step % args.logging_steps == 0 or last:
                self.log_step(loss, rate, norm, tokens / seconds)
                tokens, seconds = 0, 0.0
            if self.data.held_out and (progress.step % args.eval_steps == 0 or last):
                self.evaluate()
            if progress.step % args.save_steps == 0 or last or any(signals):
                self.save()
            if any(signals) and not last:
                name = next(number.name for number, count in zip(STOP_SIGNALS, signals) if count)
                path = args.output_dir / f"checkpoint-{progress.step}"
                say(f"stopped signal={name} step={progress.step} checkpoint={quote(str(path))}")
                return EXIT_STOPPED

        self.save_weights("final")
        say(
            f"finished step={progress.step} loss={shown(progress.loss)} samples_seen={progress.samples_seen} "
            f"seconds={time.monotonic() - start:.1f}"
        )
        return 0

    def train_step(self, samples: Sequence[Sample], rate: float) -> tuple[float, float]:
        """One update from the samples of all processes. Returns this process's part of the loss, and the norm.

        The loss is the mean over all response tokens of the step, wherever they are: a process or a batch with
        longer answers weighs more, just as if one process had seen all samples at once.
        """
        args, group = self.args, self.group
        targets = total_targets(samples)
        total = 0.0
        for settings in self.optimizer.param_groups:
            settings["lr"] = rate
        self.optimizer.zero_grad()
        for part in range(args.gradient_accumulation_steps):
            first = part * self.batch + group.rank * args.per_device_train_batch_size
            inputs, labels = collate(samples[first : first + args.per_device_train_batch_size])
            last = part == args.gradient_accumulation_steps - 1
            with without_sync(self.wrapped, not last):
                loss = response_loss(self.wrapped(inputs), labels) / targets
                loss.backward()
            total += loss.item()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), args.max_grad_norm or math.inf)
        self.optimizer.step()
        return total, float(norm)

    def log_step(self, loss: float, rate: float, norm: float, tokens_per_second: float) -> None:
        progress = self.progress
        progress.log_history.append(
            {"step": progress.step, "loss": finite(loss), "lr": rate, "grad_norm": finite(norm)}
        )
        self.group.print(
            f"step={progress.step}/{self.total_steps} epoch={self.epoch:.2f} loss={shown(loss)} lr={rate:.2e} "
            f"grad_norm={norm:.3f} tokens_per_second={tokens_per_second:.0f} "
            f"tgs={tokens_per_second / self.group.world_size:.0f} samples_seen={progress.samples_seen} "
            f"samples_crc={progress.samples_crc:08x}"
        )

    @property
    def epoch(self) -> float:
        return self.progress.samples_seen / len(self.data.train)

    @torch.no_grad()
    def evaluate(self) -> None:
        progress, group = self.progress, self.group
        size = self.args.per_device_train_batch_size
        mine = self.data.held_out[group.rank :: group.world_size]
        total = 0.0
        self.model.eval()
        for first in range(0, len(mine), size):
            inputs, labels = collate(mine[first : first + size])
            total += response_loss(self.model(inputs), labels).item()
        self.model.train()
        loss = group.sum([total])[0] / total_targets(self.data.held_out)
        perplexity = math.exp(min(loss, 700.0))
        progress.log_history.append(
            {"step": progress.step, "eval_loss": finite(loss), "perplexity": finite(perplexity)}
        )
        group.print(f"eval step={progress.step} loss={shown(loss)} perplexity={perplexity:.4f}")
        if math.isfinite(loss) and perplexity < (progress.best_perplexity or math.inf):
            progress.best_step, progress.best_perplexity = progress.step, perplexity
            self.save_weights("bestppl")

    # Writing

    def save(self) -> None:
        progress, output_dir = self.progress, self.args.output_dir
        generators = self.group.gather(torch.get_rng_state())
        if not self.group.is_first:
            return
        path = output_dir / f"checkpoint-{progress.step}"
        training = {"optimizer": self.optimizer.state_dict()["state"], "generators": generators}
        seconds = checkpoint.write(path, {"model": self.model.state_dict(), "training": training}, self.state())
        self.group.print(f"checkpoint step={progress.step} path={quote(str(path))} seconds={seconds:.3f}")
        checkpoint.retain(output_dir, progress.step, self.args.save_total_limit)

    def save_weights(self, name: str) -> None:
        """bestppl_{step} or final_{step}: weights only. There is one of a kind; the one before goes last."""
        if not self.group.is_first:
            return
        output_dir, step = self.args.output_dir, self.progress.step
        path = output_dir / f"{name}_{step}"
        checkpoint.write(path, {"model": self.model.state_dict()}, self.state())
        self.group.print(f"{name} step={step} path={quote(str(path))}")
        for other in checkpoint.steps(output_dir, f"{name}_"):
            if other != step:
                checkpoint.remove(output_dir / f"{name}_{other}")

    def state(self) -> dict[str, Any]:
        return {
            **asdict(self.progress),
            "max_steps": self.total_steps,
            "epoch": self.epoch,
            "model": self.sizes,
            "settings": self.settings(),
        }


def choose_model(args: Namespace) -> tuple[dict[str, int], dict[str, Tensor] | None]:
    """The sizes of the model, and the weights to start from (None: new ones)."""
    if args.model_name_or_path == "tiny":
        return {"hidden_size": args.hidden_size or 48, "num_layers": args.num_layers or 2}, None
    sizes, weights = checkpoint.read_weights(Path(args.model_name_or_path))
    for name, size in sizes.items():
        if getattr(args, name) not in (None, size):
            raise UserError(f"--{name} {getattr(args, name)}, but {args.model_name_or_path} has {size}")
    return sizes, weights


def finite(value: float) -> float | None:
    """JSON has no nan and no inf."""
    return value if math.isfinite(value) else None


def shown(value: float | None) -> str:
    return "nan" if value is None else f"{value:.4f}"


@record
def main(argv: Sequence[str]) -> int:
    args = options.parse(argv)
    torch.set_num_threads(1)  # many processes share the cores
    try:
        group = Group()
        code = Trainer(args, group).run()
        group.close()
        return code
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
