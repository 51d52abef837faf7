"""The pipeline of parts/texture.py with OpenCV and scikit-image, one thread. Arguments: the folder of pictures; prints CPU milliseconds a
picture of the whole, from the file to the histogram, and of the patterns and their histogram alone, without the imports."""

import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
import cv2
import numpy
from skimage.feature import local_binary_pattern

cv2.setNumThreads(1)
files = sorted(str(path) for path in Path(sys.argv[1]).iterdir())


def gray(file):
    return cv2.cvtColor(cv2.resize(cv2.imread(file), (224, 224), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)


def histogram(picture):
    codes = local_binary_pattern(picture, 8, 1).astype(numpy.uint8)
    return numpy.bincount(codes.ravel(), minlength=256) / codes.size


histogram(gray(files[0]))
start = time.process_time()
pictures = [gray(file) for file in files]
before = time.process_time()
found = [histogram(picture) for picture in pictures]
end = time.process_time()
print((end - start) * 1e3 / len(files), (end - before) * 1e3 / len(files))
