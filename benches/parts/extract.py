"""Features of pictures: the whole of mmf's process, its store included, beside OpenCV's calls alone."""

import subprocess
from pathlib import Path

import place
from measure import Table, in_turns

PICTURES = 300
REPEATS = 5

LOOKS = """source pictures = table("pictures.csv") {
    id:      key
    picture: image("pictures/{file}")
}

extract colour = pictures.picture |> resize(224x224) |> hsv_histogram(bins = 8x4x4)
extract edges  = pictures.picture |> resize(224x224) |> gray |> canny(low = 100, high = 200) |> grid_density(7x7)
"""


def run():
    with place.scratch() as folder:
        pictures(Path(folder) / "pictures")


def pictures(home):
    python = place.python("opencv-python-headless")
    (home / "pictures").mkdir(parents=True)
    subprocess.run([python, place.PEERS / "make_pictures.py", home / "pictures", str(PICTURES)], check=True)
    rows = ["id,file", *(f"p{i},{i}.jpg" for i in range(PICTURES))]
    (home / "pictures.csv").write_text("\n".join(rows) + "\n")
    (home / "pictures.mmf").write_text(LOOKS)
    peer = [python, place.PEERS / "opencv_pictures.py", home / "pictures"]
    ours, theirs = compare(home / "pictures.mmf", peer)
    version = place.version(python, "opencv-python-headless")
    table = Table(f"extract: {PICTURES} JPEG pictures of 640×480, beside OpenCV {version}; one thread")
    peers = [[float(number) for number in usage.output.split()] for usage in theirs]
    table.pair("CPU a picture", [u.cpu * 1e3 / PICTURES for u in ours], [cpu for cpu, _ in peers], "ms")
    table.pair("wall a picture", [u.wall * 1e3 / PICTURES for u in ours], [wall for _, wall in peers], "ms")
    table.print()


def compare(file, peer):
    """Runs mmf cold, on one thread, and the peer, in turns."""
    ours, theirs = [], []
    for turn in range(REPEATS + 1):
        store = file.parent / f"store-{turn}"
        command = [place.MMF, "run", file, "--threads", "1", "--store", store, "--runs", file.parent / "runs"]
        mine, other = in_turns([(command, None, None), (peer, None, None)], 1, warm=0)
        if turn > 0:
            ours += mine
            theirs += other
    return ours, theirs
