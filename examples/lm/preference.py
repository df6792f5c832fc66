"""dpo and reward: which of two answers is the better one."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import records
from data import Dataset, Sample, collate, count_targets, make_row, total_tokens
from errors import UserError
from files import files_of, read_records
from model import Transformer, target_log_probabilities
from records import IGNORED
from task import Batch, Model


class PreferenceTask:
    """Rows come in pairs: first all chosen answers of a batch, then all rejected ones, in one pass of the model."""

    updates = 1
    measures: tuple[str, ...] = ("accuracy", "margin")

    def __init__(self, args: Namespace, reference: Transformer | None) -> None:
        self.args = args
        self.reference = reference  # of dpo: the model that it starts from
        self.scalar_head = reference is None

    def load(self) -> Dataset:
        paths = files_of(self.args.data_path, self.args.data_suffix)
        dataset = Dataset(files=len(paths))
        length = self.args.max_seq_length
        for place, record in read_records(paths):
            try:
                prompt = records.text(record, "prompt")
                answers = [records.text(record, key) for key in ("chosen", "reject")]
                name = records.identity(record, place)
            except ValueError as error:
                raise UserError(f"{place}: {error}") from None
            encoded = [records.encode_turns([prompt, answer]) for answer in answers]
            dataset.truncated += any(len(tokens) > length for tokens, _ in encoded)
            rows = [make_row(one, length) for one in encoded]
            if any(count_targets(row) == 0 for row in rows):
                dataset.dropped += 1
            else:
                dataset.add(Sample(name, rows, 1))
        return dataset.hold_out(self.args.data_path)

    def prepare(self, _model: nn.Module, samples: Sequence[Sample], _position: int) -> Batch:
        inputs, targets = collate([sample.rows[side] for side in (0, 1) for sample in samples])
        batch = Batch(inputs, targets, total_tokens(samples))
        if self.reference is not None:
            with torch.no_grad():
                batch.values["reference"] = target_log_probabilities(self.reference(inputs), targets).sum(-1)
        return batch

    def loss(self, model: Model, batch: Batch) -> Tensor:
        chosen, rejected = self.scores(model, batch).chunk(2)
        margin = chosen - rejected
        batch.report = {"accuracy": float((margin > 0).sum()), "margin": float(margin.detach().sum())}
        return -F.logsigmoid(margin).sum()

    def scores(self, model: Model, batch: Batch) -> Tensor:
        """One number a row: of dpo how much likelier the answer has become, of a reward model its last token's value."""
        if self.reference is None:
            _, values = model(batch.inputs)
            return last_value(values, batch.targets)
        own = target_log_probabilities(model(batch.inputs), batch.targets).sum(-1)
        return self.args.beta * (own - batch.values["reference"])


def last_value(values: Tensor, targets: Tensor) -> Tensor:
    """The value where the last token that counts is predicted: all of the answer but its EOS has been read."""
    positions = torch.arange(targets.shape[1]).expand_as(targets)
    last = positions.masked_fill(targets == IGNORED, -1).max(dim=-1).values
    return values.gather(-1, last.unsqueeze(-1)).squeeze(-1)
