"""Glyph masks for plate characters: strokes of our own, and free fonts that Debian packages.

Own strokes (`STROKES`): every letter and digit as poly-lines in a unit box, drawn with a pen of random width, roundness
and proportion, so that no two plates are set alike. Fonts: fonts-opendin, fonts-bebas-neue, fonts-dosis,
fonts-roboto-fontface (Latin), fonts-noto-cjk, fonts-wqy-zenhei, fonts-droid-fallback (Chinese). A font that is not
installed is left out; at least one of each group must be there. A mask is trimmed to the ink: the layout decides size and place.
"""

import glob
import os

import cv2
import numpy as np

from labels import CHARSET, LATIN, PROVINCES, SUFFIXES  # noqa: F401

FONT_ROOTS = ("/usr/share/fonts", os.path.expanduser("~/.fonts"))
# (file, weight in Vietnam, weight in China): how often a plate is set in it.
LATIN_FONTS = [
    ("OSP-DIN.ttf", 6, 3),
    ("BebasNeue-Bold.otf", 2, 2),
    ("Dosis-Bold.otf", 1, 1),
    ("Dosis-SemiBold.otf", 1, 0.5),
    ("Roboto-Condensed-Bold.ttf", 1, 1.5),
    ("Roboto-Condensed-Regular.ttf", 1, 0.5),
    ("Roboto-Medium.ttf", 0, 1),
]
OWN_WEIGHT = 5
CJK_FONTS = ["NotoSansCJK-Bold.ttc", "NotoSansCJK-Regular.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf"]
MASK_HEIGHT = 120


PACKAGES = "fonts-opendin fonts-bebas-neue fonts-dosis fonts-roboto-fontface fonts-noto-cjk fonts-wqy-zenhei fonts-droid-fallback"


def missing_fonts():
    """What a whole training draws from and this machine lacks."""
    return [name for name in [row[0] for row in LATIN_FONTS] + CJK_FONTS if find_font(name) is None]


def find_font(name):
    for root in FONT_ROOTS:
        hits = glob.glob(os.path.join(root, "**", name), recursive=True)
        if hits:
            return hits[0]
    return None


