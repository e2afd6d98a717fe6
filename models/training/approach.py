"""Approach videos: a vehicle comes from far to near before a lane's camera, frame by frame, with everything that cameras do to plates.

`approach.py [--vehicles N] [--first N] [--backgrounds FOLDER] [--truth FILE] [--only 3,7 --save FOLDER]` writes frames to standard output:

    {"vehicle":7,"at_ms":125,"bytes":48213}\n  and then so many bytes of a JPEG

and to the truth file one JSON object a vehicle: `vehicle`, `text`, `class`, `country`, `lines`, `colour`, `effects`, `frames`, `px` (the plate's width in
the first and in the last frame). `borderlane-vision reads` takes the stream. Nothing is kept on the disk.

What belongs to a vehicle stays with it: plate, dirt, light, weather, camera. What belongs to a frame is its own: noise, rain, vibration, where a
reflection lies, how far it moved while the shutter was open (at the end it stands). Every class of CLASSES comes equally often; of its text the
grammar is that of the standards. The seeds are not training's, nor are the backgrounds: gates drawn here, and, where there are any in
`--backgrounds`, photos of roads without plates. What a vehicle looks like depends on its number alone.
"""

import argparse
import glob
import json
import os
import re
import sys
from contextlib import contextmanager

import cv2
import numpy as np

import augment
import plates
import scene
from glyphs import Faces

SEED = 771_000_000
WIDTH, HEIGHT = 1280, 720
FRAME_MS = 125  # a lane looks eight times a second
BODY_PX_A_MM = 0.4

# name, country, kind of plates.py, what the text must be
CLASSES = [
    ("vn car", "vn", "car", r"\d\d[A-Z]\d{4,5}"),
    ("vn yellow", "vn", "yellow", r"\d\d[A-Z]\d{4,5}"),
    ("vn blue", "vn", "blue", r"\d\d[A-M]\d{4,5}"),
    ("vn trailer", "vn", "trailer", r"\d\dRM?\d{4,5}"),
    ("vn special", "vn", "special", r"\d\d(?:LD|DA|MK|HC|KT|CD|MD|TD|LB|CT)\d{4,5}"),
    ("vn temporary", "vn", "temporary", r"\d\dT\d{4,5}"),
    ("vn NG QT", "vn", "diplomatic", r"\d\d(?:NG|QT|\d{3}NG|\d{3}QT)\d+"),
    ("vn NN", "vn", "diplomatic", r"\d\d(?:NN|\d{3}NN)\d+"),
    ("vn army", "vn", "army", r"[A-Z]{2}\d{4}"),
    ("vn border zone", "vn", "zone", r"\d\d[A-Z]{2}\d{4,5}"),
    ("vn motorbike", "vn", "motorbike", r"\d\d[A-Z][A-Z1-9]\d{4,5}"),
    ("cn blue", "cn", "blue", r".[A-Z][A-Z0-9]{5}"),
    ("cn yellow", "cn", "yellow", r".[A-Z][A-Z0-9]{5}"),
    ("cn yellow two-line", "cn", "yellow2", r".[A-Z][A-Z0-9]{5}"),
    ("cn Guangxi", "cn", "yellow2", r"桂[A-HJ-NPR][A-Z0-9]{5}"),
    ("cn trailer", "cn", "hang", r".[A-Z][A-Z0-9]{4}挂"),
    ("cn green", "cn", "green", r".[A-Z][A-Z0-9]{6}"),
    ("cn suffix", "cn", "suffix", r".[A-Z][A-Z0-9]{4}[学警领]"),
    ("cn Hong Kong, Macau", "cn", "suffix", r"粤Z[A-Z0-9]{4}[港澳]"),
    ("cn embassy", "cn", "embassy", r"使\d{6}"),
    ("cn armed police", "cn", "police", r"WJ.?\d{4}[A-Z0-9]"),
]
MOST_TRIES = 400


@contextmanager
def by_the_grammar(provinces):
    """plates.py draws texts of the grammars alone, Chinese ones of these provinces."""
    kept = plates.ANY, plates.PROVINCES
    plates.ANY, plates.PROVINCES = 0.0, provinces
    try:
        yield
    finally:
        plates.ANY, plates.PROVINCES = kept


