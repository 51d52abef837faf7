"""word2vec of a table's texts in gensim, whose inner loops are C, with one worker. Arguments: a CSV file with the column `text`,
`skip_gram` or `cbow`, the count of epochs; prints CPU and wall seconds of `train` alone, and gensim's `FAST_VERSION` (0 and 1 are C).
"""

import sys
import time

import pandas
from gensim.models import word2vec

file, model, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
lists = [text.split() for text in pandas.read_csv(file)["text"]]
found = word2vec.Word2Vec(vector_size=100, window=5, min_count=5, negative=5, sg=int(model == "skip_gram"), workers=1, seed=1)
found.build_vocab(lists)
wall, cpu = time.perf_counter(), time.process_time()
found.train(lists, total_examples=len(lists), epochs=epochs)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(cpu, wall, word2vec.FAST_VERSION)
