#!/usr/bin/env python3
"""data-clean: clean, take duplicates out, count tokens, and draw lines for a person to read. A CPU job in plain Python.

    clean.py --data_path DIR --output_dir DIR [--kind text|sft] [--workers 4] [--min_chars 8] [--max_chars 100000]

Each step stops the chain when it fails: exit code 1, one line that says why, and no output that looks whole. The
lines come out in the order in which they went in, whatever the number of workers.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import random
import re
import shutil
import sys
import unicodedata
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import corpus
from errors import UserError
from files import data_files, read_records, replace_file

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
SPACES = re.compile(r"[^\S\n]+")
BLANK_LINES = re.compile(r"\n\s*\n+")

# What became of a line: its record, its tokens and a hash of its text; or the reason why it was left out.
Outcome = tuple[dict[str, Any], int, bytes] | str


def clean_text(text: str) -> str:
    """One form of each character, no control characters, no runs of spaces and of empty lines."""
    text = CONTROL.sub("", unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n"))
    lines = (SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def clean_record(args: Namespace, item: tuple[str, dict[str, Any]]) -> Outcome:
    _, record = item
    try:
        texts = [clean_text(text) for text in corpus.strings(record, args.kind)]
    except ValueError:
        return "malformed"
    if not all(texts):
        return "empty"
    characters = sum(map(len, texts))
    if characters < args.min_chars:
        return "short"
    if characters > args.max_chars:
        return "long"
    digest = hashlib.blake2b("\0".join(texts).casefold().encode(), digest_size=16).digest()
    cleaned = {**record, **({"data": texts} if args.kind == "sft" else {"text": texts[0]})}
    return cleaned, len(corpus.tokens_of(texts, args.kind)), digest


def clean(args: Namespace) -> None:
    paths = data_files(args.data_path, args.data_suffix)
    args.output_dir.mkdir(parents=True, exist_ok=True)
    if args.output_dir.resolve() == args.data_path.resolve():
        raise UserError("--output_dir is --data_path: the data would be overwritten")
    left_out: Counter[str] = Counter()
    seen: set[bytes] = set()
    kept: list[str] = []
    total, per_file = 0, []
    for path in paths:
        first = len(kept)
        for outcome in corpus.in_parallel(functools.partial(clean_record, args), read_records([path]), args.workers):
            if isinstance(outcome, str):
                left_out[outcome] += 1
                continue
            record, tokens, digest = outcome
            if digest in seen:
                left_out["duplicate"] += 1
                continue
            seen.add(digest)
            total += tokens
            kept.append(json.dumps(record, ensure_ascii=False) + "\n")
        per_file.append((path.name, first, len(kept)))
        print(f"cleaned file={path.name} kept={len(kept) - first}", flush=True)
    lines = len(kept) + sum(left_out.values())
    reasons = " ".join(f"{reason}={left_out[reason]}" for reason in ("malformed", "empty", "short", "long", "duplicate"))
    print(f"data files={len(paths)} lines={lines} kept={len(kept)} {reasons}", flush=True)
    if not kept:
        raise UserError(f"--data_path {args.data_path}: of {lines} lines none is left ({reasons})")
    print(f"Total tokens for {args.name or args.data_path.resolve().name}: {total}", flush=True)
    write(args, per_file, kept)


def write(args: Namespace, per_file: Sequence[tuple[str, int, int]], kept: Sequence[str]) -> None:
    free = shutil.disk_usage(args.output_dir).free
    needed = sum(len(line.encode()) for line in kept)
    if free < needed:
        raise UserError(f"--output_dir {args.output_dir}: {needed} bytes to write and {free} free")
    drawn = random.Random(args.seed).sample(range(len(kept)), min(args.samples, len(kept)))
    # The lines to read come last: when they are there, everything is.
    for number, (_, first, last) in enumerate(per_file):
        replace_file(args.output_dir / f"part-{number:05d}.jsonl", "".join(kept[first:last]).encode())
    replace_file(args.output_dir / "sample.txt", "".join(kept[index] for index in sorted(drawn)).encode())
    print(f"wrote files={len(per_file)} lines={len(kept)} path={args.output_dir} sample={len(drawn)}", flush=True)


def main(argv: Sequence[str]) -> int:
    parser = corpus.parser("clean.py", "Cleans data, takes duplicates out, counts tokens, draws lines to read.")
    corpus.add_flag(parser, "min_chars", type=int, default=2, help="shorter lines are left out (default 2)")
    corpus.add_flag(parser, "max_chars", type=int, default=100_000, help="longer lines are left out (default 100000)")
    corpus.add_flag(parser, "samples", type=corpus.positive, default=100, help="lines to draw for a person (default 100)")
    args: argparse.Namespace = parser.parse_args(argv)
    return corpus.run(lambda: clean(args))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
