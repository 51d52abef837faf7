"""Peak memory of a cold run over many pictures: it must not grow with their number."""

import random
import struct
import time
import zlib
from pathlib import Path

import place
from measure import Table, once

SIZES = ((96, 96), (320, 240))  # icons, and photographs as shops have them
COUNTS = (5_000, 20_000)
# So many pictures differ in what they show; the others differ from these in a comment, and so in their bytes.
SHOWN = 64
# Digests of files that were changed just now are not remembered; those of a user's mostly are.
SETTLED = 3

PIPELINE = """source pictures = table("pictures.csv") {
    id:      key
    picture: image("pictures/{file}")
}

extract colour = pictures.picture |> resize(64x64) |> hsv_histogram(bins = 8x4x4)
extract edges  = pictures.picture |> resize(64x64) |> gray |> canny(low = 100, high = 200) |> grid_density(8x8)
"""


def run():
    for width, height in SIZES:
        size = f"{width}×{height}"
        table = Table(f"memory: a cold run over pictures of {size}: resize, hsv_histogram, canny, grid_density")
        peaks = {}
        with place.scratch() as folder:
            for count in COUNTS:
                home = Path(folder) / str(count)
                file = generate(home, count, width, height)
                time.sleep(SETTLED)
                used = once([place.MMF, "run", file, "--store", home / "store", "--runs", home / "runs"])
                peaks[count] = used.peak
                table.alone(f"{count:,} pictures of {size}, peak of the process", [used.peak], "MiB", goal=1024)
                table.alone("  CPU a picture", [used.cpu * 1e3 / count], "ms")
        few, many = (peaks[count] for count in COUNTS)
        table.share(f"growth from {COUNTS[0]:,} to {COUNTS[1]:,}", [max(many - few, 0)], [few], "MiB", goal=0.1)
        table.alone("  a picture", [max(many - few, 0) * 1024 / (COUNTS[1] - COUNTS[0])], "KiB")
        table.print()


def generate(home, count, width, height):
    """Makes a folder of pictures, a table of them and the pipeline; returns the pipeline's file."""
    (home / "pictures").mkdir(parents=True)
    chance = random.Random(1)
    rows = ["id,file"]
    shown = [png(chance, width, height) for _ in range(min(SHOWN, count))]
    for i in range(count):
        (home / "pictures" / f"{i}.png").write_bytes(marked(shown[i % SHOWN], i))
        rows.append(f"p{i},{i}.png")
    (home / "pictures.csv").write_text("\n".join(rows) + "\n")
    file = home / "pictures.mmf"
    file.write_text(PIPELINE)
    return file


def png(chance, width, height):
    """Returns a picture of blocks of 8 × 8 in chance colours, in its chunks."""
    lines = bytearray()
    for _ in range(height // 8):
        line = b"".join(chance.randbytes(3) * 8 for _ in range(width // 8))
        lines += (b"\0" + line) * 8
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(lines), 1))


def marked(picture, number):
    """Returns a picture's bytes with a number in a comment."""
    header, data = picture
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"tEXt", f"Comment\0{number}".encode()) + data + chunk(b"IEND", b"")


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
