"""Runs `borderlane-vision plates --json` over the real photos and over held-out synthetic scenes and prints what it gets right.

Every set and class (kind, lines, colour): plates, found, exact with Wilson's 95 % interval, character error rate (characters to add, drop or
change over characters of the labels; a plate not found counts whole), and country, colour and line count where the program says them
and the labels do. `neg`: photos without a plate; every answer there is false. A labelled plate is found when an answer's box
overlaps its box by at least 0.3 (intersection over union), and read when that answer's text is exactly the label. Crops are
read as they are. Rows that were trained on are never counted (data.held_out). Nothing is tuned here.

`--synthetic N` draws N scenes of every class of synthetic.py (needs the fonts and pillow) and measures them in the same way.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass

import data
from data import edits, interval

SETS = ["vn", "vn_crops", "cn", "cn_crops", "openalpr", "neg"]
LEAST_OVERLAP, BATCH = 0.3, 100


@dataclass
class Count:
    plates: int = 0
    found: int = 0
    exact: int = 0
    near: int = 0
    characters: int = 0
    wrong: int = 0

    def shares(self, crops):
        low, high = interval(self.exact, self.plates)
        found = "" if crops else f"found {self.found:4} {self.found / self.plates:6.1%}  "
        return (f"{self.plates:4} plates  {found}exact {self.exact:4} {self.exact / self.plates:6.1%} ({low:.1%}-{high:.1%})  "
                f"within one {self.near / self.plates:6.1%}  character errors {self.wrong / max(1, self.characters):.2%}")  # fmt: skip


def run(program, models, files, crops):
    answers = {}
    for start in range(0, len(files), BATCH):
        command = [program, "plates", "--json", "--models", models] + (["--crops"] if crops else []) + files[start : start + BATCH]
        done = subprocess.run(command, capture_output=True, text=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if not lines:
            sys.exit(f"evaluate: {program} answered nothing: {done.stderr.strip()}")
        answers.update({answer["file"]: answer for answer in lines})
    return answers


def overlap(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h) if w > 0 and h > 0 else 0.0


def answer_for(row, answers, crops):
    plates = answers.get(row["path"], {}).get("plates", [])
    if not crops:
        box = [float(row[k]) for k in "xywh"]
        plates = sorted((p for p in plates if overlap(p["box"], box) >= LEAST_OVERLAP), key=lambda p: -overlap(p["box"], box))
    return plates[0] if plates else None


def classes(row):
    yield "all"
    if row["source"] == "synthetic":
        yield row["kind"]
        return
    yield "selection" if data.held_out(row["file"]) else "rest"
    yield f"{row['kind']} {row['lines']}-line {row['colour']}".strip()
    yield row["kind"] or "kind unknown"
    if row["lines"]:
        yield f"{row['lines']}-line"
    if row["kind"] in ("car", "truck"):
        yield "cars and trucks"


def told(row):
    """What the labels say beside the text."""
    country = row.get("country") or ("cn" if any(ord(c) > 127 for c in row["plate_text"]) else "vn" if row["source"] != "openalpr" else "")
    return {"country": country, "colour": row["colour"], "lines": row["lines"]}


def score(rows, answers, crops):
    counts, beside, misread = defaultdict(Count), defaultdict(lambda: [0, 0]), []
    for row in rows:
        answer = answer_for(row, answers, crops)
        text, want = answer["text"] if answer else "", row["plate_text"]
        wrong = edits(text, want)
        for key in dict.fromkeys(classes(row)):
            count = counts[key]
            count.plates += 1
            count.found += answer is not None
            count.exact += text == want
            count.near += answer is not None and wrong <= 1
            count.characters += len(want)
            count.wrong += min(wrong, len(want))
        for key, value in told(row).items():
            if answer and value and answer.get(key) is not None:
                beside[key][0] += str(answer[key]).lower() == value
                beside[key][1] += 1
        if text != want:
            misread.append((os.path.basename(row["path"]), want, text or "-"))
    return counts, beside, misread


def show(name, rows, answers, crops, misread):
    counts, beside, wrong = score(rows, answers, crops)
    for key, count in sorted(counts.items()):
        print(f"{name:9} {key:28} {count.shares(crops)}")
    for key, (right, total) in sorted(beside.items()):
        low, high = interval(right, total)
        print(f"{name:9} {key:28} right for {right} of {total} ({right / total:.1%}; {low:.1%}-{high:.1%})")
    times = sorted(a["ms"] for a in answers.values() if "ms" in a)
    if times:
        print(f"{name:9} ms a photo: median {times[len(times) // 2]:.1f}, 95 % {times[int(len(times) * 0.95)]:.1f}; failed files {sum('error' in a for a in answers.values())}", flush=True)
    if misread:
        for row in wrong:
            print("   ", *row)


def negatives(args):
    folder = os.path.join(args.data, "neg", "images")
    files = sorted(os.path.join(folder, f) for f in os.listdir(folder))[: args.limit or None]
    answers = run(args.program, args.models, files, False)
    photos = sum(bool(a.get("plates")) for a in answers.values())
    false = sum(len(a.get("plates", [])) for a in answers.values())
    low, high = interval(photos, len(files))
    print(f"neg       {false} false reads in {len(files)} photos: {1000 * false / len(files):.1f} per 1,000; photos with one {photos} ({1000 * low:.0f}-{1000 * high:.0f} per 1,000)", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True, help="borderlane-vision")
    parser.add_argument("--models", required=True)
    parser.add_argument("--data", default="", help="folder of plate photos (a folder a set)")
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--synthetic", type=int, default=0, help="scenes of every synthetic class")
    parser.add_argument("--limit", type=int, default=0, help="rows of a set at most")
    parser.add_argument("--misread", action="store_true", help="print what was read wrongly")
    args = parser.parse_args()
    if args.data and not os.path.isdir(args.data):
        sys.exit(f"evaluate: there is no folder {args.data}")
    for name in args.sets if args.data else []:
        if name == "neg":
            negatives(args)
            continue
        rows = [r for r in data.rows(args.data, name) if not (r["train_ok"] == "yes" and not data.held_out(r["file"]))][: args.limit or None]
        if not rows:
            print(f"{name:9} no labelled photos in {args.data}")
            continue
        crops = not rows[0]["w"]
        show(name, rows, run(args.program, args.models, sorted({r["path"] for r in rows}), crops), crops, args.misread)
    if args.synthetic:
        import synthetic

        with tempfile.TemporaryDirectory() as folder:
            synthetic.write(os.path.join(folder, "synthetic"), args.synthetic)
            rows = data.rows(folder, "synthetic")
            show("synthetic", rows, run(args.program, args.models, [r["path"] for r in rows], False), False, args.misread)


if __name__ == "__main__":
    main()
