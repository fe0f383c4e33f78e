"""`python -m labrador.store ls|verify|gc`: show, check and clean the store.

python -m labrador.store ls
python -m labrador.store verify --store FOLDER
python -m labrador.store gc --keep outputs multirun --dry-run
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..errors import LabradorError
from .artifact import fault, read_manifest
from .store import Store


def main(arguments: list[str] | None = None) -> int:
    """Run one of the three commands; returns the exit code (1: verify found faults, 2: bad input)."""
    parser = argparse.ArgumentParser(prog="python -m labrador.store", description="Show, check and clean the store.")
    where: dict[str, Any] = {"type": Path, "help": "folder of the artifacts (artifacts)"}
    parser.add_argument("--store", default=Path("artifacts"), **where)
    after = argparse.ArgumentParser(add_help=False)  # the same option after the command
    after.add_argument("--store", default=argparse.SUPPRESS, **where)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("ls", parents=[after], help="list the artifacts: step, key, size, seconds, what made them")
    commands.add_parser("verify", parents=[after], help="hash every file against its manifest")
    tidy = "remove broken artifacts and leftovers; not while runs use the store"
    gc = commands.add_parser("gc", parents=[after], help=tidy)
    gc.add_argument("--keep", type=Path, nargs="+", help="also remove what no result.json in these folders needs")
    gc.add_argument("--dry-run", action="store_true", help="only print what would be removed")
    options = parser.parse_args(arguments)
    try:
        if not options.store.is_dir():
            raise LabradorError(
                f"--store {options.store}: no such folder; expected the `store` of runs; check the path"
            )
        store = Store(options.store)
        if options.command == "ls":
            return _list(store)
        if options.command == "verify":
            return _verify(store)
        return _collect(store, options.keep, options.dry_run)
    except LabradorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _list(store: Store) -> int:
    total = 0
    for step, key, folder in store.artifacts():
        manifest = read_manifest(folder)
        if manifest is None:
            print(f"{step:10} {key}  broken: no readable manifest")
            continue
        size = sum(entry["size"] for entry in manifest["files"].values())
        total += size
        config = json.dumps(manifest["config"], sort_keys=True)
        print(f"{step:10} {key} {size / 1e6:10,.1f} MB {manifest['seconds']:9,.1f} s  {config[:100]}")
    print(f"{total / 1e6:,.1f} MB in all")
    return 0


def _verify(store: Store) -> int:
    faults = 0
    for step, key, folder in store.artifacts():
        manifest = read_manifest(folder)
        wrong = "no readable manifest" if manifest is None else fault(folder, manifest, thorough=True)
        faults += wrong is not None
        print(f"{step:10} {key}  {wrong or 'ok'}")
    print(f"{faults} broken" if faults else "all whole")
    return 1 if faults else 0


def _collect(store: Store, keep: list[Path] | None, dry_run: bool) -> int:
    """Remove broken artifacts, folders of killed runs and, with `keep`, what no kept result was made from."""
    needed = None if keep is None else _reachable(store, keep)
    freed = 0
    for step, key, folder in list(store.artifacts()):
        manifest = read_manifest(folder)
        broken = manifest is None or fault(folder, manifest, thorough=False) is not None
        if broken or (needed is not None and key not in needed):
            freed += _remove(store, step, key, folder, "broken" if broken else "no kept result needs it", dry_run)
    for folder in sorted(store.root.glob("*/.*.partial/")):
        key = folder.name.split(".")[1]
        freed += _remove(store, folder.parent.name, key, folder, "left by a killed run", dry_run)
    print(f"{freed / 1e6:,.1f} MB {'would be ' if dry_run else ''}freed")
    return 0


def _remove(store: Store, step: str, key: str, folder: Path, why: str, dry_run: bool) -> int:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    try:
        with FileLock(store.lock_file(step, key), timeout=0):
            if not dry_run:
                shutil.rmtree(folder)
                store.clock_file(step, key).unlink(missing_ok=True)
    except Timeout:
        print(f"{step:10} {key} is being made; skipped")
        return 0
    print(f"{step:10} {key} {size / 1e6:10,.1f} MB  {why}")
    return size


def _reachable(store: Store, keep: list[Path]) -> set[str]:
    """The keys in every result.json in the folders, and the keys of what those were made from."""
    results = [path for folder in keep for path in sorted(folder.rglob("result.json"))]
    if not results:
        raise LabradorError(f"--keep {' '.join(map(str, keep))}: no result.json there; name folders of finished runs")
    inputs = {}
    for _, key, folder in store.artifacts():
        manifest = read_manifest(folder)
        inputs[key] = set() if manifest is None else set(manifest["inputs"].values())
    reached: set[str] = set()
    frontier = [key for path in results for key in _keys(path)]
    while frontier:
        key = frontier.pop()
        if key not in reached:
            reached.add(key)
            frontier.extend(inputs.get(key, ()))
    return reached


def _keys(path: Path) -> list[str]:
    """The artifact keys of a result row; raises LabradorError if the file is not one."""
    try:
        return [str(key) for key in json.loads(path.read_text())["keys"].values()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LabradorError(f"{path}: expected a result row with its keys; remove the file or its run") from error


if __name__ == "__main__":
    sys.exit(main())
