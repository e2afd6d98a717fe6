"""Adapts the shipped models to a site's own labelled photos (labels.py says what such a folder holds).

`finetune.py SITE --models MODELS --out WORK --into NEW`: three of four photos are trained on, mixed with synthetic plates, with
transplants onto the site's photos and, where the data folder is there, with the free Chinese photos, so that nothing is forgotten;
those whose name's SHA-256 begins with 0 to 3 are only measured, before and after. Models that became worse there, or on held-out
synthetic plates, are not exported. Goes on where it was stopped.
"""

import argparse
import hashlib
import os
import sys

import cv2
import numpy as np
import torch

import data
import export
import labels
import scene
import synthetic
import train_close
import train_detector
import weights
from pipeline import Pipeline, box_overlap, interval
from plates import COLOURS, COUNTRIES
from trainer import Refused, add_arguments, check_fonts, share_out

SAMPLES = dict(reader=76_800, detector=15_360)
RATE = dict(reader=3e-4, detector=2e-4)
REAL_SHARE = 0.35
LEAST_TRAINED, LEAST_MEASURED = 12, 4  # plates
LEAST_OVERLAP = 0.3
SYNTHETIC_EACH = 12  # scenes of every class
MOST_FORGOTTEN = 0.01  # share of the synthetic plates that may be lost, chance apart


def known(label):
    colour = COLOURS.index(label.colour) if label.colour else scene.UNKNOWN
    return scene.Known(label.text, np.array(label.corners, np.float32), (label.lines - 1, COUNTRIES.index(label.country), colour))


def opened(photo):
    image = cv2.imread(photo.path)  # turned upright, as the one who labelled saw it
    if image is None:
        raise Refused(f"{photo.path} is no photo that can be read")
    height, width = image.shape[:2]
    for label in photo.labels:
        if any(not (-0.1 * width <= x <= 1.1 * width and -0.1 * height <= y <= 1.1 * height) for x, y in label.corners):
            raise Refused(f"{photo.path}: the corners of {label.text} lie outside the photo, which is {width} x {height}")
    return image


def split(photos):
    """(trained on, only measured)"""
    measured = [p for p in photos if not p.trainable or data.held_out(p.file)]
    trained = [p for p in photos if p not in measured]
    for many, least, what in ((trained, LEAST_TRAINED, "to train on"), (measured, LEAST_MEASURED, "held out, to measure on")):
        count = sum(len(p.labels) for p in many)
        if count < least:
            raise Refused(f"{count} plates {what}, at least {least} are needed: label more photos (about a quarter of them is held out, by their names)")
    return trained, measured


def measure_site(pipeline, measured):
    """[read rightly, plates, answers that are no labelled plate]"""
    right = total = false = 0
    for photo in measured:
        found = pipeline.find(opened(photo))
        taken = set()
        for label in photo.labels:
            corners = known(label).quad
            best = max(range(len(found)), key=lambda k: box_overlap(found[k].quad, corners), default=None)
            total += 1
            if best is not None and box_overlap(found[best].quad, corners) >= LEAST_OVERLAP:
                taken.add(best)
                right += found[best].text == label.text
        false += sum(one.sure >= 0.5 for k, one in enumerate(found) if k not in taken)
    return right, total, false


def measure_synthetic(pipeline, each):
    """Whether each plate was read rightly."""
    right = []
    for made in synthetic.scenes(each):
        found = pipeline.find(made.image)
        best = max(found, key=lambda f: box_overlap(f.quad, made.quad), default=None)
        right.append(best is not None and best.text == made.plate.text)
    return np.array(right)


def report(when, site, made):
    low, high = interval(site[0], site[1])
    print(f"{when}: the site's held-out plates {site[0]} of {site[1]} ({site[0] / site[1]:.1%}; {low:.1%}-{high:.1%}), "
          f"sure answers that are no plate {site[2]}; synthetic plates {made.sum()} of {len(made)} ({made.mean():.1%})", flush=True)  # fmt: skip


def worse(before, after, made_before, made_after):
    """Why the new models are not to be used, or None."""
    if after[0] < before[0]:
        return f"of the site's held-out plates {after[0]} are read rightly, before {before[0]}"
    if after[2] > before[2]:
        return f"{after[2]} sure answers are no plate, before {before[2]}"
    lost, won = (made_before & ~made_after).sum(), (~made_before & made_after).sum()
    if lost - won > max(MOST_FORGOTTEN * len(made_before), 2 * (lost + won) ** 0.5):  # more than chance
        return f"of the synthetic plates {lost} are no longer read rightly, {won} are newly"
    return None


def stages(args, nets, trained):
    """What is to be trained; refuses what cannot be before anything is measured."""
    args.photos = hashlib.sha256(repr([(p.file, p.labels) for p in trained]).encode()).hexdigest()[:16]
    free = train_close.free(args.data)
    own = [scene.photo(opened(photo), [known(label) for label in photo.labels]) for photo in trained]
    # the site's photos come as often as the others together
    again = max(1, len(free.photos) // max(1, len(own)))
    sources = train_close.Sources(own * again + free.photos, free.crops)
    made = [
        train_close.training(args, sources, int(SAMPLES["reader"] * args.share), RATE["reader"], dict(reader=nets["reader"], refiner=nets["refiner"]), REAL_SHARE, 0.0, train_close.ATTENTION),
        train_detector.training(args, sources.photos, int(SAMPLES["detector"] * args.share), RATE["detector"], nets["detector"]),
    ]
    for stage in made:
        stage.settle = weights.settled
        stage.check()
    return made


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("site", help="folder with photos and labels.csv")
    add_arguments(parser)
    parser.add_argument("--models", required=True, help="the models to start from")
    parser.add_argument("--into", required=True, help="folder for the new models")
    parser.add_argument("--version", default="site")
    parser.add_argument("--each", type=int, default=SYNTHETIC_EACH, help="synthetic scenes of every class, to measure on")
    return parser.parse_args()


def main():
    args = arguments()
    photos = labels.read(args.site)
    trained, measured = split(photos)
    nets = weights.shipped(args.models)
    share_out(args)
    check_fonts(args)
    cv2.setNumThreads(1)
    os.makedirs(args.out, exist_ok=True)
    print(f"{sum(len(p.labels) for p in trained)} plates in {len(trained)} photos to train on, {sum(len(p.labels) for p in measured)} in {len(measured)} held out", flush=True)
    torch.manual_seed(args.seed)
    training = stages(args, nets, trained)
    for photo in measured:
        opened(photo)
    shipped = weights.shipped(args.models)
    before, made_before = measure_site(Pipeline(nets=shipped), measured), measure_synthetic(Pipeline(nets=shipped), args.each)
    report("before", before, made_before)
    for stage in training:
        stage.run()
    tuned = Pipeline(args.out)
    after, made_after = measure_site(tuned, measured), measure_synthetic(tuned, args.each)
    report("after ", after, made_after)
    reason = worse(before, after, made_before, made_after)
    if reason:
        raise Refused(f"the new models are worse and are not exported: {reason}. Their weights are in {args.out}")
    os.makedirs(args.into, exist_ok=True)
    export.write(args.out, args.into, args.version)
    print(f"the new models are in {args.into}: copy them over the site's after a look at the figures", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (Refused, labels.BadLabels) as refused:
        sys.exit(f"finetune: {refused}")
    except KeyboardInterrupt:
        sys.exit("finetune: stopped; the same command goes on from the last checkpoint")
