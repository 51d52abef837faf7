"""An unchanged run of films.mmf, beside `dvc repro` over as many stages that have nothing to do."""

import re
from pathlib import Path

import place
from measure import Table, in_turns, once

REPEATS = 10
DECLARED = re.compile(r"^(prepare|extract|fuse|train|metric) ", re.MULTILINE)


def run():
    if not place.FILMS_DATA.exists():
        print(f"\n## rerun\n\nleft out: {place.FILMS_DATA} is not there")
        return
    python = place.python("dvc")
    dvc = Path(python).parent / "dvc"
    stages = len(DECLARED.findall(place.FILMS.read_text()))
    with place.scratch() as folder:
        project = Path(folder) / "dvc"
        prepare(dvc, project, stages)
        again = [place.MMF, "run", place.FILMS, "--store", f"{folder}/store", "--runs", f"{folder}/runs"]
        cold = once(again)
        ours, theirs = in_turns([(again, None, None), ([dvc, "repro"], QUIET, project)], REPEATS)
    table = Table(f"rerun: films.mmf, {stages} declarations, beside dvc {place.version(python, 'dvc')} with {stages} stages")
    table.pair("nothing changed, wall", [u.wall for u in ours], [u.wall for u in theirs], "s", goal=10)
    table.pair("nothing changed, CPU", [u.cpu for u in ours], [u.cpu for u in theirs], "s", goal=10)
    table.share("share of the cold run, wall", [u.wall for u in ours], [cold.wall], "s", goal=0.01)
    table.share("share of the cold run, CPU", [u.cpu for u in ours], [cold.cpu], "s", goal=0.01)
    table.print()


QUIET = {"DVC_NO_ANALYTICS": "1", "PYTHONWARNINGS": "ignore"}


def prepare(dvc, project, stages):
    """Makes a chain of stages that copy a small file, and runs it once."""
    project.mkdir()
    (project / "file-0.txt").write_text("\n".join(map(str, range(2000))))
    lines = ["stages:"]
    for i in range(stages):
        old, new = f"file-{i}.txt", f"file-{i + 1}.txt"
        lines.append(f"  stage-{i}: {{cmd: cp {old} {new}, deps: [{old}], outs: [{new}]}}")
    (project / "dvc.yaml").write_text("\n".join(lines) + "\n")
    once([dvc, "init", "--no-scm", "--quiet"], QUIET, project)
    once([dvc, "config", "core.check_update", "false"], QUIET, project)
    once([dvc, "repro", "--quiet"], QUIET, project)
