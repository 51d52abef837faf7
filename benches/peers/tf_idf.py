"""tf-idf of a table's texts in scikit-learn, one thread. Argument: a CSV file with the column `text`; prints CPU and wall seconds from the
file to the matrix, without the imports."""

import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
import pandas
from sklearn.feature_extraction.text import TfidfVectorizer

wall, cpu = time.perf_counter(), time.process_time()
texts = pandas.read_csv(sys.argv[1])["text"]
TfidfVectorizer(max_features=1000).fit_transform(texts).astype("float32")
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(cpu, wall)
