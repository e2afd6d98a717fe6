"""Runs `borderlane-vision plates --json` over the real photos and prints what it gets right, set by set.

A labelled plate counts as found when an answer's box overlaps its box by at least 0.3 (intersection over union), and as
read when that answer's text is exactly the label. Crops are read as they are. `neg`: photos without a plate; every answer there is
false. Rows that were trained on are never counted (data.held_out). Nothing is tuned here.
"""

import argparse
import json
import os
import subprocess
import time
from collections import defaultdict

import data


def run(program, models, files, crops):
    answers, batch = {}, 100
    for start in range(0, len(files), batch):
        command = [program, "plates", "--json", "--models", models] + (["--crops"] if crops else []) + files[start : start + batch]
        for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines():
            answer = json.loads(line)
            answers[answer["file"]] = answer
    return answers


def overlap(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)


def edits(a, b):
    line = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, line[0] = line[0], i
        for j, y in enumerate(b, 1):
            last, line[j] = line[j], min(line[j] + 1, line[j - 1] + 1, last + (x != y))
    return line[-1]


def score(rows, answers, crops):
    counts = defaultdict(lambda: [0, 0, 0, 0])  # plates, found, exact, within one edit
    misread = []
    for row in rows:
        answer = answers.get(row["path"], {})
        plates = answer.get("plates", [])
        if not crops:
            box = [float(row[k]) for k in "xywh"]
            plates = sorted((p for p in plates if overlap(p["box"], box) >= 0.3), key=lambda p: -overlap(p["box"], box))
        text = plates[0]["text"] if plates else ""
        keys = ["all", f"{row['kind']} {row['lines']}-line" if row["lines"] else row["kind"], "colour " + (row["colour"] or "?")]
        for key in keys:
            count = counts[key]
            count[0] += 1
            count[1] += bool(plates)
            count[2] += text == row["plate_text"]
            count[3] += bool(plates) and edits(text, row["plate_text"]) <= 1
        if text != row["plate_text"]:
            misread.append((os.path.basename(row["path"]), row["plate_text"], text or "-"))
    return counts, misread


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True, help="borderlane-vision")
    parser.add_argument("--models", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--sets", nargs="*", default=["vn", "vn_crops", "cn", "cn_crops", "openalpr", "neg"])
    parser.add_argument("--limit", type=int, default=0, help="rows of a set at most")
    parser.add_argument("--misread", action="store_true", help="print what was read wrongly")
    args = parser.parse_args()
    for name in args.sets:
        began = time.time()
        if name == "neg":
            folder = os.path.join(args.data, "neg", "images")
            files = sorted(os.path.join(folder, f) for f in os.listdir(folder))[: args.limit or None]
            answers = run(args.program, args.models, files, False)
            false = sum(len(a.get("plates", [])) for a in answers.values())
            sure = sum(p["confidence"] >= 0.5 for a in answers.values() for p in a.get("plates", []))
            print(f"neg: {len(files)} photos, {false} false answers, {sure} of them with confidence 0.5 or more", flush=True)
            continue
        rows = [r for r in data.rows(args.data, name) if not (r["train_ok"] == "yes" and not data.held_out(r["file"]))][: args.limit or None]
        crops = bool(rows) and not rows[0]["w"]
        answers = run(args.program, args.models, sorted({r["path"] for r in rows}), crops)
        counts, misread = score(rows, answers, crops)
        times = sorted(a["ms"] for a in answers.values() if "ms" in a)
        for key, (total, found, exact, near) in sorted(counts.items()):
            shown = "" if crops else f"found {found} ({found / total:.1%}), "
            print(f"{name:9} {key:18} {total:4} plates, {shown}exact {exact} ({exact / total:.1%}), within one character {near / total:.1%}")
        print(f"{name:9} ms median {times[len(times) // 2]:.0f}, 95 % {times[int(len(times) * 0.95)]:.0f}; failed files {sum('error' in a for a in answers.values())}; took {time.time() - began:.0f} s", flush=True)
        if args.misread:
            for row in misread:
                print("   ", *row)


if __name__ == "__main__":
    main()
