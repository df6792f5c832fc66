"""Reads the data, turns it into tokens, and says which sample comes at which position of the training."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from errors import UserError

# A token is a byte, or one of these. A conversation reads USER question ASSISTANT answer EOS USER ...
EOS, USER, ASSISTANT = 256, 257, 258
VOCABULARY = 259
IGNORED = -100  # a label that does not count in the loss

EVAL_SHARE = 0.05
EVAL_LIMIT = 256


@dataclass
class Sample:
    id: str
    tokens: Tensor  # int16 [length]
    labels: Tensor  # int16 [length]: the token itself where it counts in the loss, else IGNORED
    targets: int  # number of labels that count


@dataclass
class Dataset:
    files: int = 0
    train: list[Sample] = field(default_factory=list)
    held_out: list[Sample] = field(default_factory=list)
    truncated: int = 0  # samples cut to max_seq_length
    dropped: int = 0  # samples of which no response was left after the cut
    response_tokens: int = 0  # tokens of the answers, each with its EOS
    crc: int = 0  # of all ids and tokens, to tell one data set from another


def load_dataset(directory: Path, suffix: str, max_seq_length: int, train_on_inputs: bool) -> Dataset:
    """Reads every DIRECTORY/*SUFFIX, in order of name, and holds a fixed part back for evaluation."""
    if not directory.is_dir():
        raise UserError(f"--data_path {directory}: no such directory")
    paths = sorted(path for path in directory.iterdir() if path.name.endswith(suffix) and path.is_file())
    if not paths:
        raise UserError(f"--data_path {directory}: no file whose name ends in {suffix} (see --data_suffix)")

    dataset = Dataset(files=len(paths))
    samples: list[Sample] = []
    for path in paths:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    identity, turns = parse_line(line)
                except ValueError as error:
                    raise UserError(f"{path}:{number}: {error}") from None
                tokens, labels = encode(turns)
                dataset.truncated += len(tokens) > max_seq_length
                responses = count_targets(labels[:max_seq_length])
                if responses == 0:
                    dataset.dropped += 1
                    continue
                dataset.response_tokens += responses
                sample = make_sample(identity, tokens, tokens if train_on_inputs else labels, max_seq_length)
                dataset.crc = zlib.crc32(repr((identity, tokens)).encode(), dataset.crc)
                samples.append(sample)

    dataset.train, dataset.held_out = split(samples)
    if not dataset.train:
        raise UserError(
            f"--data_path {directory}: {len(paths)} files and not one usable sample ({dataset.dropped} dropped)"
        )
    return dataset


def parse_line(line: bytes) -> tuple[str, list[str]]:
    """One line {"id": "...", "data": ["question", "answer", ...]}, or a ValueError that says what is wrong with it."""
    try:
        record: Any = json.loads(line.rstrip().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    for key in ("id", "data"):
        if key not in record:
            raise ValueError(f'no "{key}"')
    identity, turns = record["id"], record["data"]
    if not isinstance(identity, (str, int)):
        raise ValueError('"id" is not a string')
    if not isinstance(turns, list) or not all(isinstance(turn, str) for turn in turns):
        raise ValueError('"data" is not a list of strings')
    if not turns or len(turns) % 2:
        raise ValueError(f'"data" has {len(turns)} strings, but questions and answers come in pairs')
    return str(identity), turns


def encode(turns: Sequence[str]) -> tuple[list[int], list[int]]:
    """Tokens and labels. Of the labels only the answers, with the EOS behind each, count in the loss."""
    tokens: list[int] = []
    labels: list[int] = []
    for question, answer in zip(turns[::2], turns[1::2]):
        prompt = [USER, *question.encode("utf-8"), ASSISTANT]
        response = [*answer.encode("utf-8"), EOS]
        tokens += prompt + response
        labels += [IGNORED] * len(prompt) + response
    return tokens, labels


def make_sample(identity: str, tokens: list[int], labels: list[int], length: int) -> Sample:
    return Sample(
        identity,
        torch.tensor(tokens[:length], dtype=torch.int16),
        torch.tensor(labels[:length], dtype=torch.int16),
        count_targets(labels[:length]),
    )


def count_targets(labels: Sequence[int]) -> int:
    return sum(label != IGNORED for label in labels[1:])  # nothing predicts the first token


def split(samples: list[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Training and held-out samples. A sample is held out for its id, so the order of the files does not matter."""
    if len(samples) < 2:
        return samples, []
    count = min(max(1, round(len(samples) * EVAL_SHARE)), EVAL_LIMIT)
    ranked = sorted(range(len(samples)), key=lambda i: (zlib.crc32(samples[i].id.encode()), i))
    held_out = set(ranked[:count])
    return [s for i, s in enumerate(samples) if i not in held_out], [samples[i] for i in sorted(held_out)]


class Stream:
    """The training samples as one endless sequence, shuffled anew for each epoch.

    The sample at a position depends on the seed and the position alone, so a run that resumes at a position sees
    what it would have seen without the interruption, whatever the number of processes.
    """

    def __init__(self, samples: Sequence[Sample], seed: int) -> None:
        self.samples = samples
        self.seed = seed
        self.epoch = -1
        self.order: list[int] = []

    def take(self, start: int, count: int) -> list[Sample]:
        return [self.at(position) for position in range(start, start + count)]

    def at(self, position: int) -> Sample:
        epoch, index = divmod(position, len(self.samples))
        if epoch != self.epoch:
            self.epoch, self.order = epoch, list(range(len(self.samples)))
            random.Random(f"{self.seed}/{epoch}").shuffle(self.order)
        return self.samples[self.order[index]]


def collate(samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """Inputs and next-token targets, padded to the longest sample of this batch (never to max_seq_length)."""
    length = max(len(sample.tokens) for sample in samples)
    tokens = torch.full((len(samples), length), EOS, dtype=torch.long)
    labels = torch.full((len(samples), length), IGNORED, dtype=torch.long)
    for row, sample in enumerate(samples):
        tokens[row, : len(sample.tokens)] = sample.tokens
        labels[row, : len(sample.labels)] = sample.labels
    return tokens[:, :-1], labels[:, 1:]


def total_targets(samples: Sequence[Sample]) -> int:
    return sum(sample.targets for sample in samples)


def total_tokens(samples: Sequence[Sample]) -> int:
    return sum(len(sample.tokens) for sample in samples)


def extend_crc(crc: int, samples: Sequence[Sample]) -> int:
    for sample in samples:
        crc = zlib.crc32(sample.id.encode(), crc)
    return crc
