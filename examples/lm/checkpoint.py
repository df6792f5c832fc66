"""Checkpoints that are complete or not there.

A directory is written as NAME.tmp, its files are synced, and it is renamed to NAME: what is called `checkpoint-100`
is whole. `trainer_state.json` names the size and the SHA-256 of the other files, so damage that came later is found
too. Names in the output directory:

    checkpoint-{step}   weights, optimizer, random number generators and position: what a run resumes from
    bestppl_{step}      weights with the lowest perplexity on the held-out samples; best_{step} where another measure counts
    final_{step}        weights at the end of the training
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from errors import UserError
from files import sync_directory, write_file

STATE_FILE = "trainer_state.json"
LEFTOVER = re.compile(r"(checkpoint-|bestppl_|best_|final_)\d+(\.old)?\.tmp")


class Damaged(Exception):
    """A checkpoint that cannot be used, and why."""


def write(path: Path, parts: Mapping[str, Any], state: Mapping[str, Any], delay: float = 0.0) -> float:
    """Writes the directory: each part as {name}.pt, then (after `delay` seconds) the state. Returns the seconds it took."""
    start = time.monotonic()
    temporary = path.with_name(path.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        files: dict[str, dict[str, Any]] = {}
        for name, part in parts.items():
            buffer = io.BytesIO()
            torch.save(part, buffer)
            content = buffer.getvalue()
            files[f"{name}.pt"] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            write_file(temporary / f"{name}.pt", content)
        time.sleep(delay)
        text = json.dumps({**state, "files": files}, indent=1, allow_nan=False)
        write_file(temporary / STATE_FILE, text.encode())
        sync_directory(temporary)
        replace_directory(temporary, path)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)  # a full disk is not helped by half a checkpoint
        raise
    return time.monotonic() - start


def replace_directory(source: Path, target: Path) -> None:
    """Renames source to target. A target that is there (damaged, or equal) steps aside first: never two halves."""
    aside = target.with_name(target.name + ".old.tmp")
    if target.exists():
        shutil.rmtree(aside, ignore_errors=True)
        os.rename(target, aside)
    os.rename(source, target)
    sync_directory(target.parent)
    shutil.rmtree(aside, ignore_errors=True)


def read(path: Path, *names: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The state and the named parts of a checkpoint, all files checked against the sizes and hashes it recorded."""
    try:
        state = json.loads((path / STATE_FILE).read_text())
        parts: dict[str, Any] = {}
        for name, expected in state["files"].items():
            content = (path / name).read_bytes()
            if len(content) != expected["bytes"]:
                raise Damaged(f"{name} has {len(content)} bytes, not {expected['bytes']}")
            if hashlib.sha256(content).hexdigest() != expected["sha256"]:
                raise Damaged(f"{name} is not what was written")
            part = name[: -len(".pt")]
            if part in names:
                parts[part] = torch.load(io.BytesIO(content), weights_only=True)
    except FileNotFoundError as error:
        raise Damaged(f"{Path(error.filename).name} is missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise Damaged(f"{STATE_FILE} is not JSON") from None
    except (KeyError, TypeError, AttributeError):
        raise Damaged(f"{STATE_FILE} is not a checkpoint's") from None
    if len(parts) != len(names):
        raise Damaged(f"{STATE_FILE} does not name {' and '.join(names)}")
    return state, parts


def steps(output_dir: Path, prefix: str) -> list[int]:
    """The steps of the directories {prefix}{step}, newest first. Links are not looked at."""
    found = []
    for entry in os.scandir(output_dir):
        number = entry.name[len(prefix) :]
        if (
            entry.name.startswith(prefix)
            and re.fullmatch("[1-9][0-9]*", number)
            and entry.is_dir(follow_symlinks=False)
        ):
            found.append(int(number))
    return sorted(found, reverse=True)


def newest(output_dir: Path, skipped: list[str]) -> int:
    """The step of the newest usable checkpoint, or 0. Damaged ones are put into `skipped`, with the reason."""
    found = steps(output_dir, "checkpoint-")
    for step in found:
        path = output_dir / f"checkpoint-{step}"
        try:
            read(path)
            return step
        except Damaged as reason:
            skipped.append(f"skipped checkpoint step={step} path={path} reason={json.dumps(str(reason))}")
    if found:
        raise UserError(f"none of the {len(found)} checkpoints in {output_dir} can be read: {skipped[0]}")
    return 0


def retain(output_dir: Path, step: int, limit: int) -> None:
    """Keeps the last `limit` checkpoints up to the step just written. bestppl and final are not looked at."""
    past = [other for other in steps(output_dir, "checkpoint-") if other <= step]
    for other in past[limit:]:
        remove(output_dir / f"checkpoint-{other}")


def remove(path: Path) -> None:
    """Takes a complete directory away: first its name, so that a half-removed one is never taken for whole."""
    aside = path.with_name(path.name + ".old.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(path, aside)
    shutil.rmtree(aside)


def remove_leftovers(output_dir: Path) -> list[str]:
    """Removes what a run that was killed left half-written, and nothing else: no links, no other names."""
    names = [e.name for e in os.scandir(output_dir) if LEFTOVER.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
    for name in names:
        shutil.rmtree(output_dir / name)
    return sorted(names)


def read_weights(path: Path, flag: str = "--model_name_or_path") -> tuple[dict[str, int], dict[str, Any]]:
    """Sizes and weights of the model in a checkpoint, or in the final checkpoint of a finished run's directory."""
    source = f"{flag} {path}"
    if not path.is_dir():
        raise UserError(f"{source}: no directory")
    if not (path / STATE_FILE).is_file():
        path = newest_weights(path / "checkpoints" if (path / "checkpoints").is_dir() else path, source)
    try:
        state, parts = read(path, "model")
    except Damaged as reason:
        raise UserError(f"{source}: {path.name}: {reason}") from None
    return state["model"], parts["model"]


def newest_weights(directory: Path, source: str) -> Path:
    """Those of the end of a training, else of its newest checkpoint."""
    for prefix in ("final_", "checkpoint-"):
        found = steps(directory, prefix)
        if found:
            return directory / f"{prefix}{found[0]}"
    raise UserError(f"{source}: no checkpoint, and none of a run in it")
