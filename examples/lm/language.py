"""pretrain, cpt and sft: the next token."""

from __future__ import annotations

import json
import mmap
import zlib
from argparse import Namespace
from array import array
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

import records
from data import Dataset, Row, Sample, collate, count_targets, make_row, total_tokens
from errors import UserError
from files import files_of, read_records
from model import target_loss
from task import Batch, Model


class LanguageTask:
    """Every label counts the same, wherever it is: a process or a batch with longer answers weighs more."""

    updates = 1
    scalar_head = False
    measures: tuple[str, ...] = ()

    def __init__(self, args: Namespace) -> None:
        self.args = args

    def load(self) -> Dataset:
        args = self.args
        read = read_conversations if args.phase == "sft" else read_text
        dataset = read(args, args.data_path, args.data_suffix)
        if args.pretrain_data_path:
            dataset.extend(read_text(args, args.pretrain_data_path, args.pretrain_data_suffix))
        if not args.eval_data_path and not args.eval_pretrain_data_path:
            return dataset.hold_out(args.data_path)
        dataset.held_out = read(args, args.eval_data_path, args.eval_data_suffix).train
        dataset.held_out += read_text(args, args.eval_pretrain_data_path, args.eval_pretrain_data_suffix).train
        return dataset.refuse_empty(args.data_path)

    def prepare(self, _model: nn.Module, samples: Sequence[Sample], _position: int) -> Batch:
        return Batch(*collate([row for sample in samples for row in sample.rows]), total_tokens(samples))

    def loss(self, model: Model, batch: Batch) -> Tensor:
        return target_loss(model(batch.inputs), batch.targets)


def read_conversations(args: Namespace, directories: Sequence[Path], suffix: str) -> Dataset:
    paths = files_of(directories, suffix)
    dataset = Dataset(files=len(paths))
    for place, record in read_records(paths):
        try:
            encoded, name = records.encode_turns(records.turns(record)), records.identity(record, place)
        except ValueError as error:
            raise UserError(f"{place}: {error}") from None
        dataset.truncated += len(encoded[0]) > args.max_seq_length
        row = make_row(encoded, args.max_seq_length)
        weight = count_targets(row)
        if weight == 0:
            dataset.dropped += 1
            continue
        if args.train_on_inputs:
            row = Row(row.tokens, row.tokens)
            weight = count_targets(row)
        dataset.add(Sample(name, [row], weight))
    return dataset


def read_text(args: Namespace, directories: Sequence[Path], suffix: str) -> Dataset:
    """Blocks of max_seq_length tokens, cut from the documents one after the other."""
    paths = files_of(directories, suffix)
    prepared = suffix.endswith(".bin")
    dataset = Dataset(files=len(paths), in_order=prepared)
    length = args.max_seq_length
    for path in paths:
        tokens, crc = map_tokens(path) if prepared else read_tokens(path)
        dataset.crc = zlib.crc32(crc.to_bytes(4, "big"), dataset.crc)
        for number, first in enumerate(range(0, len(tokens) - 1, length)):
            block = tokens[first : first + length]
            if len(block) > 1:
                dataset.train.append(Sample(f"{path.name}/{number}", [Row(block, block)], len(block) - 1))
    return dataset


def read_tokens(path: Path) -> tuple[Tensor, int]:
    tokens: list[int] = []
    for place, record in read_records([path]):
        try:
            tokens += records.encode_document(records.text(record, "text"))
        except ValueError as error:
            raise UserError(f"{place}: {error}") from None
    # array keeps two bytes a token, as the files of prepare.py do.
    packed = array("h", tokens)
    return torch.tensor(packed, dtype=torch.int16), zlib.crc32(packed.tobytes())


def map_tokens(path: Path) -> tuple[Tensor, int]:
    """What prepare.py wrote, not read but mapped: the processes of a node share the pages."""
    try:
        index = json.loads(path.with_suffix(".json").read_text())
        expected, crc = int(index["tokens"]), int(index["crc"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path}: its index {path.with_suffix('.json').name} is missing or is none") from None
    if path.stat().st_size != 2 * expected or expected == 0:
        raise UserError(f"{path}: {path.stat().st_size} bytes, and its index says {expected} tokens of two bytes")
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return torch.frombuffer(mapped, dtype=torch.int16), crc
