"""Digits and emoji in scikit-learn, on the features that pipelines/digits.mmf and pipelines/quickstart.mmf compute, made anew with NumPy, OpenCV,
jieba and scikit-learn. Arguments: `digits` or `emoji`, the folder of the data, a file with the keys of the test part, a seed; prints the
accuracies as JSON. All that is not in the test part is learned from: mmf holds a validation part back.
"""

import json
import logging
import sys
import warnings
from pathlib import Path

import cv2
import numpy
import pandas
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MinMaxScaler, StandardScaler

warnings.filterwarnings("ignore")
which, folder, keys, seed = sys.argv[1], Path(sys.argv[2]), set(Path(sys.argv[3]).read_text().split()), int(sys.argv[4])


def cells(picture, count):
    return picture.reshape(count, picture.shape[0] // count, count, picture.shape[1] // count).mean((1, 3)).ravel()


def look(path):
    """Colours, edges and shape of a picture that lies on white."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture.ndim == 3 and picture.shape[2] == 4:
        colours, alpha = picture[..., :3].astype(int), picture[..., 3:].astype(int)
        picture = ((colours * alpha + 255 * (255 - alpha) + 127) // 255).astype(numpy.uint8)
    elif picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    hsv, gray = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV), cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    colour = cv2.calcHist([hsv], [0, 1, 2], None, [16, 4, 4], [0, 180, 0, 256, 0, 256]).ravel()
    edges = cells(cv2.Canny(gray, 50, 150) > 0, 8)
    return numpy.concatenate([colour / colour.sum(), edges, cells(gray / 255, 16)])


def scaled(scaler, numbers, test):
    return scaler.fit(numbers[~test]).transform(numbers)


def weighed(words, test, cut):
    vectorizer = TfidfVectorizer(tokenizer=cut, token_pattern=None)
    vectorizer.fit(words[~test])
    return vectorizer.transform(words)


def chinese(text):
    return [word for word in jieba.lcut(text) if any(letter.isalnum() for letter in word)]


def score(features, labels, test, hidden):
    features = sparse.csr_matrix(features)
    fitted = {
        "logistic": LogisticRegression(max_iter=2000),
        "mlp": MLPClassifier(hidden, random_state=seed, max_iter=40),
    }
    return {name: model.fit(features[~test], labels[~test]).score(features[test], labels[test]) for name, model in fitted.items()}


if which == "digits":
    table = pandas.read_csv(folder / "digits.csv")
    test = table["row"].astype(str).isin(keys).to_numpy()
    pixels = numpy.load(folder / "pixels.npy").reshape(len(table), -1).astype(float)
    print(json.dumps({"digit": score(scaled(MinMaxScaler(), pixels, test), table["digit"].to_numpy(), test, (128, 64))}))
else:
    import jieba

    jieba.setLogLevel(logging.ERROR)
    table = pandas.read_csv(folder / "emoji.csv", keep_default_na=False)
    test, labels = table["unified"].isin(keys).to_numpy(), table["label"].to_numpy()
    pictures = scaled(StandardScaler(), numpy.stack([look(folder / image) for image in table["image"]]), test)
    english = TfidfVectorizer(token_pattern=r"(?u)\b\w+\b").build_tokenizer()
    said = weighed(table["keywords_en"].to_numpy(), test, english)
    told = weighed(table["keywords_zh"].to_numpy(), test, chinese)
    words = sparse.hstack([said, told])
    facts = scaled(StandardScaler(), table[["n_codepoints", "added_in_version", "n_skin_variants", "n_short_names"]].to_numpy(float), test)
    all_ = sparse.hstack([sparse.csr_matrix(pictures), words, sparse.csr_matrix(facts)])
    named = {"picture": pictures, "text": words, "table": facts, "fused": all_}
    print(json.dumps({name: score(features, labels, test, (64,)) for name, features in named.items()}))