def ink(font, char):
    from PIL import Image, ImageDraw

    size = font.size
    image = Image.new("L", (size * 2, size * 2), 0)
    ImageDraw.Draw(image).text((size // 2, size // 4), char, font=font, fill=255)
    mask = np.asarray(image)
    ys, xs = np.nonzero(mask > 64)
    if len(ys) == 0:
        return None
    mask = mask[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    width = max(6, round(mask.shape[1] * MASK_HEIGHT / mask.shape[0]))
    return cv2.resize(mask, (width, MASK_HEIGHT), interpolation=cv2.INTER_AREA)


def arc(cx, cy, rx, ry, start, stop, bulge):
    """Part of a superellipse, angles in degrees clockwise from the right; `bulge` 2 is an ellipse, more is squarer."""
    angle = np.radians(np.linspace(start, stop, 14))
    c, s = np.cos(angle), np.sin(angle)
    return [(cx + rx * np.sign(a) * abs(a) ** (2 / bulge), cy + ry * np.sign(b) * abs(b) ** (2 / bulge)) for a, b in zip(c, s)]


def bowl(x0, y0, x1, y1, b):
    """A closed ring in the box: half superellipses joined by straight sides."""
    cx, rx = (x0 + x1) / 2, (x1 - x0) / 2
    ry = min((y1 - y0) / 2, 0.27)
    top, bottom = arc(cx, y0 + ry, rx, ry, 180, 360, b), arc(cx, y1 - ry, rx, ry, 0, 180, b)
    return top + bottom + top[:1]


def strokes(rng):
    """{character: poly-lines in the unit box}, with the proportions of one imagined maker."""
    b = rng.uniform(2.0, 3.4)
    waist = rng.uniform(0.44, 0.49)
    r = rng.uniform(0.24, 0.30)
    bar = rng.uniform(0.62, 0.74)
    made = {}
    made["0"] = made["O"] = [bowl(0, 0, 1, 1, b)]
    flag = rng.uniform(0.12, 0.25)
    made["1"] = [[(0.5, 1), (0.5, 0)]] if rng.random() < 0.25 else [[(0.55, 1), (0.55, 0), (0.15, flag)]]
    made["I"] = [[(0.5, 0), (0.5, 1)]]
    made["2"] = [arc(0.5, r, 0.5, r, 180, 370, b) + [(0, 1), (1, 1)]]
    low = arc(0.48, 1 - (1 - waist) / 2, 0.5, (1 - waist) / 2, -90, 165, b)
    if rng.random() < 0.15:
        made["3"] = [[(0.02, 0), (0.95, 0), (0.45, waist - 0.04)] + low]
    else:
        made["3"] = [arc(0.48, waist / 2, 0.47, waist / 2, 200, 450, b), low]
    foot, stem = rng.uniform(0.70, 0.8), rng.uniform(0.68, 0.82)
    made["4"] = [[(rng.uniform(0.45, 0.65), 0), (0, foot), (1, foot)], [(stem, rng.uniform(0.4, 0.55)), (stem, 1)]]
    if rng.random() < 0.3:
        made["4"] = [[(stem, 1), (stem, 0), (0, foot), (1, foot)]]
    made["5"] = [[(0.93, 0), (0.1, 0), (0.05, 0.46)] + arc(0.47, 0.68, 0.53, 0.32, 210, 515, b)]
    if rng.random() < 0.6:
        six = [[(rng.uniform(0.6, 0.75), 0)] + arc(0.5, 1 - 0.3, 0.5, 0.3, 200, 190, b)[:1], bowl(0, 0.4, 1, 1, b)]
    else:
        six = [arc(0.5, r, 0.5, r, 345, 180, b) + [(0, 0.6)], bowl(0, waist - 0.04, 1, 1, b)]
    made["6"] = six
    made["9"] = [[(1 - x, 1 - y) for x, y in line] for line in six]
    made["7"] = [[(0, 0), (1, 0), (rng.uniform(0.3, 0.45), 1)]]
    slim = rng.uniform(0, 0.08)
    made["8"] = [bowl(slim, 0, 1 - slim, waist, b), bowl(0, waist, 1, 1, b)]
    peak = rng.uniform(0, 0.12)
    made["A"] = [[(0, 1), (0.5 - peak, 0), (0.5 + peak, 0), (1, 1)], [(0.17, bar), (0.83, bar)]]
    upper, lower = arc(0.55, waist / 2, 0.40, waist / 2, -90, 90, b), arc(0.55, (1 + waist) / 2, 0.45, (1 - waist) / 2, -90, 90, b)
    made["B"] = [[(0, 0)] + upper + [(0, waist)], [(0, waist)] + lower + [(0, 1), (0, 0)]]
    made["C"] = [arc(0.5, r, 0.5, r, 355, 180, b) + arc(0.5, 1 - r, 0.5, r, 180, 5, b)]
    made["D"] = [[(0, 0)] + arc(0.5, r, 0.5, r, 270, 360, b) + arc(0.5, 1 - r, 0.5, r, 0, 90, b) + [(0, 1), (0, 0)]]
    made["E"] = [[(0.95, 0), (0, 0), (0, 1), (0.95, 1)], [(0, waist), (0.85, waist)]]
    made["F"] = [[(0.95, 0), (0, 0), (0, 1)], [(0, waist), (0.85, waist)]]
    made["G"] = [arc(0.5, r, 0.5, r, 355, 180, b) + arc(0.5, 1 - r, 0.5, r, 180, 0, b) + [(1, 0.54), (0.55, 0.54)]]
    made["H"] = [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, waist), (1, waist)]]
    made["J"] = [[(0.9, 0), (0.9, 1 - r)] + arc(0.45, 1 - r, 0.45, r, 0, 170, b)]
    made["K"] = [[(0, 0), (0, 1)], [(0.95, 0), (0.02, 0.58)], [(0.35, 0.4), (1, 1)]]
    made["L"] = [[(0, 0), (0, 1), (0.95, 1)]]
    made["M"] = [[(0, 1), (0, 0), (0.5, rng.uniform(0.4, 0.75) if rng.random() < 0.6 else 1), (1, 0), (1, 1)]]
    made["N"] = [[(0, 1), (0, 0), (1, 1), (1, 0)]]
    pw = rng.uniform(0.5, 0.58)
    top = arc(0.5, pw / 2, 0.5, pw / 2, -90, 90, b)
    made["P"] = [[(0, 1), (0, 0)] + top + [(0, pw)]]
    made["Q"] = [bowl(0, 0, 1, 1, b), [(0.55, 0.75), (1.02, 1.04)]]
    made["R"] = [[(0, 1), (0, 0)] + top + [(0, pw)], [(0.5, pw), (1, 1)]]
    made["S"] = [arc(0.5, waist / 2, 0.5, waist / 2, 350, 180, b)[:-2] + [(0.08, 0.36), (0.92, 0.62)] + arc(0.5, 1 - (1 - waist) / 2, 0.5, (1 - waist) / 2, 0, 170, b)]
    made["T"] = [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]]
    made["U"] = [[(0, 0)] + arc(0.5, 1 - r, 0.5, r, 180, 0, b) + [(1, 0)]]
    made["V"] = [[(0, 0), (0.5, 1), (1, 0)]]
    made["W"] = [[(0, 0), (0.25, 1), (0.5, rng.uniform(0, 0.4)), (0.75, 1), (1, 0)]]
    made["X"] = [[(0, 0), (1, 1)], [(1, 0), (0, 1)]]
    made["Y"] = [[(0, 0), (0.5, 0.5), (1, 0)], [(0.5, 0.5), (0.5, 1)]]
    made["Z"] = [[(0, 0), (1, 0), (0, 1), (1, 1)]]
    return made


