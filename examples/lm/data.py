"""Samples, which of them comes at which position of the training, and how they become tensors."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from errors import UserError
from records import EOS, IGNORED, Encoded

EVAL_SHARE = 0.05
EVAL_LIMIT = 256


@dataclass
class Row:
    tokens: Tensor  # int16 [length]
    labels: Tensor  # int16 [length]: the token itself where it counts in the loss, else IGNORED


@dataclass
class Sample:
    id: str
    rows: list[Row]  # one; or the chosen and the rejected answer
    weight: int  # how much it counts in the mean of a loss: its labels, or 1
    answer: str = ""  # of a prompt: what the rule compares with


@dataclass
class Dataset:
    files: int = 0
    train: list[Sample] = field(default_factory=list)
    held_out: list[Sample] = field(default_factory=list)
    truncated: int = 0  # samples cut to max_seq_length
    dropped: int = 0  # samples of which nothing that counts was left after the cut
    crc: int = 0  # of all ids and tokens, to tell one data set from another
    in_order: bool = False  # shuffled already when it was prepared

    def add(self, sample: Sample) -> None:
        self.crc = zlib.crc32(repr((sample.id, [row.tokens.tolist() for row in sample.rows])).encode(), self.crc)
        self.train.append(sample)

    def extend(self, other: Dataset) -> None:
        """Takes in what was read of another list: its samples stand in the same batches."""
        self.files += other.files
        self.train += other.train
        self.truncated += other.truncated
        self.dropped += other.dropped
        self.crc = zlib.crc32(other.crc.to_bytes(4, "big"), self.crc)
        self.in_order = self.in_order and other.in_order

    def refuse_empty(self, sources: Sequence[Path]) -> Dataset:
        if not self.train:
            raise UserError(
                f"--data_path {' '.join(map(str, sources))}: {self.files} files and not one usable sample ({self.dropped} dropped)"
            )
        return self

    def hold_out(self, sources: Sequence[Path]) -> Dataset:
        """Keeps a fixed part for evaluation. A sample is held out for its id, so the order of files does not matter."""
        self.refuse_empty(sources)
        samples = self.train
        if len(samples) > 1:
            count = min(max(1, round(len(samples) * EVAL_SHARE)), EVAL_LIMIT)
            ranked = sorted(range(len(samples)), key=lambda i: (zlib.crc32(samples[i].id.encode()), i))
            chosen = set(ranked[:count])
            self.train = [s for i, s in enumerate(samples) if i not in chosen]
            self.held_out = [samples[i] for i in sorted(chosen)]
        return self


def make_row(encoded: Encoded, length: int) -> Row:
    tokens, labels = encoded
    return Row(torch.tensor(tokens[:length], dtype=torch.int16), torch.tensor(labels[:length], dtype=torch.int16))


def count_targets(row: Row) -> int:
    return int((row.labels[1:] != IGNORED).sum())  # nothing predicts the first token


class Stream:
    """The training samples as one endless sequence, shuffled anew for each epoch unless they were prepared in order.

    The sample at a position depends on the seed and the position alone, so a run that resumes at a position sees
    what it would have seen without the interruption, whatever the number of processes.
    """

    def __init__(self, samples: Sequence[Sample], seed: int, in_order: bool) -> None:
        self.samples = samples
        self.seed = seed
        self.in_order = in_order
        self.epoch = -1
        self.order: Sequence[int] = []

    def take(self, start: int, count: int) -> list[Sample]:
        return [self.at(position) for position in range(start, start + count)]

    def at(self, position: int) -> Sample:
        epoch, index = divmod(position, len(self.samples))
        if epoch != self.epoch:
            order = list(range(len(self.samples)))
            if not self.in_order:
                random.Random(f"{self.seed}/{epoch}").shuffle(order)
            self.epoch, self.order = epoch, order
        return self.samples[self.order[index]]


def collate(rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
    """Inputs and next-token targets, padded to the longest row of this batch (never to max_seq_length)."""
    length = max(len(row.tokens) for row in rows)
    tokens = torch.full((len(rows), length), EOS, dtype=torch.long)
    labels = torch.full((len(rows), length), IGNORED, dtype=torch.long)
    for number, row in enumerate(rows):
        tokens[number, : len(row.tokens)] = row.tokens
        labels[number, : len(row.labels)] = row.labels
    return tokens[:, :-1], labels[:, 1:]


def total_weight(samples: Sequence[Sample]) -> int:
    return sum(sample.weight for sample in samples)


def total_tokens(samples: Sequence[Sample]) -> int:
    return sum(len(row.tokens) for sample in samples for row in sample.rows)


def extend_crc(crc: int, samples: Sequence[Sample]) -> int:
    for sample in samples:
        crc = zlib.crc32(sample.id.encode(), crc)
    return crc
