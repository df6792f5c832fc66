"""ppo and grpo: the model answers, the answers are judged, and what was judged well becomes likelier."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

import records
from data import Dataset, Row, Sample, collate
from errors import UserError
from files import files_of, read_records
from model import Transformer, target_log_probabilities
from preference import last_value
from records import EOS, IGNORED
from task import Batch, Model

CLIP = 0.2  # how far an update may move a token's probability
LAMBDA = 0.95  # of PPO's generalised advantage estimate; rewards are not discounted
VALUE_WEIGHT = 0.5

Judge = Callable[[Sequence[Sample], Sequence[list[int]], Tensor, Tensor], Tensor]


class ReinforcementTask:
    measures: tuple[str, ...] = ("reward", "kl", "answer_length")

    def __init__(self, args: Namespace, reference: Transformer, judge: Judge) -> None:
        self.args = args
        self.reference = reference
        self.judge = judge
        self.updates = args.num_updates
        self.scalar_head = args.phase == "ppo"

    def load(self) -> Dataset:
        paths = files_of(self.args.data_path, self.args.data_suffix)
        dataset = Dataset(files=len(paths))
        room = self.args.max_seq_length - self.args.max_new_tokens
        for place, record in read_records(paths):
            try:
                prompt = records.encode_prompt(records.text(record, "prompt"))
                answer = records.text(record, "answer" if "answer" in record else "chosen")
                name = records.identity(record, place)
            except ValueError as error:
                raise UserError(f"{place}: {error}") from None
            if len(prompt) > room:
                dataset.dropped += 1  # a prompt without its end is another one
                continue
            row = Row(torch.tensor(prompt, dtype=torch.int16), torch.full((len(prompt),), IGNORED, dtype=torch.int16))
            dataset.add(Sample(name, [row], self.args.num_generations, answer))
        return dataset.hold_out(self.args.data_path)

    @torch.no_grad()
    def prepare(self, model: nn.Module, samples: Sequence[Sample], position: int) -> Batch:
        args = self.args
        answers: list[list[int]] = []
        for number, sample in enumerate(samples):
            # Of its own for each place in the stream: a run that resumes there draws the same.
            generator = torch.Generator().manual_seed((args.seed << 32) + position + number)
            answers += generate(model, sample.rows[0].tokens, args, generator)
        each = [sample for sample in samples for _ in range(args.num_generations)]
        rows = [answer_row(sample, answer) for sample, answer in zip(each, answers)]
        inputs, targets = collate(rows)
        counted = (targets != IGNORED).float()
        rewards = self.judge(each, answers, inputs, targets)
        reference = target_log_probabilities(self.reference(inputs), targets)
        output = model(inputs)
        logits, values = output if self.scalar_head else (output, None)
        before = target_log_probabilities(logits, targets)
        if values is None:
            advantages = group_advantages(rewards, args.num_generations).unsqueeze(-1) * counted
            returns = torch.zeros_like(advantages)
        else:
            advantages, returns = estimate_advantages(rewards, before - reference, values, counted, args.beta)
        kl = ((before - reference) * counted).sum(-1)
        return Batch(
            inputs,
            targets,
            sum(len(row.tokens) for row in rows),
            {"before": before, "reference": reference, "advantages": advantages, "returns": returns},
            {"reward": float(rewards.sum()), "kl": float(kl.sum()), "answer_length": float(counted.sum())},
        )

    def loss(self, model: Model, batch: Batch) -> Tensor:
        output = model(batch.inputs)
        logits, values = output if self.scalar_head else (output, None)
        counted = (batch.targets != IGNORED).float()
        now = target_log_probabilities(logits, batch.targets)
        ratio = (now - batch.values["before"]).exp()
        advantages = batch.values["advantages"]
        gain = torch.minimum(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages)
        if values is None:  # GRPO: the distance from the start model is part of the loss, in PPO of the reward
            distance = batch.values["reference"] - now
            cost = self.args.beta * (distance.exp() - distance - 1)
        else:
            cost = VALUE_WEIGHT * (values - batch.values["returns"]) ** 2
        return (((cost - gain) * counted).sum(-1) / counted.sum(-1)).sum()


def generate(model: nn.Module, prompt: Tensor, args: Namespace, generator: torch.Generator) -> list[list[int]]:
    """`num_generations` answers to one prompt, each up to its EOS (included) or to the limit."""
    tokens = prompt.long().expand(args.num_generations, -1)
    ended = torch.zeros(args.num_generations, dtype=torch.bool)
    for _ in range(args.max_new_tokens):
        output = model(tokens)
        logits = (output[0] if isinstance(output, tuple) else output)[:, -1]
        probabilities = (logits / args.temperature).softmax(-1)
        drawn = torch.multinomial(probabilities, 1, generator=generator).squeeze(-1)
        drawn = drawn.masked_fill(ended, EOS)
        tokens = torch.cat((tokens, drawn.unsqueeze(-1)), dim=1)
        ended |= drawn == EOS
        if ended.all():
            break
    return [until_end(answer) for answer in tokens[:, len(prompt) :].tolist()]


def until_end(answer: list[int]) -> list[int]:
    return answer[: answer.index(EOS) + 1] if EOS in answer else answer


def answer_row(sample: Sample, answer: list[int]) -> Row:
    prompt = sample.rows[0]
    drawn = torch.tensor(answer, dtype=torch.int16)
    return Row(torch.cat((prompt.tokens, drawn)), torch.cat((prompt.labels, drawn)))


def group_advantages(rewards: Tensor, size: int) -> Tensor:
    """GRPO: each answer against the others to the same prompt."""
    groups = rewards.view(-1, size)
    spread = groups.std(-1, unbiased=False, keepdim=True)
    return ((groups - groups.mean(-1, keepdim=True)) / (spread + 1e-4)).view(-1)


def estimate_advantages(
    rewards: Tensor, divergence: Tensor, values: Tensor, counted: Tensor, beta: float
) -> tuple[Tensor, Tensor]:
    """PPO: the reward at the last token, a cost at each for leaving the start model, and GAE over them."""
    gains = -beta * divergence * counted
    last = counted.cumsum(-1).argmax(-1, keepdim=True)
    gains = gains.scatter_add(-1, last, rewards.unsqueeze(-1))
    values = values * counted
    advantages = torch.zeros_like(values)
    running = torch.zeros(len(values))
    following = torch.zeros(len(values))
    for column in reversed(range(values.shape[1])):
        delta = gains[:, column] + following - values[:, column]
        running = (delta + LAMBDA * running) * counted[:, column]
        advantages[:, column] = running
        following = values[:, column]
    return advantages, (advantages + values) * counted


def judge_by_rule(samples: Sequence[Sample], answers: Sequence[list[int]], *_: Tensor) -> Tensor:
    """1 for the exact answer. Less for characters at their place, for characters that occur in it, and for its length."""
    return torch.tensor([rule(list(s.answer.encode("utf-8")), answer) for s, answer in zip(samples, answers)])


def rule(right: list[int], answer: list[int]) -> float:
    ended = answer[-1:] == [EOS]
    given = answer[:-1] if ended else answer
    if ended and given == right:
        return 1.0
    length = max(len(given), len(right), 1)
    placed = sum(a == b for a, b in zip(given, right)) / length
    occurring = sum(a in right for a in given) / length
    return 0.5 * placed + 0.3 * occurring + 0.1 * (ended and len(given) == len(right))


def judge_by_model(reward_model: Transformer) -> Judge:
    """The probability that the reward model would prefer the answer to one that it is indifferent to."""

    def judge(_samples: Sequence[Sample], _answers: Sequence[list[int]], inputs: Tensor, targets: Tensor) -> Tensor:
        _, values = reward_model(inputs)
        return last_value(values, targets).sigmoid()

    return judge
