"""The work of benches/vision.rs in OpenCV (patterns in scikit-image), on demand: reads `NAME PASSES` a line, answers `wall-median wall-least cpu-mean` in
milliseconds a picture. One thread. Arguments: the folder of pictures.
"""

import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
import cv2
import numpy
from skimage.feature import local_binary_pattern

cv2.setNumThreads(1)
files = [numpy.frombuffer(path.read_bytes(), numpy.uint8) for path in sorted(Path(sys.argv[1]).iterdir())]
read = [cv2.imdecode(file, cv2.IMREAD_COLOR) for file in files]
gray = [cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in read]


def resize(picture):
    return cv2.resize(picture, (224, 224), interpolation=cv2.INTER_AREA)


def histogram(picture):
    hsv = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV)
    found = cv2.calcHist([hsv], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]).ravel()
    return found / found.sum()


def canny(picture):
    return cv2.Canny(picture, 100, 200)


small = [resize(picture) for picture in read]
small_gray = [cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in small]
WORK = {
    "decode": (lambda file: cv2.imdecode(file, cv2.IMREAD_COLOR), files),
    "resize": (resize, read),
    "gray": (lambda picture: cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), read),
    "canny": (canny, gray),
    "canny-small": (canny, small_gray),
    "lbp": (lambda picture: local_binary_pattern(picture, 8, 1), small_gray),
    "hsv_histogram": (histogram, read),
    "hsv_histogram-small": (histogram, small),
}

print("ready", cv2.__version__, flush=True)
for line in sys.stdin:
    name, passes = line.split()
    work, inputs = WORK[name]
    for one in inputs:
        work(one)
    walls, start = [], time.process_time()
    for _ in range(int(passes)):
        begin = time.perf_counter()
        for one in inputs:
            work(one)
        walls.append((time.perf_counter() - begin) * 1e3 / len(inputs))
    cpu = (time.process_time() - start) * 1e3 / len(walls) / len(inputs)
    walls.sort()
    print(walls[len(walls) // 2], walls[0], cpu, flush=True)
