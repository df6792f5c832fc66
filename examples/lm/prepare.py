#!/usr/bin/env python3
"""data-prepare: tokens in memory-mapped files, shuffled once and then read in order. A CPU job in plain Python.

    prepare.py --data_path DIR --output_dir DIR [--kind text|sft] [--name NAME] [--seed 42]

Writes OUTPUT/NAME-HASH.bin (tokens of two bytes, little-endian) and beside it NAME-HASH.json, the index: where each
document begins, the number of tokens, a checksum. The index comes last, so what has one is whole. HASH comes from the
data and the seed: two data sets never share a name, and the same one prepared twice is one file.
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
import re
import sys
import zlib
from argparse import Namespace
from array import array
from collections.abc import Sequence
from typing import Any

import corpus
from errors import UserError
from files import data_files, read_records, replace_file


def tokenise(kind: str, item: tuple[str, dict[str, Any]]) -> tuple[str, bytes | str]:
    """The place of a line with its tokens, or with what is wrong with it."""
    place, record = item
    try:
        return place, little_endian(corpus.tokens_of(corpus.strings(record, kind), kind))
    except ValueError as error:
        return place, str(error)


def little_endian(tokens: list[int]) -> bytes:
    packed = array("h", tokens)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def prepare(args: Namespace) -> None:
    paths = data_files(args.data_path, args.data_suffix)
    documents: list[bytes] = []
    for place, made in corpus.in_parallel(functools.partial(tokenise, args.kind), read_records(paths), args.workers):
        if isinstance(made, str):
            raise UserError(f"{place}: {made}")
        documents.append(made)
    if not documents:
        raise UserError(f"--data_path {args.data_path}: {len(paths)} files and not one document")
    digest = hashlib.sha256(f"{args.kind} {args.seed}\n".encode())
    for document in documents:
        digest.update(len(document).to_bytes(8, "big") + document)
    random.Random(args.seed).shuffle(documents)

    offsets = [0]
    for document in documents:
        offsets.append(offsets[-1] + len(document) // 2)
    content = b"".join(documents)
    name = args.name or args.data_path.resolve().name
    print(f"data files={len(paths)} documents={len(documents)} longest={max(map(len, documents)) // 2}", flush=True)
    print(f"Total tokens for {name}: {offsets[-1]}", flush=True)
    index = {
        "version": 1,
        "documents": len(documents),
        "tokens": offsets[-1],
        "crc": zlib.crc32(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "seed": args.seed,
        "kind": args.kind,
        "offsets": offsets,
    }
    stem = f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}-{digest.hexdigest()[:12]}"
    args.output_dir.mkdir(parents=True, exist_ok=True)
    replace_file(args.output_dir / f"{stem}.bin", content)
    replace_file(args.output_dir / f"{stem}.json", json.dumps(index).encode())
    print(f"wrote path={args.output_dir / stem}.bin bytes={len(content)}", flush=True)


def main(argv: Sequence[str]) -> int:
    parser = corpus.parser("prepare.py", "Writes tokens into memory-mapped files.")
    args = parser.parse_args(argv)
    return corpus.run(lambda: prepare(args))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
