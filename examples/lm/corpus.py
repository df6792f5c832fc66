"""What the CPU jobs have in common: their flags, and how they look at one line of data."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import records
from errors import UserError

Given = TypeVar("Given")
Made = TypeVar("Made")

CHUNK = 256  # lines that a worker is given at once


def parser(program: str, description: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog=program, description=description, allow_abbrev=False)
    add_flag(made, "data_path", type=Path, required=True, metavar="DIR", help="directory with the data files")
    add_flag(made, "data_suffix", default=".jsonl", help="how the names of the data files end (default .jsonl)")
    add_flag(made, "output_dir", type=Path, required=True, metavar="DIR", help="where the result goes")
    add_flag(made, "kind", choices=("text", "sft"), default="text", help='{"text": ...} or {"id": ..., "data": [...]} a line (default text)')
    add_flag(made, "name", default=None, help="what the log calls the data (default: the name of its directory)")
    add_flag(made, "workers", type=positive, default=4, help="processes (default 4)")
    add_flag(made, "seed", type=int, default=42, help="of what is drawn (default 42)")
    return made


def add_flag(made: argparse.ArgumentParser, name: str, **settings: Any) -> None:
    """With underscores or with dashes, as train.py's."""
    made.add_argument(*dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}")), dest=name, **settings)


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is below 1")
    return value


def strings(record: dict[str, Any], kind: str) -> list[str]:
    """The texts of a line: one document, or the turns of a conversation."""
    return records.turns(record) if kind == "sft" else [records.text(record, "text")]


def tokens_of(texts: list[str], kind: str) -> list[int]:
    return records.encode_turns(texts)[0] if kind == "sft" else records.encode_document(texts[0])


def in_parallel(work: Callable[[Given], Made], items: Iterable[Given], workers: int) -> Iterator[Made]:
    """The results in the order of the items, whatever the number of processes."""
    if workers == 1:
        yield from map(work, items)
        return
    with multiprocessing.Pool(workers) as pool:
        yield from pool.imap(work, items, CHUNK)


def run(job: Callable[[], None]) -> int:
    """0, or 1 with one line about what a person can put right."""
    try:
        job()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except OSError as error:
        print(f"error: {error.filename or ''}: {error.strerror}", file=sys.stderr, flush=True)
        return 1
    return 0
