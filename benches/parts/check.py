"""`mmf check` and `mmf --version` as whole processes, beside the imports without which a Python pipeline does not start."""

import place
from measure import Table, in_turns, once

REPEATS = 10


def run():
    python = place.python("pandas", "scikit-learn")
    versions = ", ".join(f"{name} {place.version(python, name)}" for name in ("pandas", "scikit-learn"))
    table = Table(f"check: beside `python -c \"import pandas, sklearn\"` ({versions}); CPU time of the process")
    imports = ([python, "-c", "import pandas, sklearn"], None, None)
    with place.scratch() as folder:
        pipelines = [place.QUICKSTART]
        if place.FILMS_DATA.exists():
            pipelines.insert(0, place.FILMS)
        else:
            print(f"films.mmf is left out: {place.FILMS_DATA} is not there")
        checks = []
        for file in pipelines:
            store = f"{folder}/{file.stem}"
            first = once([place.MMF, "check", file, "--store", store])
            table.alone(f"check {file.name}, the first time, cells scanned", [first.cpu * 1e3], "ms")
            checks.append(([place.MMF, "check", file, "--store", store], None, None))
        checks.append(([place.MMF, "--version"], None, None))
        *ours, shown, theirs = in_turns([*checks, imports], REPEATS)
    theirs_cpu, theirs_wall = [u.cpu * 1e3 for u in theirs], [u.wall * 1e3 for u in theirs]
    for file, usages in zip(pipelines, ours):
        table.pair(f"check {file.name}, CPU", [u.cpu * 1e3 for u in usages], theirs_cpu, "ms", goal=50)
        table.pair(f"check {file.name}, wall", [u.wall * 1e3 for u in usages], theirs_wall, "ms")
    table.alone("--version, CPU", [u.cpu * 1e3 for u in shown], "ms", goal=20)
    table.print()
