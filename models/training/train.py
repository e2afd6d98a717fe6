"""Trains the three networks from nothing: `train.py --seed 1 --out FOLDER`. The same command goes on where it was stopped.

Stages: `reader` (reader and refiner) and `detector`. Folder: <stage>.checkpoint, <net>.pt (averaged weights).
"""

import argparse
import os
import sys

import torch

import train_close
import train_detector
from trainer import Refused, add_arguments, check_fonts, share_out

SAMPLES = dict(reader=720_000, detector=160_000)
RATE = dict(reader=2.5e-3, detector=2e-3)


def arguments():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parser.add_argument("--stages", default="reader,detector")
    return parser.parse_args()


def main():
    args = arguments()
    share_out(args)
    check_fonts(args)
    os.makedirs(args.out, exist_ok=True)
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
    except KeyboardInterrupt:
        sys.exit("train: stopped; the same command goes on from the last checkpoint")
