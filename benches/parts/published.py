"""Published figures: the pipelines that follow a published protocol, beside what is published for it. No time is compared."""

import json
from pathlib import Path

import place
from measure import once

NEAR = 0.97

# Pipeline, the data that it wants, and its metrics with what is published for the same model, metric and split; None where nothing is.
TIKTOK = "HKUDS/DiffMM's table, same split; there with features of text too, which are absent here"
S3REC = "SASRec in RUCAIBox/CIKM2020-S3Rec's table, all items ranked"
PUBLISHED = [
    (
        "graphs",
        "splits/tiktok-diffmm/train.tsv",
        TIKTOK,
        [
            ("of_popular", "recall@20", None),
            ("of_ids", "recall@20", 0.0346),
            ("of_gcn", "recall@20", 0.0653),
            ("of_vbpr", "recall@20", 0.0380),
            ("of_bm3", "recall@20", 0.0957),
            ("of_freedom", "recall@20", None),
        ],
    ),
    (
        "beauty",
        "splits/s3rec-beauty/interactions.tsv",
        S3REC,
        [
            ("baseline", "hit_rate@10", None),
            ("of_ids", "hit_rate@10", None),
            ("of_ids", "ndcg@10", None),
            ("by_order", "hit_rate@10", 0.0605),
            ("by_order", "ndcg@10", 0.0318),
        ],
    ),
]


def run():
    print("\n## published: figures of the same models on the same splits\n")
    print("| pipeline, metric | mmf | 95 % interval | published | share |")
    print("| --- | --- | --- | --- | --- |")
    for name, data, source, wanted in PUBLISHED:
        if not (place.FILMS_DATA.parent / data).exists():
            print(f"| {name}: left out, {data} is not there | | | | |")
            continue
        with place.scratch() as folder:
            runs = Path(folder) / "runs"
            usage = once([place.MMF, "run", place.ROOT / "pipelines" / f"{name}.mmf", "--store", Path(folder) / "store", "--runs", runs])
            found = json.loads((runs / "latest" / "metrics.json").read_text(encoding="utf-8"))
        for metric_name, metric, published in wanted:
            line = next(line for line in found if (line["name"], line["metric"]) == (metric_name, metric))
            share = f"{line['value'] / published:.1%}: {'yes' if line['value'] / published >= NEAR else 'NO'}" if published else ""
            print(f"| {name}, {metric_name}.{metric} | {line['value']:.4f} | {line['low']:.4f}–{line['high']:.4f} | {published or ''} | {share} |", flush=True)
        print(f"| {name}: {source} | {usage.wall:.0f} s | | | |", flush=True)
