"""LightGCN on Gowalla, epoch by epoch beside PyTorch: loss and time of each, then what the rankings are worth, beside ids alone and popularity."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import place
from measure import Table, once

# MMF_GOWALLA_EPOCHS=10 takes about five times as long.
EPOCHS = int(os.environ.get("MMF_GOWALLA_EPOCHS", "2"))
THREADS = 1
DATA = place.FILMS_DATA.parent / "splits" / "gowalla"
PIPELINE = place.ROOT / "benches" / "pipelines" / "gowalla.mmf"
PLAIN = place.ROOT / "benches" / "pipelines" / "gowalla-plain.mmf"


def run():
    if not (DATA / "train.tsv").exists():
        print(f"\ngowalla: left out, {DATA}/train.tsv is not there (see benches/pipelines/gowalla.mmf)")
        return
    python = place.python("torch")
    mine, quality = ours()
    command = [python, place.PEERS / "torch_gowalla.py", DATA / "train.tsv", DATA / "test.tsv", EPOCHS, THREADS]
    output = once(command, {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(THREADS)}).output
    lines = [line.split() for line in output.splitlines()]
    other = [tuple(map(float, line[2:])) for line in lines if line[0] == "epoch"]
    others = next(tuple(map(float, line[1:])) for line in lines if line[0] == "found")
    beside = plain()

    table = Table(
        f"gowalla: LightGCN, 3 layers, 64 wide, batches of 2,048, {EPOCHS} epochs, {THREADS} thread, beside PyTorch {place.version(python, 'torch')}; one run "
        "after the other"
    )
    for number, ((loss, wall, cpu), (peer_loss, peer_wall, peer_cpu)) in enumerate(zip(mine, other), 1):
        table.lines.append((f"epoch {number}, loss", f"{loss:.5f}", f"{peer_loss:.5f}", f"{peer_loss / loss:.4f}", ""))
        table.pair("  wall", [wall], [peer_wall], "s", goal=1)
        table.pair("  CPU", [cpu], [peer_cpu], "s", goal=1)
    for metric, own, peer in zip(("recall@20", "ndcg@20"), quality, others):
        table.lines.append((f"{metric} after {EPOCHS} epochs", f"{own:.4f}", f"{peer:.4f}", f"{own / peer:.3f}", ""))
        for name, values in beside.items():
            table.lines.append((f"  {name}", f"{values[metric]:.4f}", "", "", ""))
    table.print()


def plain():
    """Returns what ids alone, after as many epochs, and popularity are worth: in a process of their own, when all that is timed has ended."""
    with place.scratch() as folder:
        home = Path(folder)
        command = [place.MMF, "run", beside_data(PLAIN, home), "-p", f"epochs={EPOCHS}", "--threads", THREADS]
        once([*command, "--store", home / "store", "--runs", home / "runs"])
        found = json.loads((home / "runs" / "latest" / "metrics.json").read_text(encoding="utf-8"))
    names = {"ids": f"ids alone after {EPOCHS} epochs", "popular": "popularity"}
    return {label: {line["metric"]: line["value"] for line in found if line["train"] == name} for name, label in names.items()}


def beside_data(pipeline, home):
    """Returns the pipeline as it stands in `home`, where it finds its data."""
    file = home / pipeline.name
    file.write_text(pipeline.read_text().replace("../../../shared/data/splits/gowalla", str(DATA)))
    return file


def ours():
    """Returns loss, wall and CPU seconds of each epoch: the time from one line of the loss's curve to the next, the first from the start of
    the training. Then recall@20 and NDCG@20."""
    with place.scratch() as folder:
        home = Path(folder)
        command = [place.MMF, "run", beside_data(PIPELINE, home), "-p", f"epochs={EPOCHS}", "--threads", THREADS, "--format", "json"]
        command += ["--store", home / "store", "--runs", home / "runs"]
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
        found, quality, before = [], {}, None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "started" and event["node"] == "gcn":
                before = time.perf_counter(), spent(process.pid)
            if event["event"] == "curve" and event["curve"] == "loss":
                now = time.perf_counter(), spent(process.pid)
                found.append((event["value"], now[0] - before[0], now[1] - before[1]))
                before = now
            if event["event"] == "metric":
                quality[event["metric"]] = event["value"]
        if process.wait() != 0:
            sys.exit(f"{command} ended with {process.returncode}")
    return found, (quality["recall@20"], quality["ndcg@20"])


def spent(process):
    """Returns the CPU seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