def own_face(rng):
    """One imagined maker's face, drawn."""
    pen = int(rng.integers(10, 19))
    wide = rng.uniform(0.42, 0.62) * MASK_HEIGHT
    face = {}
    for char, lines in strokes(rng).items():
        mask = np.zeros((MASK_HEIGHT, int(wide * 1.4) + 2 * pen), np.uint8)
        half = pen / 2
        across = wide * (1.15 if char in "MW" else 1.0) - pen
        for line in lines:
            points = np.array([[half + pen + x * across, half + y * (MASK_HEIGHT - pen - 1)] for x, y in line])
            cv2.polylines(mask, [np.round(points * 16).astype(np.int32)], False, 255, pen, cv2.LINE_AA, 4)
        columns = np.nonzero(mask.max(0) > 64)[0]
        face[char] = np.ascontiguousarray(mask[:, columns[0] : columns[-1] + 1])
    return face


class Faces:
    """Every face as {character: mask}; drawing picks a face a plate and keeps it."""

    def __init__(self, own=40, seed=5):
        from PIL import ImageFont  # the grammars and the labels need none

        self.latin, self.vn_weight, self.cn_weight = [], [], []
        for name, vn_weight, cn_weight in LATIN_FONTS:
            path = find_font(name)
            if path is None:
                continue
            font = ImageFont.truetype(path, 150)
            self.latin.append({c: ink(font, c) for c in LATIN})
            self.vn_weight.append(vn_weight)
            self.cn_weight.append(cn_weight)
        self.cjk = []
        for name in CJK_FONTS:
            path = find_font(name)
            if path is None:
                continue
            # Index 2 of the Noto collection is Simplified Chinese; the others hold one face.
            font = ImageFont.truetype(path, 150, index=2 if "Noto" in name else 0)
            self.cjk.append({c: ink(font, c) for c in PROVINCES + SUFFIXES})
        if not self.latin or not self.cjk:
            raise SystemExit(f"no usable fonts: apt-get install {PACKAGES}")
        rng = np.random.default_rng(seed)
        self.own = [own_face(rng) for _ in range(own)]

    def pick(self, rng, china):
        weights = np.array((self.cn_weight if china else self.vn_weight) + [OWN_WEIGHT], float)
        chosen = rng.choice(len(weights), p=weights / weights.sum())
        own = self.own[rng.integers(len(self.own))]
        face = dict(own if chosen == len(self.latin) else self.latin[chosen])
        for char in "MA147369":  # those that no free face draws as plates do
            if rng.random() < (0.35 if char == "M" else 0.12):
                face[char] = own[char]
        if china and rng.random() < 0.75:
            face["1"] = own["I"]
        face.update(self.cjk[rng.choice(len(self.cjk), p=self.cjk_weights())])
        return face

    def cjk_weights(self):
        weights = np.ones(len(self.cjk))
        weights[0] = 2
        return weights / weights.sum()
