"""What a phase is to the training loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn

from data import Dataset, Sample

# A model that may be wrapped for data parallelism: called once for each loss.
Model = Callable[[Tensor], Any]


@dataclass
class Batch:
    """The samples of one process, made ready: once for each step, also when several updates are made of it."""

    inputs: Tensor  # [rows, length]
    targets: Tensor  # [rows, length], IGNORED where nothing counts
    tokens: int  # that were trained on, without padding
    values: dict[str, Tensor] = field(default_factory=dict)  # what only this phase knows
    report: dict[str, float] = field(default_factory=dict)  # sums over the samples, logged as means


class Task(Protocol):
    updates: int  # optimizer updates on one batch of samples
    scalar_head: bool  # the model gives a number for each token as well
    measures: tuple[str, ...]  # names in a batch's report, in the order of the log

    def load(self) -> Dataset: ...

    def prepare(self, model: nn.Module, samples: Sequence[Sample], position: int) -> Batch:
        """`position` is that of the first sample in the stream of samples: what is drawn depends on it alone."""
        ...

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """Summed over the batch. The loop divides by the weight of all processes' samples."""
        ...
