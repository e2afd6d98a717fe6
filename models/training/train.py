"""Trains the three networks from nothing: `train.py --seed 1 --out FOLDER`. The same command goes on where it was stopped.

Stages: `reader` (reader and refiner) and `detector`. Folder: <stage>.checkpoint, <net>.pt (averaged weights).
"""

import argparse
import os
import sys

import torch

import train_close
import train_detector
from trainer import Refused

SAMPLES = dict(reader=960_000, detector=210_000)
RATE = dict(reader=2.5e-3, detector=2e-3)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True, help="folder for checkpoints and weights")
    parser.add_argument("--data", default="", help="folder of plate photos (labels.csv a set); only rows with train_ok=yes are used")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=0, help="for learning; 0: what the workers leave")
    parser.add_argument("--workers", type=int, default=-1, help="processes that make the data; -1: by the machine")
    parser.add_argument("--share", type=float, default=1.0, help="of the samples of a whole training")
    parser.add_argument("--stages", default="reader,detector")
    return parser.parse_args()


def main():
    args = arguments()
    cores = len(os.sched_getaffinity(0))
    if args.workers < 0:
        args.workers = max(1, cores // 3) if not torch.cuda.is_available() else max(1, cores - 1)
    os.makedirs(args.out, exist_ok=True)
    torch.set_num_threads(args.threads or max(1, cores - args.workers))
    sources = train_close.free(args.data)
    for stage in args.stages.split(","):
        torch.manual_seed(args.seed)
        samples = int(SAMPLES[stage] * args.share)
        if stage == "reader":
            train_close.training(args, sources, samples, RATE[stage]).run()
        else:
            train_detector.training(args, sources.photos, samples, RATE[stage]).run()


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        sys.exit(f"train: {refused}")
