#!/usr/bin/env python3
"""Writes a small data set for train.py, of the shape that a phase wants.

The questions are short and the answers follow from them (repeat a word, reverse a word, add two numbers), so that
the loss of a tiny model falls within seconds. The same arguments always give the same bytes.

    make_data.py --out DIR [--kind sft|text|pairs|prompts] [--samples 1200] [--files 4] [--seed 0]

sft: conversations. text: the same as plain documents (pretrain, cpt). pairs: a right and a wrong answer (dpo, reward).
prompts: a question and the right answer, which the rule of ppo and grpo compares with.

Every file is complete or absent: it is written under a temporary name, synced and renamed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from files import replace_file

LETTERS = "abcdefgh"
MULTI_TURN_SHARE = 0.2


def question_and_answer(rng: random.Random) -> tuple[str, str]:
    kind = rng.choice(("repeat", "reverse", "add"))
    if kind == "add":
        a, b = rng.randint(0, 9), rng.randint(0, 9)
        return f"Add {a} and {b}.", str(a + b)
    word = "".join(rng.choice(LETTERS) for _ in range(rng.randint(2, 5)))
    if kind == "repeat":
        return f"Repeat {word}.", word
    return f"Reverse {word}.", word[::-1]


def make_sample(rng: random.Random, number: int, kind: str) -> dict[str, object]:
    identity = f"sample-{number:06d}"
    if kind == "pairs":
        prompt, answer = question_and_answer(rng)
        return {"id": identity, "prompt": prompt, "chosen": answer, "reject": wrong(rng, answer)}
    if kind == "prompts":
        prompt, answer = question_and_answer(rng)
        return {"id": identity, "prompt": prompt, "answer": answer}
    turns = rng.randint(2, 3) if rng.random() < MULTI_TURN_SHARE else 1
    data: list[str] = []
    for _ in range(turns):
        data.extend(question_and_answer(rng))
    return {"id": identity, "data": data} if kind == "sft" else {"id": identity, "text": " ".join(data)}


def wrong(rng: random.Random, answer: str) -> str:
    """As long as the right answer, and another one."""
    alphabet = "0123456789" if answer.isdigit() else LETTERS
    while True:
        other = "".join(rng.choice(alphabet) for _ in answer)
        if other != answer:
            return other


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Writes a small data set for train.py.", allow_abbrev=False)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory to write to")
    parser.add_argument("--kind", choices=("sft", "text", "pairs", "prompts"), default="sft", help="shape (default sft)")
    parser.add_argument("--samples", type=int, default=1200, metavar="N", help="number of samples (default 1200)")
    parser.add_argument("--files", type=int, default=4, metavar="K", help="number of .jsonl files (default 4)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the generator (default 0)")
    args = parser.parse_args(argv)
    if args.files < 1 or args.samples < args.files:
        parser.error("--files must be at least 1 and --samples at least --files")
    return args


def main(argv: Sequence[str]) -> int:
    args = parse_arguments(argv)
    rng = random.Random(args.seed)
    lines = [json.dumps(make_sample(rng, number, args.kind), ensure_ascii=False) + "\n" for number in range(args.samples)]

    args.out.mkdir(parents=True, exist_ok=True)
    names = [f"part-{number:03d}.jsonl" for number in range(args.files)]
    others = sorted(path.name for path in args.out.glob("*.jsonl") if path.name not in names)
    if others:
        print(
            f"error: {args.out} holds other .jsonl files, among them {others[0]}: a run would mix them", file=sys.stderr
        )
        return 1
    for number, name in enumerate(names):
        first, last = (len(lines) * n // args.files for n in (number, number + 1))
        replace_file(args.out / name, "".join(lines[first:last]).encode())
    print(f"wrote files={args.files} samples={args.samples} path={args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
