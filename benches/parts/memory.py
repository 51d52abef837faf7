"""Peak memory of a cold run over many small pictures: it must not grow with their number."""

import random
import struct
import zlib
from pathlib import Path

import place
from measure import Table, once

SIDE = 96
COUNTS = (5_000, 20_000)

PIPELINE = """source pictures = table("pictures.csv") {
    id:      key
    picture: image("pictures/{file}")
}

extract colour = pictures.picture |> resize(64x64) |> hsv_histogram(bins = 8x4x4)
extract edges  = pictures.picture |> resize(64x64) |> gray |> canny(low = 100, high = 200) |> grid_density(8x8)
"""


def run():
    table = Table(f"memory: a cold run over pictures of {SIDE}×{SIDE}: resize, hsv_histogram, canny, grid_density")
    peaks = {}
    with place.scratch() as folder:
        for count in COUNTS:
            home = Path(folder) / str(count)
            file = generate(home, count)
            used = once([place.MMF, "run", file, "--store", home / "store", "--runs", home / "runs"])
            peaks[count] = used.peak
            table.alone(f"{count:,} pictures, peak of the process", [used.peak], "MiB", goal=1024)
            table.alone("  CPU a picture", [used.cpu * 1e3 / count], "ms")
    few, many = (peaks[count] for count in COUNTS)
    table.share(f"growth of the peak from {COUNTS[0]:,} to {COUNTS[1]:,}", [max(many - few, 0)], [few], "MiB", goal=0.1)
    table.print()


def generate(home, count, side=SIDE):
    """Makes a folder of pictures, a table of them and the pipeline; returns the pipeline's file."""
    (home / "pictures").mkdir(parents=True)
    chance = random.Random(1)
    rows = ["id,file"]
    for i in range(count):
        (home / "pictures" / f"{i}.png").write_bytes(png(chance, side))
        rows.append(f"p{i},{i}.png")
    (home / "pictures.csv").write_text("\n".join(rows) + "\n")
    file = home / "pictures.mmf"
    file.write_text(PIPELINE)
    return file


def png(chance, side):
    """Returns a picture of blocks of 8 × 8 in chance colours."""
    lines = bytearray()
    for _ in range(side // 8):
        line = b"".join(chance.randbytes(3) * 8 for _ in range(side // 8))
        lines += (b"\0" + line) * 8

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(lines), 1)) + chunk(b"IEND", b"")