def plate_of(rng, faces, name, country, kind, form):
    render = plates.render_vn if country == "vn" else plates.render_cn
    if name == "cn Guangxi" and rng.random() < 0.5:
        kind = "blue"
    with by_the_grammar("桂" if name == "cn Guangxi" else plates.PROVINCES):
        for _ in range(MOST_TRIES):
            plate = render(rng, faces, kind)
            if re.fullmatch(form, plate.text):
                return plate
    raise SystemExit(f"approach.py: plates.py draws no {name}")


class Take:
    """One vehicle before one camera: everything that stays the same over its frames."""

    def __init__(self, number, faces, backgrounds):
        self.rng = rng = np.random.default_rng([SEED, number])
        self.number = number
        self.name, country, kind, form = CLASSES[number % len(CLASSES)]
        self.plate = plate_of(rng, faces, self.name, country, kind, form)
        self.effects = []
        self.frames = int(rng.integers(8, 15))
        self.choose_light()
        self.choose_view()
        self.flat = self.finished_plate()
        self.body = self.vehicle()
        self.background = self.surroundings(backgrounds)
        self.choose_camera()

    def has(self, name, chance):
        found = self.rng.random() < chance
        if found:
            self.effects.append(name)
        return found

    def choose_light(self):
        rng = self.rng
        light = ["day", "sun", "dusk", "night lamps", "night infrared"][rng.choice(5, p=[0.43, 0.09, 0.13, 0.15, 0.2])]
        self.effects.append(light)
        low, high = {"day": (0.75, 1.1), "sun": (1.15, 1.5), "dusk": (0.35, 0.6), "night lamps": (0.28, 0.5), "night infrared": (0.14, 0.35)}[light]
        self.gain = rng.uniform(low, high)
        # an infrared camera's own lamp comes back from the plate
        self.plate_gain = rng.uniform(0.55, 1.05) if light == "night infrared" else self.gain * rng.uniform(0.85, 1.15)
        self.grey = light == "night infrared" or rng.random() < 0.04
        self.tint = np.ones(3) if self.grey else rng.uniform(0.86, 1.14, 3)
        self.settling = rng.normal(0, 0.18)  # of the automatic exposure
        night = light.startswith("night")
        self.lamps = self.has("headlights", 0.6 if night else 0.06)
        self.lamp = (rng.uniform(700, 1000), rng.uniform(-150, 350), rng.uniform(180, 420), rng.uniform(110, 255))
        self.rain = int(rng.integers(60, 220)) if self.has("rain", 0.16) else 0
        self.slant = rng.uniform(-0.3, 0.3)
        self.veil = rng.uniform(0.15, 0.45) if self.has("fog", 0.08) else 0.0
        self.veil_tone = rng.uniform(60, 110) if night else rng.uniform(150, 220)

    def choose_view(self):
        rng = self.rng
        small = self.plate.image.shape[1] < 300
        millimetre = 1.5 if self.name == "vn motorbike" else 1.0  # plates.py draws those larger
        self.mm = np.array([self.plate.image.shape[1], self.plate.image.shape[0]]) / millimetre
        self.low_resolution = self.has("low resolution", 0.08)
        self.near = rng.uniform(0.42 if small or self.low_resolution else 0.33, 0.66) * (1.25 if millimetre > 1 else 1)
        self.far = self.near * rng.uniform(0.3, 0.5)
        self.start = np.array([rng.uniform(0.35, 0.65) * WIDTH, rng.uniform(0.25, 0.42) * HEIGHT])
        self.end = np.array([rng.uniform(0.28, 0.72) * WIDTH, rng.uniform(0.62, 0.8) * HEIGHT])
        roll = rng.normal(0, 0.05)
        turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        self.lean = turn @ np.array([[rng.uniform(0.78, 1.0), rng.normal(0, 0.07)], [rng.normal(0, 0.06), rng.uniform(0.85, 1.0)]])
        self.keystone = rng.normal(0, 0.03, 2)

    def finished_plate(self):
        """The plate with what sticks to it, in its holder; `self.inner` is its own place in that picture."""
        rng, flat = self.rng, self.plate.image.astype(np.float32)
        if self.has("dirt", 0.25):
            flat = augment.dirt(flat, rng)
        flat = np.clip(augment.shade(flat, rng), 0, 255).astype(np.uint8)
        height, width = flat.shape[:2]
        if self.has("mud or tow bar", 0.1):
            scene.cover(flat, rng, scene.unit(width, height))
        framed, (left, top) = scene.holder(flat, rng)
        self.inner = scene.unit(width, height) + np.array([left, top], np.float32)
        self.glare = self.has("glare", 0.12)
        self.spot = (rng.uniform(0, 1), rng.uniform(-0.09, 0.09), rng.uniform(0, 1), rng.uniform(0.1, 0.25), rng.uniform(60, 200))
        return framed

    def vehicle(self):
        """Cab or tail of a truck around the plate, 2.5 m wide; the plate's middle is at `self.anchor`."""
        rng = self.rng
        width, height = int(2500 * BODY_PX_A_MM), int(rng.uniform(2200, 3000) * BODY_PX_A_MM)
        paint = rng.uniform(20, 235) + rng.normal(0, 28, 3)
        body = np.empty((height, width, 3), np.float32)
        body[:] = paint + np.linspace(rng.uniform(-10, 40), rng.uniform(-50, 0), height)[:, None, None]
        body = np.clip(body, 0, 255).astype(np.uint8)
        at = lambda x, y: (int(x * width), int(y * height))
        dark = [int(v) for v in rng.uniform(5, 60, 3)]
        if rng.random() < 0.7:  # a cab: windscreen, wipers, mirrors, grille, name
            cv2.rectangle(body, at(0.06, 0.06), at(0.94, 0.4), dark, -1)
            cv2.line(body, at(0.3, 0.4), at(0.55, 0.2), (15, 15, 15), 4, cv2.LINE_AA)
            for k in range(int(rng.integers(4, 11))):
                y = 0.48 + k * 0.03
                cv2.line(body, at(0.25, y), at(0.75, y), dark, int(rng.integers(2, 7)))
            scene.badge(body, rng, (width * 0.5, height * rng.uniform(0.44, 0.55), width * rng.uniform(0.08, 0.3), height * 0.06))
        else:  # doors of a box or a tarpaulin: bars, hinges, writing
            cv2.line(body, at(0.5, 0), at(0.5, 0.75), dark, 5)
            for x in (0.2, 0.42, 0.58, 0.8):
                cv2.line(body, at(x, 0.02), at(x, 0.76), [int(v) for v in paint * 0.6], int(rng.integers(3, 9)))
        bumper = rng.uniform(0.72, 0.8)
        cv2.rectangle(body, at(0, bumper), at(1, 0.97), [int(v) for v in np.clip(rng.uniform(15, 190) + rng.normal(0, 14, 3), 0, 255)], -1)
        for x in (0.04, 0.82):
            cv2.rectangle(body, at(x, bumper + 0.02), at(x + 0.14, bumper + 0.1), [int(rng.uniform(110, 235))] * 3, -1)
        for _ in range(int(rng.integers(0, 3))):
            where = np.array([rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.65) * height])
            text = "".join(plates.letter(rng, "ABCDEGHIKLMNOPRSTUVXY0123456789") for _ in range(int(rng.integers(3, 11))))
            cv2.putText(body, text, tuple(int(v) for v in where), int(rng.integers(0, 5)), rng.uniform(0.6, 2.4), [int(v) for v in rng.uniform(0, 255, 3)], 3, cv2.LINE_AA)
        self.anchor = np.array([width * (0.5 + rng.normal(0, 0.06)), height * rng.uniform(bumper + 0.06, 0.92)])
        return cv2.GaussianBlur(body, (3, 3), 0)

    def surroundings(self, backgrounds):
        rng = self.rng
        if backgrounds and rng.random() < 0.5:
            photo = cv2.imread(backgrounds[rng.integers(len(backgrounds))])
            if photo is not None:
                scale = max(WIDTH / photo.shape[1], HEIGHT / photo.shape[0])
                photo = cv2.resize(photo, None, fx=scale * 1.001, fy=scale * 1.001, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
                return np.ascontiguousarray(photo[:HEIGHT, :WIDTH])
        # a gate: sky or roof, booths, islands, lanes painted on the road
        image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        horizon = int(rng.uniform(0.15, 0.4) * HEIGHT)
        image[:horizon] = np.clip(rng.uniform(110, 225) + rng.normal(0, 18, 3), 0, 255)
        image[horizon:] = rng.uniform(50, 150) + rng.uniform(-12, 12, 3)
        for _ in range(int(rng.integers(3, 9))):
            x, w, h = rng.uniform(0, WIDTH), rng.uniform(30, 300), rng.uniform(40, 260)
            cv2.rectangle(image, (int(x), int(horizon - h * 0.7)), (int(x + w), int(horizon + h * 0.4)), [float(v) for v in np.clip(rng.uniform(30, 220) + rng.normal(0, 30, 3), 0, 255)], -1)
        for x in rng.uniform(-200, WIDTH + 200, 4):
            cv2.line(image, (int(WIDTH / 2 + (x - WIDTH / 2) * 0.2), horizon), (int(x), HEIGHT), (210, 215, 215), 6, cv2.LINE_AA)
        for _ in range(int(rng.integers(0, 4))):
            scene.writing(image, rng)
        texture = rng.normal(0, 9, (HEIGHT // 4, WIDTH // 4, 1)).astype(np.float32)
        return np.clip(image + cv2.resize(texture, (WIDTH, HEIGHT))[..., None], 0, 255).astype(np.uint8)

    def choose_camera(self):
        rng = self.rng
        self.exposure_ms = rng.uniform(12, 20) if self.has("motion blur", 0.25) else rng.uniform(1, 6)
        self.focus = rng.uniform(0.9, 1.5) * min(1.2, self.near / 0.5) if self.has("out of focus", 0.15) else rng.uniform(0, 0.6)
        self.quality = int(rng.integers(28, 50)) if self.has("low bit rate", 0.18) else int(rng.integers(60, 93))
        noise = rng.uniform(3, 9) if self.gain < 0.6 else rng.uniform(0.5, 4)
        self.grain = np.round(np.random.default_rng(rng.integers(1 << 32)).standard_normal((HEIGHT + 64, WIDTH + 64, 1), np.float32) * noise)
        self.grain = np.repeat(self.grain, 3, 2).astype(np.int16)
        self.post = (rng.uniform(0.3, 0.7), int(rng.integers(8, 22))) if self.has("post before the plate", 0.06) else None

    def at(self, frame):
        """(middle of the plate, pixels a millimetre) at a frame: the vehicle slows down and stands."""
        share = 1 - (1 - frame / (self.frames - 1)) ** 1.6
        return self.start + (self.end - self.start) * share, self.far * (self.near / self.far) ** share

    def quad(self, frame):
        middle, scale = self.at(frame)
        corners = scene.unit(*self.mm) - self.mm / 2
        corners = corners * (1 + (corners / self.mm) @ self.keystone[:, None])
        return ((corners @ self.lean.T) * scale + middle).astype(np.float32)

    def frame(self, number):
        rng = np.random.default_rng([SEED, self.number, number + 1])
        middle, scale = self.at(number)
        shaken = rng.normal(0, 0.7, 2)
        image = self.background.copy()
        matrix = np.c_[self.lean * scale / BODY_PX_A_MM, np.zeros(2)]
        matrix[:, 2] = middle + shaken - matrix[:, :2] @ self.anchor
        cv2.warpAffine(self.body, matrix, (WIDTH, HEIGHT), dst=image, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
        quad = self.quad(number) + shaken.astype(np.float32)
        settled = 1 + self.settling * 0.6**number
        image = cv2.convertScaleAbs(image, alpha=self.gain * settled)
        self.lay(image, quad, number, self.plate_gain * settled)
        if self.veil:
            image = cv2.convertScaleAbs(image, alpha=1 - self.veil, beta=self.veil * self.veil_tone)
        if self.lamps:
            image = cv2.add(image, self.shine(middle + shaken, scale))
        if self.rain:
            streaks = np.zeros((HEIGHT, WIDTH), np.uint8)
            for x, y, length, tone in zip(*rng.random((3, self.rain)), rng.integers(15, 75, self.rain)):
                begin, run = np.array([x * WIDTH, y * HEIGHT]), (0.02 + 0.07 * length) * HEIGHT
                cv2.line(streaks, tuple(begin.astype(int)), tuple((begin + (self.slant * run, run)).astype(int)), int(tone), 1, cv2.LINE_AA)
            image = cv2.add(image, cv2.merge([streaks] * 3))
        if self.post:
            x = int(self.post[0] * WIDTH)
            cv2.rectangle(image, (x, 0), (x + self.post[1], HEIGHT), (45, 48, 52), -1)
        self.smear(image, quad, number)
        if self.focus > 0.3:
            image = cv2.GaussianBlur(image, (0, 0), self.focus)
        if self.grey:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        else:
            image = cv2.multiply(image, (*self.tint, 1.0))
        y, x = rng.integers(0, 64, 2)
        image = cv2.add(image, self.grain[y : y + HEIGHT, x : x + WIDTH], dtype=cv2.CV_8U)
        if self.low_resolution:
            image = cv2.resize(image, (WIDTH * 5 // 8, HEIGHT * 5 // 8), interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1].tobytes()

    def lay(self, image, quad, number, gain):
        """The plate in its place, shrunk by averaging."""
        flat = self.flat
        if self.glare:
            x, drift, y, spread, bright = self.spot
            height, width = flat.shape[:2]
            yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
            shine = np.exp(-((xx - (x + drift * number) * width) ** 2 + (yy - y * height) ** 2) / (2 * (spread * width) ** 2)) * bright
            flat = cv2.add(flat, cv2.merge([shine] * 3), dtype=cv2.CV_8U)
        flat = cv2.convertScaleAbs(flat, alpha=gain)
        matrix = cv2.getPerspectiveTransform(self.inner, quad)
        smaller = 1.25 * np.linalg.norm(quad[1] - quad[0]) / np.linalg.norm(self.inner[1] - self.inner[0])
        if smaller < 0.9:
            flat = cv2.resize(flat, None, fx=smaller, fy=smaller, interpolation=cv2.INTER_AREA)
            matrix = matrix @ np.diag([self.flat.shape[1] / flat.shape[1], self.flat.shape[0] / flat.shape[0], 1.0])
        room = np.ptp(quad, axis=0) * 0.4 + 4
        low = np.clip(np.floor(quad.min(0) - room), 0, (WIDTH, HEIGHT)).astype(int)
        high = np.clip(np.ceil(quad.max(0) + room), 0, (WIDTH, HEIGHT)).astype(int)
        part = image[low[1] : high[1], low[0] : high[0]]
        matrix = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]]) @ matrix
        size = (part.shape[1], part.shape[0])
        laid = cv2.warpPerspective(flat, matrix, size)
        mask = cv2.warpPerspective(np.full(flat.shape[:2], 255, np.uint8), matrix, size)
        mask = cv2.GaussianBlur(mask, (3, 3), 0).astype(np.float32)[..., None] / 255
        part[:] = np.clip(part * (1 - mask) + laid * mask, 0, 255).astype(np.uint8)

    def shine(self, middle, scale):
        """Both lamps, drawn small and made large: light has no edges."""
        apart, above, spread, bright = self.lamp
        yy, xx = np.mgrid[0:HEIGHT:8, 0:WIDTH:8].astype(np.float32)
        light = np.zeros_like(xx)
        for side in (-1, 1):
            x, y = middle + self.lean @ np.array([side * apart, -above]) * scale
            away = np.hypot(xx - x, yy - y) / scale
            light += np.exp(-away / spread) * bright + (away < 110) * 200
        light = cv2.resize(np.clip(light, 0, 255), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
        return cv2.merge([light] * 3)

    def smear(self, image, quad, number):
        """What the shutter saw while the vehicle moved, around the plate."""
        before, _ = self.at(max(0, number - 0.5))
        after, _ = self.at(min(self.frames - 1, number + 0.5))
        way = (after - before) * self.exposure_ms / FRAME_MS
        length = float(np.hypot(*way))
        if length < 1.2:
            return
        reach = int(length / 2) + 1
        kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
        for t in np.linspace(-0.5, 0.5, 6 * reach):
            kernel[reach + int(round(way[1] * t)), reach + int(round(way[0] * t))] += 1
        room = np.ptp(quad, axis=0) * 0.6 + reach
        low = np.clip(quad.min(0) - room, 0, (WIDTH, HEIGHT)).astype(int)
        high = np.clip(quad.max(0) + room, 0, (WIDTH, HEIGHT)).astype(int)
        part = image[low[1] : high[1], low[0] : high[0]]
        if part.size:
            part[:] = cv2.filter2D(part, -1, kernel / kernel.sum())

    def truth(self):
        px = [round(float(np.linalg.norm(q[1] - q[0])) * (0.625 if self.low_resolution else 1)) for q in (self.quad(0), self.quad(self.frames - 1))]
        return {
            "vehicle": self.number, "text": self.plate.text, "class": self.name, "country": self.plate.country, "lines": 2 if self.plate.two_line else 1,
            "colour": self.plate.colour, "effects": self.effects, "frames": self.frames, "px": px,
        }  # fmt: skip


def standing(take, path, frames=25):
    """Raw I420 pictures, 1920 x 1080, of the vehicle where it stands: it shakes a little, and the camera's noise is anew in each."""
    with open(path, "wb") as handle:
        for nth in range(frames):
            image = cv2.imdecode(np.frombuffer(take.frame(take.frames - 1), np.uint8), cv2.IMREAD_COLOR)
            image = cv2.resize(image, (1920, 1080), interpolation=cv2.INTER_CUBIC)
            way = np.array([[1, 0, 2 * np.sin(nth / 4)], [0, 1, 1.5 * np.sin(nth / 3)]], np.float32)
            image = cv2.warpAffine(image, way, (1920, 1080), borderMode=cv2.BORDER_REPLICATE)
            noise = np.random.default_rng(nth).normal(0, 2, image.shape[:2] + (1,)).astype(np.float32)
            image = cv2.add(image, np.repeat(noise, 3, 2), dtype=cv2.CV_8U)
            handle.write(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vehicles", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first vehicle")
    parser.add_argument("--backgrounds", default="", help="folder of photos without plates")
    parser.add_argument("--truth", default="", help="what is on the plates, a JSON object a line")
    parser.add_argument("--only", default="", help="these vehicles, by number")
    parser.add_argument("--save", default="", help="frames as files into this folder instead of standard output")
    parser.add_argument("--standing", default="", help="raw video of the first vehicle where it stands, into this file")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    faces = Faces()
    backgrounds = sorted(glob.glob(os.path.join(args.backgrounds, "*.jpg"))) if args.backgrounds else []
    if args.standing:
        take = Take(args.first, faces, backgrounds)
        standing(take, args.standing)
        print(json.dumps(take.truth(), ensure_ascii=False))
        return
    numbers = [int(n) for n in args.only.split(",")] if args.only else range(args.first, args.first + args.vehicles)
    truth = open(args.truth, "w", encoding="utf-8") if args.truth else None
    out = sys.stdout.buffer
    for number in numbers:
        take = Take(number, faces, backgrounds)
        if truth:
            print(json.dumps(take.truth(), ensure_ascii=False), file=truth, flush=True)
        for nth in range(take.frames):
            jpeg = take.frame(nth)
            if args.save:
                with open(os.path.join(args.save, f"{number:05}-{nth:02}.jpg"), "wb") as handle:
                    handle.write(jpeg)
                continue
            out.write(json.dumps({"vehicle": number, "at_ms": nth * FRAME_MS, "bytes": len(jpeg)}).encode() + b"\n")
            out.write(jpeg)
    out.flush()


if __name__ == "__main__":
    main()
