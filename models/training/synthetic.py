"""Held-out synthetic plates, class by class, for what real photos lack: seeds that no training draws from.

A scene is 640 x 400, its surroundings synthetic, one plate 80 to 220 pixels wide in it. A class is a kind of plate seen by an ordinary camera,
or plates of the most frequent kinds in a condition: rain, infrared night, dusk with headlights, dirt. `write` puts scenes and their
labels into a folder in the form of the real sets; a class's name stands in the column `kind`.
"""

import csv
import os
from dataclasses import dataclass

import cv2
import numpy as np

import augment
import plates
import scene
from glyphs import Faces

SEED = 990_000  # trainings start their generators with (seed, stage, block)
SIZE = (640, 400)
CLASSES = {
    "vn car": ("vn", "car"), "vn yellow": ("vn", "yellow"), "vn blue": ("vn", "blue"), "vn trailer R, RM": ("vn", "trailer"),
    "vn special series": ("vn", "special"), "vn temporary T": ("vn", "temporary"), "vn NG, NN, QT": ("vn", "diplomatic"), "vn army": ("vn", "army"),
    "vn border zone": ("vn", "zone"), "vn motorbike": ("vn", "motorbike"), "cn blue": ("cn", "blue"), "cn yellow": ("cn", "yellow"),
    "cn yellow, two lines": ("cn", "yellow2"), "cn trailer 挂": ("cn", "hang"), "cn green": ("cn", "green"), "cn 学警港澳领": ("cn", "suffix"),
    "cn embassy 使": ("cn", "embassy"), "cn armed police WJ": ("cn", "police"), "cn 桂 (any kind)": ("cn", "桂"),
}  # fmt: skip
CONDITIONS = ("rain", "night infrared", "dusk and headlights", "dirt")


@dataclass
class Scene:
    name: str
    image: np.ndarray
    plate: plates.Plate
    quad: np.ndarray


def plate_of(rng, faces, country, kind):
    """A plate that follows its grammar: held-out plates are to be such as exist."""
    kept, plates.ANY = plates.ANY, 0.0
    try:
        while True:
            some = None if kind == "桂" else kind
            plate = (plates.render_vn if country == "vn" else plates.render_cn)(rng, faces, some)
            if kind != "桂" or plate.text.startswith("桂"):
                return plate
    finally:
        plates.ANY = kept


def under(image, rng, condition, wide):
    if condition == "rain":
        image = augment.rain(augment.rain(image.astype(np.float32) * np.float32(rng.uniform(0.5, 0.9)), rng), rng)
    elif condition == "night infrared":
        grey = image.astype(np.float32).mean(axis=2, keepdims=True) * rng.uniform(0.25, 0.6)
        image = augment.lamps(np.repeat(grey, 3, axis=2), rng) if rng.random() < 0.3 else np.repeat(grey, 3, axis=2)
    elif condition == "dusk and headlights":
        image = augment.lamps(image.astype(np.float32) * np.float32(rng.uniform(0.25, 0.55)), rng)
    return augment.camera(np.clip(image, 0, 255), rng, wide)


def one(name, k, faces):
    """Scene `k` of a class or condition; the same whenever it is asked for."""
    names = [*CLASSES, *CONDITIONS]
    rng = np.random.default_rng([SEED, names.index(name), k])
    if name in CONDITIONS:
        country, kind = list(CLASSES.values())[[0, 0, 1, 3, 9, 10, 10, 11, 12][rng.integers(9)]]
    else:
        country, kind = CLASSES[name]
    plate = plate_of(rng, faces, country, kind)
    if name == "dirt":
        plate.image = np.clip(augment.dirt(augment.dirt(plate.image.astype(np.float32), rng), rng), 0, 255).astype(np.uint8)
    ratio = plate.image.shape[0] / plate.image.shape[1]
    wide = np.exp(rng.uniform(np.log(80), np.log(220))) * (1 if ratio < 0.45 else 0.75)
    quad = scene.pose(rng, wide, ratio, 0.2) + np.array(SIZE) * rng.uniform(0.35, 0.65, 2)
    image = scene.synthetic_background(rng, *SIZE)
    scene.lay(image, rng, plate, quad)
    return Scene(name, under(image, rng, name, wide), plate, quad.astype(np.float32))


def scenes(count, names=None):
    faces = Faces()
    for name in names or [*CLASSES, *CONDITIONS]:
        for k in range(count):
            yield one(name, k, faces)


COLUMNS = "file,plate_text,x,y,w,h,kind,lines,colour,source,licence,train_ok,country".split(",")


def write(folder, count):
    """Scenes as PNG and labels.csv; the rows."""
    os.makedirs(os.path.join(folder, "images"), exist_ok=True)
    with open(os.path.join(folder, "labels.csv"), "w", encoding="utf-8", newline="") as handle:
        out = csv.DictWriter(handle, COLUMNS)
        out.writeheader()
        for number, made in enumerate(scenes(count)):
            name = f"{number:05}.png"
            cv2.imwrite(os.path.join(folder, "images", name), made.image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            low, size = made.quad.min(0), np.ptp(made.quad, axis=0)
            out.writerow(dict(zip(COLUMNS, [name, made.plate.text, *low, *size, made.name, 1 + made.plate.two_line, made.plate.colour, "synthetic", "ours", "no", made.plate.country])))
