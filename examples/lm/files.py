"""Files that are complete or not there, and one kind of error for what a person can put right."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from errors import UserError


def write_file(path: Path, content: bytes) -> None:
    """Writes and syncs. For a name that nobody reads yet; see `replace_file`."""
    try:
        with open(path, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:  # a failed write does not name its file
        raise OSError(error.errno, error.strerror, str(path)) from None


def replace_file(path: Path, content: bytes) -> None:
    """Writes under another name first: a reader sees the old file or the new one, whole."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        write_file(temporary, content)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def data_files(directory: Path, suffix: str) -> list[Path]:
    """DIRECTORY/*SUFFIX, in order of name. A UserError when there is none."""
    if not directory.is_dir():
        raise UserError(f"--data_path {directory}: no such directory")
    paths = sorted(path for path in directory.iterdir() if path.name.endswith(suffix) and path.is_file())
    if not paths:
        raise UserError(f"--data_path {directory}: no file whose name ends in {suffix} (see --data_suffix)")
    return paths


def files_of(directories: Sequence[Path], suffix: str) -> list[Path]:
    """The files of several directories, in their order."""
    return [path for directory in directories for path in data_files(directory, suffix)]


def read_records(paths: list[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's place (FILE:LINE) and JSON object; empty lines are passed over."""
    for path in paths:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    place = f"{path}:{number}"
                    try:
                        yield place, parse_object(line)
                    except ValueError as error:
                        raise UserError(f"{place}: {error}") from None


def parse_object(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.rstrip().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record
