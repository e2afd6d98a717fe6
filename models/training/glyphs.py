"""Glyph masks for plate characters, from free fonts that Debian packages.

fonts-opendin, fonts-bebas-neue, fonts-dosis, fonts-roboto-fontface (Latin), fonts-noto-cjk,
fonts-wqy-zenhei, fonts-droid-fallback (Chinese). A font that is not installed is left out; at least one of each
group must be there. A mask is trimmed to the ink, so that the layout decides size and place.
"""

import glob
import os

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
SUFFIXES = "学警挂港澳领使"
LATIN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHARSET = LATIN + PROVINCES + SUFFIXES  # class 0 is the blank, class i is CHARSET[i - 1]

FONT_ROOTS = ("/usr/share/fonts", os.path.expanduser("~/.fonts"))
# (file, weight in Vietnam, weight in China): how often a plate is set in it.
LATIN_FONTS = [
    ("OSP-DIN.ttf", 5, 3),
    ("BebasNeue-Bold.otf", 2, 2),
    ("Dosis-Bold.otf", 1, 1),
    ("Dosis-SemiBold.otf", 1, 0),
    ("Roboto-Condensed-Bold.ttf", 1, 2),
    ("Roboto-Condensed-Regular.ttf", 1, 0),
    ("Roboto-Medium.ttf", 0, 1),
]
CJK_FONTS = ["NotoSansCJK-Bold.ttc", "NotoSansCJK-Regular.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf"]
MASK_HEIGHT = 120


def find_font(name):
    for root in FONT_ROOTS:
        hits = glob.glob(os.path.join(root, "**", name), recursive=True)
        if hits:
            return hits[0]
    return None


def ink(font, char):
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


def drawn(strokes, width):
    """A glyph of our own: poly-lines in a 60 x 120 field, for letters that no free face draws as plates do."""
    mask = np.zeros((MASK_HEIGHT, 66), np.uint8)
    for line in strokes:
        points = np.array([[(3 + x) * 16, y * 16] for x, y in line], np.int32)
        cv2.polylines(mask, [points], False, 255, width, cv2.LINE_AA, 4)
    ys, xs = np.nonzero(mask > 64)
    mask = mask[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    return cv2.resize(mask, (mask.shape[1], MASK_HEIGHT))


# Vietnamese M comes down to the foot line; A has a flat top; the Chinese 1 is a bar with a short flag, 0 is the letter O.
OWN = {
    "M": [[(6, 114), (6, 6), (30, 100), (54, 6), (54, 114)]],
    "A": [[(4, 114), (25, 6), (35, 6), (56, 114)], [(12, 84), (48, 84)]],
    "1": [[(30, 114), (30, 6), (16, 24)]],
    "4": [[(42, 114), (42, 60)], [(36, 6), (8, 88), (56, 88)]],
    "7": [[(4, 8), (54, 8), (24, 114)]],
}


class Faces:
    """Every face as {character: mask}; drawing picks a face a plate and keeps it."""

    def __init__(self):
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
            raise SystemExit("no usable fonts: install fonts-opendin fonts-bebas-neue fonts-dosis fonts-roboto-fontface fonts-noto-cjk")
        self.own = [{c: drawn(s, w) for c, s in OWN.items()} for w in (9, 11, 13)]

    def pick(self, rng, china):
        weights = np.array(self.cn_weight if china else self.vn_weight, float)
        face = dict(self.latin[rng.choice(len(self.latin), p=weights / weights.sum())])
        own = self.own[rng.integers(len(self.own))]
        for char, mask in own.items():
            if rng.random() < 0.35:
                face[char] = mask
        if china and rng.random() < 0.7:
            face["1"] = own["1"] if rng.random() < 0.5 else face["I"]
        face.update(self.cjk[rng.integers(len(self.cjk))])
        return face
