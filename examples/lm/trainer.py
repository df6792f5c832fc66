"""The training loop of every phase: steps, log lines, evaluations, checkpoints, an exact resume."""

from __future__ import annotations

import json
import math
import signal
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

import torch
from torch import Tensor, nn

import checkpoint
from data import Sample, Stream, extend_crc, total_tokens, total_weight
from errors import UserError
from model import Transformer
from optimizer import learning_rate, make_optimizer
from parallel import Group, without_sync
from task import Task

EXIT_STOPPED = 75  # EX_TEMPFAIL of sysexits.h

STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)

# A run that resumes with another value of one of these is the run that was interrupted all the same.
FREE_SETTINGS = (
    "data_path",
    "data_suffix",
    "pretrain_data_path",
    "pretrain_data_suffix",
    "eval_data_path",
    "eval_data_suffix",
    "eval_pretrain_data_path",
    "eval_pretrain_data_suffix",
    "output_dir",
    "model_name_or_path",
    "reward_model_path",
    "no_resume",
    "hidden_size",
    "num_layers",
    "save_steps",
    "save_total_limit",
    "eval_steps",
    "logging_steps",
    "step_delay",
    "checkpoint_delay",
)


@dataclass
class Progress:
    """How far the training is. `samples_seen` is also the position in the stream of samples."""

    step: int = 0
    samples_seen: int = 0
    samples_crc: int = 0  # of the ids of all samples seen, in order
    loss: float | None = None  # of the last step; None before it, and when it was not a number
    best_step: int | None = None
    best_score: float | None = None  # the lower the better
    log_history: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Part:
    """What one process adds to a step."""

    loss: float = 0.0
    tokens: int = 0
    measures: list[float] = field(default_factory=list)


class StopRequest:
    """Remembers which signals came. The training asks at the end of every step."""

    def __init__(self) -> None:
        self.seen = [0] * len(STOP_SIGNALS)
        for number in STOP_SIGNALS:
            signal.signal(number, self.remember)

    def remember(self, number: int, _frame: object) -> None:
        self.seen[STOP_SIGNALS.index(number)] = 1


