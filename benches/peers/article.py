"""article.mmf in Python, as one would write it: pandas, OpenCV, scikit-image, gensim, scikit-learn, PyTorch.

    article.py EMOJI.CSV FOLDER TEST_KEYS THREADS

The split is given by the keys of the test rows, a line each, so that both measure on the same rows. Prints the seconds of each
part and the metrics as JSON.
"""

import json
import sys
import time

START = time.perf_counter(), time.process_time()

import cv2
import numpy as np
import pandas as pd
import torch
from gensim.models import Word2Vec
from skimage.feature import local_binary_pattern
from sklearn.metrics import accuracy_score, f1_score, recall_score
from sklearn.preprocessing import MinMaxScaler
from torch import nn

TABLE, FOLDER, KEYS, THREADS = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
torch.set_num_threads(THREADS)
cv2.setNumThreads(THREADS)
torch.manual_seed(42)
random = np.random.default_rng(42)
marks = {}
last = START


def mark(name):
    global last
    now = time.perf_counter(), time.process_time()
    marks[name] = {"wall": now[0] - last[0], "cpu": now[1] - last[1]}
    last = now


mark("imports")

frame = pd.read_csv(TABLE).dropna(subset=["keywords_en"]).reset_index(drop=True)
test_keys = set(open(KEYS, encoding="utf-8").read().split())
test = np.flatnonzero(frame["unified"].isin(test_keys).to_numpy())
train = np.flatnonzero(~frame["unified"].isin(test_keys).to_numpy())
label = (frame["label"] == "People & Body").to_numpy("f4")
columns = ["n_codepoints", "added_in_version", "n_skin_variants", "n_short_names"]
numbers = MinMaxScaler().fit(frame.loc[train, columns].to_numpy()).transform(frame[columns].to_numpy()).astype("f4")


def picture(path):
    image = cv2.imread(f"{FOLDER}/{path}", cv2.IMREAD_COLOR)
    image = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    edges = cv2.Canny(gray, 100, 200) > 0
    rows, places = np.arange(8) * 64 // 7, range(7)
    grid = [edges[rows[i] : rows[i + 1], rows[j] : rows[j + 1]].mean() for i in places for j in places]
    texture = np.bincount(local_binary_pattern(gray, 8, 1).astype(int).ravel(), minlength=256) / gray.size
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    colour = cv2.calcHist([hsv], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]).ravel() / gray.size
    return np.concatenate([grid, texture, colour]).astype("f4"), image


features, images = zip(*map(picture, frame["image"]))
seen = np.stack(features)
seen = MinMaxScaler().fit(seen[train]).transform(seen).astype("f4")
images = torch.from_numpy(np.stack(images)[..., ::-1].copy()).permute(0, 3, 1, 2).float().div(255).contiguous()
mark("pictures")

words = [text.lower().split() for text in frame["keywords_en"]]
model = Word2Vec(
    [words[i] for i in train], vector_size=100, window=5, min_count=2, sg=1, negative=5, epochs=5, workers=THREADS, seed=42
).wv
meaning = np.stack([model[known].mean(0) if (known := [w for w in ws if w in model]) else np.zeros(100, "f4") for ws in words])
number = {word: i + 1 for i, word in enumerate(sorted({w for i in train for w in words[i]}))}
longest = max(map(len, words))
tokens = torch.zeros(len(words), longest, dtype=torch.long)
for row, ws in enumerate(words):
    tokens[row, : len(ws)] = torch.tensor([number.get(w, 0) for w in ws])
lengths = torch.tensor([max(len(ws), 1) for ws in words])
mark("words")


class Post(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(
            nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(31 * 31 * 32, 64), nn.ReLU()
        )
        self.embedding = nn.Embedding(5001, 50)
        self.lstm = nn.LSTM(50, 50, batch_first=True)
        self.dense = nn.Linear(64 + seen.shape[1] + 50 + 100 + 4, 100)
        self.head = nn.Linear(100, 1)

    def forward(self, image, seen, tokens, lengths, rest):
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        story = self.lstm(packed)[1][0][-1]
        joined = torch.cat([self.image(image), seen, story, rest], 1)
        return self.head(torch.relu(self.dense(joined))).squeeze(1)


network = Post()
optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
loss = nn.BCEWithLogitsLoss()
inputs = (images, torch.from_numpy(seen), tokens, lengths, torch.from_numpy(np.hstack([meaning, numbers]).astype("f4")))
target = torch.from_numpy(label)
for epoch in range(10):
    for rows in torch.from_numpy(random.permutation(train)).split(32):
        optimizer.zero_grad()
        loss(network(*(x[rows] for x in inputs)), target[rows]).backward()
        optimizer.step()
mark("training")

with torch.no_grad():
    rows = torch.from_numpy(test)
    told = torch.cat([network(*(x[part] for x in inputs)) for part in rows.split(256)]).numpy() > 0
truth = label[test] > 0
mark("measuring")
print(
    json.dumps(
        {
            "marks": marks,
            "accuracy": accuracy_score(truth, told),
            "recall": recall_score(truth, told),
            "f1": f1_score(truth, told),
            "rows": len(test),
        }
    )
)
