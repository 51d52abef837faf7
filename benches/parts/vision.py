"""The kernels that look at pictures, each by itself, beside OpenCV's and scikit-image's: one thread, in short turns."""

import re
import subprocess
from pathlib import Path

import place
from measure import Table, once

PICTURES = 40
TURNS = 8
PASSES = {
    "decode": 3,
    "resize": 10,
    "gray": 10,
    "canny": 5,
    "canny-small": 20,
    "lbp": 10,
    "hsv_histogram": 5,
    "hsv_histogram-small": 20,
}
FOUND = re.compile(r"^\S+ median ([\d.]+) ms least ([\d.]+) ms cpu ([\d.]+) ms", re.MULTILINE)


def run():
    python = place.python("opencv-python-headless", "scikit-image")
    with place.scratch() as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        subprocess.run([python, place.PEERS / "make_pictures.py", pictures, str(PICTURES)], check=True)
        pipe = subprocess.PIPE
        command = [python, place.PEERS / "opencv_vision.py", pictures]
        peer = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1)
        version = peer.stdout.readline().split()[1]
        ours, theirs = {name: [] for name in PASSES}, {name: [] for name in PASSES}
        for _ in range(TURNS):
            for name, passes in PASSES.items():
                output = once([place.VISION, pictures, passes, name]).output
                ours[name].append([float(number) for number in FOUND.search(output).groups()])
                peer.stdin.write(f"{name} {passes}\n")
                peer.stdin.flush()
                theirs[name].append([float(number) for number in peer.stdout.readline().split()])
        peer.stdin.close()
        peer.wait()

    names = {
        "decode": "decode a JPEG of 640×480",
        "resize": "resize 640×480 to 224×224, by areas",
        "gray": "gray, 640×480",
        "canny": "canny, 640×480",
        "canny-small": "canny, 224×224",
        "lbp": "lbp beside scikit-image, 224×224, 8 points",
        "hsv_histogram": "hsv_histogram, 640×480",
        "hsv_histogram-small": "hsv_histogram, 224×224",
    }
    table = Table(f"vision: {PICTURES} pictures, a picture, beside OpenCV {version}; one thread")
    for name, what in names.items():
        mine, other = ours[name], theirs[name]
        goal = {"gray": None, "lbp": 5}.get(name, 1)
        table.pair(f"{what}, CPU", [cpu for *_, cpu in mine], [cpu for *_, cpu in other], "ms", goal=goal)
        table.pair("  the least pass, wall", [min(least for _, least, _ in mine)], [min(least for _, least, _ in other)], "ms")
    both = lambda found: [found["decode"][turn][2] + found["resize"][turn][2] for turn in range(TURNS)]
    table.pair("decode and resize together, CPU", both(ours), both(theirs), "ms", goal=1)
    table.print()