class Trainer:
    def __init__(self, args: Namespace, group: Group, task: Task, model: Transformer, sizes: dict[str, int]) -> None:
        self.args = args
        self.group = group
        self.task = task
        self.data = task.load()
        self.stream = Stream(self.data.train, args.seed, self.data.in_order)
        self.batch = args.per_device_train_batch_size * group.world_size
        self.progress = Progress()
        self.model = model
        self.sizes = sizes
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
        phase = self.args.phase
        say(f"Total tokens for {phase}: {total_tokens(samples)}")
        if phase == "sft":
            say(f"Total response tokens for sft: {total_weight(samples)}")
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
        for name in sorted(settings.keys() - set(FREE_SETTINGS)):
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
        # Through JSON and back, as a checkpoint has them: a path is its text.
        given: dict[str, Any] = json.loads(json.dumps(vars(self.args), default=str))
        return {**given, "world_size": self.group.world_size, "data_crc": self.data.crc}

    # Training

    def run(self) -> int:
        args, progress, say = self.args, self.progress, self.group.print
        stop = StopRequest()
        start = time.monotonic()
        tokens, seconds = 0.0, 0.0  # since the last log line, without evaluations and checkpoints
        self.wrapped.train()
        while progress.step < self.total_steps:
            step_start = time.monotonic()
            samples = self.stream.take(progress.samples_seen, self.global_batch)
            rate = learning_rate(progress.step, self.total_steps, args)
            own, norm = self.train_step(samples, rate)
            time.sleep(args.step_delay)
            loss, trained, *rest = self.group.sum([own.loss, own.tokens, *own.measures, *stop.seen])
            signals = rest[len(own.measures) :]
            measures = {name: total / total_weight(samples) for name, total in zip(self.task.measures, rest)}
            tokens += trained
            seconds += time.monotonic() - step_start

            progress.step += 1
            progress.loss = finite(loss)
            progress.samples_seen += len(samples)
            progress.samples_crc = extend_crc(progress.samples_crc, samples)
            last = progress.step == self.total_steps
            if progress.step % args.logging_steps == 0 or last:
                self.log_step(loss, rate, norm, tokens / seconds, measures)
                tokens, seconds = 0.0, 0.0
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

    def train_step(self, samples: Sequence[Sample], rate: float) -> tuple[Part, float]:
        """The updates from the samples of all processes. Returns this process's part of the sums, and the norm.

        The loss is the mean over all that counts in the step, wherever it is: a process or a batch with more of it
        weighs more, just as if one process had seen all samples at once.
        """
        args = self.args
        weight = total_weight(samples)
        for settings in self.optimizer.param_groups:
            settings["lr"] = rate
        batches = [self.task.prepare(self.model, *self.share(samples, part)) for part in self.parts]
        sums = Part(tokens=sum(batch.tokens for batch in batches))
        norm = torch.tensor(0.0)
        for update in range(self.task.updates):
            self.optimizer.zero_grad()
            for part, batch in zip(self.parts, batches):
                with without_sync(self.wrapped, part < self.parts[-1]):
                    loss = self.task.loss(self.wrapped, batch) / weight
                    loss.backward()
                if update == 0:
                    sums.loss += loss.item()
            norm = nn.utils.clip_grad_norm_(self.model.parameters(), args.max_grad_norm or math.inf)
            self.optimizer.step()
        sums.measures = [sum(batch.report[name] for batch in batches) for name in self.task.measures]
        return sums, float(norm)

    @property
    def parts(self) -> range:
        return range(self.args.gradient_accumulation_steps)

    def share(self, samples: Sequence[Sample], part: int) -> tuple[Sequence[Sample], int]:
        """What this process takes of one part of a step, and where in the stream of samples that begins."""
        size = self.args.per_device_train_batch_size
        first = part * self.batch + self.group.rank * size
        return samples[first : first + size], self.progress.samples_seen + first

    def log_step(
        self, loss: float, rate: float, norm: float, tokens_per_second: float, measures: dict[str, float]
    ) -> None:
        progress = self.progress
        progress.log_history.append(
            {"step": progress.step, "loss": finite(loss), "lr": rate, "grad_norm": finite(norm), **measures}
        )
        self.group.print(
            f"step={progress.step}/{self.total_steps} epoch={self.epoch:.2f} loss={shown(loss)} lr={rate:.2e} "
            f"grad_norm={norm:.3f} tokens_per_second={tokens_per_second:.0f} "
            f"tgs={tokens_per_second / self.group.world_size:.0f} samples_seen={progress.samples_seen} "
            f"samples_crc={progress.samples_crc:08x}{pairs(measures)}"
        )

    @property
    def epoch(self) -> float:
        return self.progress.samples_seen / len(self.data.train)

    @torch.no_grad()
    def evaluate(self) -> None:
        """On the held-out samples. The best weights are those with the lowest perplexity, loss, or lack of reward."""
        progress, group, task = self.progress, self.group, self.task
        size = self.args.per_device_train_batch_size
        total, measures = 0.0, [0.0] * len(task.measures)
        self.model.eval()
        for first in range(group.rank * size, len(self.data.held_out), group.world_size * size):
            batch = task.prepare(self.model, self.data.held_out[first : first + size], first)
            total += task.loss(self.model, batch).item()
            measures = [sum_ + batch.report[name] for sum_, name in zip(measures, task.measures)]
        self.model.train()
        total, *measures = group.sum([total, *measures])
        loss = total / total_weight(self.data.held_out)
        means = {name: sum_ / total_weight(self.data.held_out) for name, sum_ in zip(task.measures, measures)}
        if not task.measures:
            means["perplexity"] = math.exp(min(loss, 700.0))
        progress.log_history.append(
            {"step": progress.step, "eval_loss": finite(loss), **{name: finite(mean) for name, mean in means.items()}}
        )
        group.print(f"eval step={progress.step} loss={shown(loss)}{pairs(means)}")
        score = -means["reward"] if "reward" in means else means.get("perplexity", loss)
        if math.isfinite(loss) and (progress.best_score is None or score < progress.best_score):
            progress.best_step, progress.best_score = progress.step, score
            self.save_weights("best" if task.measures else "bestppl")

    # Writing

    def save(self) -> None:
        progress, output_dir = self.progress, self.args.output_dir
        generators = self.group.gather(torch.get_rng_state())
        if not self.group.is_first:
            return
        path = output_dir / f"checkpoint-{progress.step}"
        training = {"optimizer": self.optimizer.state_dict()["state"], "generators": generators}
        seconds = checkpoint.write(path, {"model": self.model.state_dict(), "training": training}, self.state(), self.args.checkpoint_delay)
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
            "global_step": self.progress.step,  # under the name that HF's trainer_state.json has for it
            "max_steps": self.total_steps,
            "epoch": self.epoch,
            "model": self.sizes,
            "settings": self.settings(),
        }


def finite(value: float) -> float | None:
    """JSON has no nan and no inf."""
    return value if math.isfinite(value) else None


def shown(value: float | None) -> str:
    return "nan" if value is None else f"{value:.4f}"


def pairs(values: dict[str, float]) -> str:
    return "".join(f" {name}={value:.4f}" for name, value in values.items())
