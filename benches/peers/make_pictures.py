"""Makes JPEG pictures of 640×480 at quality 85: smooth colours, shapes and a little noise. Arguments: folder, count."""

import sys

import cv2
import numpy

folder, count = sys.argv[1], int(sys.argv[2])
chance = numpy.random.default_rng(1)
for i in range(count):
    picture = cv2.resize(chance.integers(0, 256, (6, 8, 3), dtype=numpy.uint8), (640, 480), interpolation=cv2.INTER_CUBIC)
    for _ in range(12):
        centre, radius = tuple(map(int, chance.integers(0, 480, 2))), int(chance.integers(10, 90))
        cv2.circle(picture, centre, radius, tuple(map(int, chance.integers(0, 256, 3))), -1)
    noise = chance.normal(0, 4, picture.shape)
    picture = numpy.clip(picture + noise, 0, 255).astype(numpy.uint8)
    cv2.imwrite(f"{folder}/{i}.jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
