"""Words: word2vec beside gensim, tf-idf beside scikit-learn, one thread, generated texts whose words all libraries cut alike."""

import random
from pathlib import Path

import place
from measure import Table, in_turns

TEXTS = 20_000
FEWER = 4_000
REPEATS = 5
EPOCHS = (1, 6)

SOURCE = """source texts = table("texts.csv") {
    id:   key
    text: text(language = en)
}

"""
TF_IDF = "extract words = texts.text |> tokenize |> tf_idf(terms = 1000)\n"
WORD2VEC = "extract words = texts.text |> tokenize |> word2vec(dim = 100, window = 5, negatives = 5, model = {}, epochs = {}) |> mean\n"


def run():
    with place.scratch() as folder:
        tf_idf(Path(folder) / "all")
        word2vec(Path(folder) / "fewer")


def tf_idf(home):
    python = place.python("scikit-learn", "pandas")
    home.mkdir()
    size = texts(home / "texts.csv", TEXTS)
    (home / "texts.mmf").write_text(SOURCE + TF_IDF)
    peer = [python, place.PEERS / "tf_idf.py", home / "texts.csv"]
    ours, theirs = [], []
    for turn in range(REPEATS + 1):
        mine, other = in_turns([(mmf(home, "texts", turn), None, None), (peer, None, None)], 1, warm=0)
        if turn > 0:
            ours += mine
            theirs += other
    version = place.version(python, "scikit-learn")
    table = Table(f"words: tf-idf of {TEXTS:,} texts, {size / 1e6:.1f} MB of CSV, 1,000 terms, beside scikit-learn {version}; one thread")
    calls = [[float(number) for number in usage.output.split()] for usage in theirs]
    table.pair("process beside process, CPU", [u.cpu for u in ours], [u.cpu for u in theirs], "s", goal=2)
    table.pair("process beside process, wall", [u.wall for u in ours], [u.wall for u in theirs], "s", goal=2)
    table.pair("process, store included, beside the calls alone, CPU", [u.cpu for u in ours], [cpu for cpu, _ in calls], "s", goal=2)
    table.pair("peak memory", [u.peak for u in ours], [u.peak for u in theirs], "MiB")
    table.print()


def word2vec(home):
    """What five epochs cost: the whole process with six, less that with one, beside gensim's `train` of five."""
    python = place.python("gensim", "pandas")
    home.mkdir()
    texts(home / "texts.csv", FEWER)
    few, many = EPOCHS
    version = place.version(python, "gensim")
    table = Table(f"words: word2vec, {many - few} epochs over {FEWER:,} texts, dim 100, window 5, negative 5, beside gensim {version}; one thread")
    for model, name in (("skip_gram", "skip-gram"), ("cbow", "CBOW")):
        for epochs in EPOCHS:
            (home / f"{model}-{epochs}.mmf").write_text(SOURCE + WORD2VEC.format(model, epochs))
        env = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        peer = [python, place.PEERS / "word2vec.py", home / "texts.csv", model, many - few]
        ours, walls, theirs = [], [], []
        for turn in range(REPEATS):
            commands = [(mmf(home, f"{model}-{epochs}", turn), None, None) for epochs in EPOCHS]
            short, long, other = in_turns([*commands, (peer, env, None)], 1, warm=0)
            ours.append(long[0].cpu - short[0].cpu)
            walls.append(long[0].wall - short[0].wall)
            theirs.append([float(number) for number in other[0].output.split()])
        table.pair(f"{name}, CPU", ours, [cpu for cpu, _, _ in theirs], "s", goal=1)
        table.pair(f"{name}, wall", walls, [wall for _, wall, _ in theirs], "s", goal=1)
    table.print()


def mmf(home, name, turn):
    """Returns the command of a cold run on one thread."""
    store = home / f"store-{name}-{turn}"
    return [place.MMF, "run", home / f"{name}.mmf", "--threads", "1", "--store", store, "--runs", home / "runs"]


def texts(file, count):
    """Writes texts of 20 to 200 words, whose frequencies fall as Zipf's law says; returns the file's size."""
    chance = random.Random(1)
    letters = "etaoinshrdlu"
    vocabulary = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(20_000)]
    weights = [1 / (rank + 1) for rank in range(len(vocabulary))]
    drawn = chance.choices(vocabulary, weights, k=count * 110)
    lines, at = ["id,text"], 0
    for i in range(count):
        length = chance.randint(20, 200)
        taken = [drawn[(at + j) % len(drawn)] for j in range(length)]
        at += length
        lines.append(f"t{i},{' '.join(taken)}")
    file.write_text("\n".join(lines) + "\n")
    return file.stat().st_size
