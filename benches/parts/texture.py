"""Local binary patterns: the whole of mmf's process, and what the patterns add to it, beside scikit-image's."""

import subprocess
from pathlib import Path

import place
from measure import Table, in_turns

PICTURES = 200
REPEATS = 5

SOURCE = """source pictures = table("pictures.csv") {
    id:      key
    picture: image("pictures/{file}")
}

"""
PATTERNS = "extract texture = pictures.picture |> resize(224x224) |> gray |> lbp(points = 8, radius = 1) |> histogram\n"
NONE = "extract texture = pictures.picture |> resize(224x224) |> gray |> histogram(bins = 1)\n"


def run():
    python = place.python("opencv-python-headless", "scikit-image")
    with place.scratch() as folder:
        home = Path(folder)
        (home / "pictures").mkdir()
        make = [python, place.PEERS / "make_pictures.py", home / "pictures", str(PICTURES)]
        subprocess.run(make, check=True)
        rows = ["id,file", *(f"p{i},{i}.jpg" for i in range(PICTURES))]
        (home / "pictures.csv").write_text("\n".join(rows) + "\n")
        (home / "patterns.mmf").write_text(SOURCE + PATTERNS)
        (home / "none.mmf").write_text(SOURCE + NONE)
        whole, added, theirs = [], [], []
        for turn in range(REPEATS + 1):
            store, runs = home / f"store-{turn}", home / "runs"
            ours = lambda name: [place.MMF, "run", home / f"{name}.mmf", "--threads", "1", "--store", f"{store}-{name}", "--runs", runs]
            peer = [python, place.PEERS / "patterns.py", home / "pictures"]
            with_them, without, other = in_turns([(c, None, None) for c in (ours("patterns"), ours("none"), peer)], 1, warm=0)
            if turn > 0:
                whole.append(with_them[0].cpu * 1e3 / PICTURES)
                added.append((with_them[0].cpu - without[0].cpu) * 1e3 / PICTURES)
                theirs.append([float(number) for number in other[0].output.split()])
        version = place.version(python, "scikit-image")
        table = Table(f"texture: patterns of 8 points at radius 1 in {PICTURES} pictures of 224×224, beside scikit-image {version}; one thread")
        table.pair("CPU a picture, JPEG to histogram", whole, [cpu for cpu, _ in theirs], "ms")
        table.pair("CPU a picture, patterns and histogram", added, [cpu for _, cpu in theirs], "ms", goal=5)
        table.print()
