"""What a line of each kind of data holds, and how it becomes tokens. Plain Python: the CPU jobs use it too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# A token is a byte, or one of these. A conversation reads USER question ASSISTANT answer EOS USER ...
EOS, USER, ASSISTANT = 256, 257, 258
VOCABULARY = 259
IGNORED = -100  # a label that does not count in the loss

Encoded = tuple[list[int], list[int]]  # tokens and labels


def identity(record: dict[str, Any], place: str) -> str:
    value = record.get("id", place)
    if not isinstance(value, (str, int)):
        raise ValueError('"id" is not a string')
    return str(value)


def text(record: dict[str, Any], key: str) -> str:
    if key not in record:
        raise ValueError(f'no "{key}"')
    if not isinstance(record[key], str):
        raise ValueError(f'"{key}" is not a string')
    return record[key]


def turns(record: dict[str, Any]) -> list[str]:
    """Of {"id": "...", "data": ["question", "answer", ...]} the conversation."""
    for key in ("id", "data"):
        if key not in record:
            raise ValueError(f'no "{key}"')
    value = record["data"]
    if not isinstance(value, list) or not all(isinstance(turn, str) for turn in value):
        raise ValueError('"data" is not a list of strings')
    if not value or len(value) % 2:
        raise ValueError(f'"data" has {len(value)} strings, but questions and answers come in pairs')
    return value


def encode_turns(conversation: Sequence[str]) -> Encoded:
    """Of the labels only the answers, with the EOS behind each, count in the loss."""
    tokens: list[int] = []
    labels: list[int] = []
    for question, answer in zip(conversation[::2], conversation[1::2]):
        prompt = encode_prompt(question)
        response = [*answer.encode("utf-8"), EOS]
        tokens += prompt + response
        labels += [IGNORED] * len(prompt) + response
    return tokens, labels


def encode_prompt(question: str) -> list[int]:
    return [USER, *question.encode("utf-8"), ASSISTANT]


def encode_document(content: str) -> list[int]:
    return [*content.encode("utf-8"), EOS]
