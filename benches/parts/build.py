"""A cold release build into a folder of its own: CPU seconds of cargo and all that it starts, and the size of the binary."""

import os
import subprocess

import place
from measure import Table, once


def run():
    version = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    with place.scratch() as folder:
        env = {"CARGO_TARGET_DIR": folder, "CARGO_INCREMENTAL": "0"}
        subprocess.run(["cargo", "fetch", "--locked"], cwd=place.ROOT, check=True)
        used = once(["cargo", "build", "--release", "--locked", "--quiet"], env, place.ROOT)
        size = os.path.getsize(f"{folder}/release/mmf") / 1e6
    table = Table(f"build: cold cargo build --release, {version}")
    table.alone("CPU", [used.cpu], "s", goal=1500)
    table.alone("wall", [used.wall], "s")
    table.alone("size of the binary", [size], "MB", goal=60)
    table.print()
