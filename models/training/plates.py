"""Synthetic plates: the texts that the grammars allow and flat pictures of them.

Vietnam after Circular 79/2024/TT-BCA and QCVN 08:2024/BCA (old and new sizes), China after GA 36-2018. One millimetre of
the plate is one pixel of the flat picture. `sample(rng, faces)` returns `Plate(image, text, two_line)`.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from glyphs import PROVINCES

VN_CODES = [c for c in range(11, 100) if c not in (13, 42, 44, 45, 46, 87, 91, 96)]
VN_SERIES = "ABCDEFGHKLMNPSTUVXYZ"
VN_BLUE = "ABCDEFGHKLM"
VN_SPECIAL = ["LD", "DA", "MK", "HC", "KT", "CD", "MD", "TD", "LB", "CT", "T"]
CN_SERIAL = "ABCDEFGHJKLMNPQRSTUVWXYZ"

WHITE, BLACK, RED = (225, 228, 228), (30, 28, 28), (40, 35, 190)
YELLOW, BLUE, GREEN = (30, 180, 240), (165, 80, 20), (150, 205, 130)


@dataclass
class Plate:
    image: np.ndarray  # BGR, flat
    text: str
    two_line: bool


def digits(rng, count):
    return "".join(str(d) for d in rng.integers(0, 10, count))


def letter(rng, letters):
    return letters[rng.integers(len(letters))]


def vn_text(rng, kind):
    """(top or left group, rest with its dot, number of groups) for a kind of Vietnamese plate."""
    code = str(VN_CODES[rng.integers(len(VN_CODES))])
    if rng.random() < 0.25:  # the border provinces and their neighbours come more often at our gates
        code = ["12", "11", "14", "98", "99", "20", "24", "15", "29", "30"][rng.integers(10)]
    tail = digits(rng, 5) if rng.random() < 0.78 else digits(rng, 4)
    if len(tail) == 5:
        tail = tail[:3] + "." + tail[3:]
    if kind == "trailer":
        return code + ("R" if rng.random() < 0.8 else "RM"), tail
    if kind == "special":
        return code + VN_SPECIAL[rng.integers(len(VN_SPECIAL))], tail
    if kind == "blue":
        return code + letter(rng, VN_BLUE), tail
    if kind == "zone":
        return code + letter(rng, VN_SERIES) + letter(rng, VN_SERIES), tail
    if kind == "diplomatic":
        series = ["NG", "NN", "QT"][rng.integers(3)]
        if rng.random() < 0.5:
            return code, digits(rng, 3) + " " + series + " " + digits(rng, 2)
        return code + " " + series, digits(rng, 3) + " " + digits(rng, 2)
    if kind == "army":
        return letter(rng, "ABCHKPQTVDG") + letter(rng, "ABCDEHKMNPTV"), digits(rng, 2) + " " + digits(rng, 2)
    if kind == "motorbike":
        second = letter(rng, "123456789") if rng.random() < 0.75 else letter(rng, "ABCDEFHKLMNPRSTUVXYZ")
        return code + "-" + letter(rng, VN_SERIES) + second, tail
    return code + letter(rng, VN_SERIES), tail


def cn_text(rng, kind):
    province = PROVINCES[rng.integers(len(PROVINCES))]
    if rng.random() < 0.2:
        province = "桂云粤"[rng.integers(3)]
    office = letter(rng, CN_SERIAL)
    count = {"hang": 4, "suffix": 4, "green": 6}.get(kind, 5)
    serial = list(digits(rng, count))
    if kind == "green":
        if rng.random() < 0.7:
            serial[0] = letter(rng, "DFABCEGHJK")
        else:
            serial[5] = letter(rng, "DF")
    else:
        for place in rng.permutation(count)[: rng.integers(0, 3)]:
            serial[place] = letter(rng, CN_SERIAL)
    tail = "".join(serial)
    if kind == "hang":
        tail += "挂"
    if kind == "suffix":
        tail += "学警港澳领"[rng.integers(5)]
    return province + office, tail


def draw_line(mask, text, face, box, char_width, rng, ragged=0.02):
    """Sets `text` into `box` (x, y, w, h) of `mask`; ' ' is a gap, '.' and '-' are marks that the label leaves out."""
    x0, y0, width, height = box
    parts = []
    for char in text:
        if char == " ":
            parts.append((None, char_width * 0.35))
        elif char == ".":
            parts.append((".", char_width * 0.28))
        elif char == "-":
            parts.append(("-", char_width * 0.5))
        else:
            glyph = face[char]
            natural = glyph.shape[1] / glyph.shape[0] * height
            narrow = natural < 0.3 * height
            parts.append((char, natural if narrow else char_width))
    # a line may be set with less than all the width it could take
    gap = rng.uniform(0.1, 0.32) * char_width
    total = sum(w for _, w in parts) + gap * (len(parts) - 1)
    squeeze = min(1.0, width / total)
    x = x0 + (width - total * squeeze) / 2
    for char, part_width in parts:
        w = max(2, round(part_width * squeeze))
        left = round(x)
        if char == ".":
            radius = max(2, round(height * 0.055))
            centre = (left + w // 2, round(y0 + height * rng.uniform(0.45, 0.9)))
            if rng.random() < 0.9:
                cv2.circle(mask, centre, radius, 255, -1, cv2.LINE_AA)
        elif char == "-":
            middle = round(y0 + height * 0.5)
            cv2.rectangle(mask, (left, middle - 4), (left + w, middle + 3), 255, -1)
        elif char is not None:
            dy = round(rng.normal(0, ragged) * height)
            glyph = cv2.resize(face[char], (w, round(height)), interpolation=cv2.INTER_AREA)
            top = min(max(0, round(y0) + dy), mask.shape[0] - glyph.shape[0])
            left = min(max(0, left), mask.shape[1] - w)
            spot = mask[top : top + glyph.shape[0], left : left + w]
            np.maximum(spot, glyph, out=spot)
        x += (part_width + gap) * squeeze


def vary(rng, colour, spread=18):
    return np.clip(np.array(colour, float) + rng.normal(0, spread, 3) * rng.random(), 0, 255)


def paint(mask, rng, ground, ink, border):
    """Colours a text mask: ground, border line, embossing, screws."""
    height, width = mask.shape
    change = rng.random()
    if change < 0.2:
        mask = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    elif change < 0.4:
        mask = cv2.erode(mask, np.ones((3, 3), np.uint8))
    elif change < 0.5:
        mask = cv2.dilate(mask, np.ones((3, 5), np.uint8))
    if border > 0:
        inset = int(rng.integers(1, 9))
        frame = np.zeros_like(mask)
        cv2.rectangle(frame, (inset, inset), (width - 1 - inset, height - 1 - inset), 255, int(rng.integers(2, 6)))
        mask = np.maximum(mask, frame)
    alpha = (mask.astype(np.float32) / 255.0)[..., None]
    image = vary(rng, ground) * (1 - alpha) + vary(rng, ink) * alpha
    if rng.random() < 0.5:  # embossed characters catch the light on one edge
        edge = cv2.Sobel(mask, cv2.CV_32F, 1, 1 if rng.random() < 0.5 else 0, ksize=3) / 255.0
        image += np.clip(edge, -1, 1)[..., None] * rng.uniform(-35, 35)
    image = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        xs = [0.15, 0.85] if rng.random() < 0.6 else [0.3, 0.7]
        for fx in xs:
            for fy in ([0.07, 0.93] if rng.random() < 0.5 else [0.07]):
                colour = [int(v) for v in rng.integers(40, 220, 3)]
                cv2.circle(image, (int(width * fx), int(height * fy)), int(rng.integers(4, 8)), colour, -1, cv2.LINE_AA)
    return image


def render_vn(rng, faces):
    kind = rng.choice(
        ["car", "yellow", "blue", "trailer", "special", "diplomatic", "army", "zone", "motorbike"],
        p=[0.46, 0.14, 0.05, 0.10, 0.05, 0.04, 0.03, 0.02, 0.11],
    )
    head, tail = vn_text(rng, kind)
    ground, ink = {
        "yellow": (YELLOW, BLACK), "blue": (BLUE, WHITE), "army": ((50, 40, 180), WHITE), "zone": (YELLOW, RED),
        "diplomatic": (WHITE, RED if "NN" not in head + tail else BLACK),
    }.get(kind, (WHITE, BLACK))
    if kind == "trailer" and rng.random() < 0.5:
        ground = YELLOW
    two_line = kind in ("trailer", "motorbike") or rng.random() < 0.45
    face = faces.pick(rng, False)
    if two_line:
        width, height = (190, 140) if kind == "motorbike" else ((330, 165) if rng.random() < 0.35 else (280, 200))
        mask = np.zeros((height, width), np.uint8)
        char = height * rng.uniform(0.36, 0.42)
        char_width = char * (rng.uniform(0.5, 0.62) if width < 330 else rng.uniform(0.6, 0.8))
        margin = rng.uniform(0.02, 0.06) * width
        if kind not in ("motorbike",) and rng.random() < 0.15:
            head = head[:2] + "-" + head[2:]
        split = rng.uniform(0.07, 0.1) * height
        draw_line(mask, head, face, (width * 0.12, split, width * 0.76, char), char_width, rng)
        draw_line(mask, tail, face, (margin, height - split - char, width - 2 * margin, char), char_width, rng)
    else:
        width, height = (520, 110) if rng.random() < 0.35 else (470, 110)
        mask = np.zeros((height, width), np.uint8)
        char = height * rng.uniform(0.68, 0.80)
        margin = rng.uniform(0.01, 0.05) * width
        joint = "-" if rng.random() < 0.9 else " "
        draw_line(mask, head.replace(" ", "-") + joint + tail.replace(" ", "-" if rng.random() < 0.7 else " "), face,
                  (margin, (height - char) / 2, width - 2 * margin, char), char * rng.uniform(0.46, 0.62), rng)
    text = (head + tail).replace(" ", "").replace(".", "").replace("-", "")
    return Plate(paint(mask, rng, ground, ink, rng.random() < 0.75), text, two_line)


def render_cn(rng, faces):
    kind = rng.choice(["blue", "yellow", "yellow2", "hang", "green", "suffix", "white"], p=[0.46, 0.14, 0.12, 0.09, 0.11, 0.05, 0.03])
    head, tail = cn_text(rng, kind)
    ground, ink = {"blue": (BLUE, WHITE), "green": (GREEN, BLACK), "white": (WHITE, BLACK)}.get(kind, (YELLOW, BLACK))
    if kind == "suffix" and rng.random() < 0.5:
        ground, ink = [((25, 20, 20), WHITE), (WHITE, BLACK)][rng.integers(2)]
    if kind == "green" and rng.random() < 0.4:
        ground = (120, 190, 190)
    face = faces.pick(rng, True)
    two_line = kind in ("yellow2", "hang")
    if two_line:
        width, height = 440, 220
        mask = np.zeros((height, width), np.uint8)
        draw_line(mask, head[0] + " " + ("." if rng.random() < 0.5 else " ") + head[1], face, (90, 15, 260, 60), rng.uniform(70, 85), rng, 0.01)
        draw_line(mask, tail, face, (15, 90, 410, 112), rng.uniform(58, 66), rng, 0.01)
    else:
        width, height = (480 if kind == "green" else 440), 140
        mask = np.zeros((height, width), np.uint8)
        char = rng.uniform(86, 94)
        draw_line(mask, head + "." + " " * int(rng.integers(0, 2)) + tail, face, (10, (height - char) / 2, width - 20, char), rng.uniform(42, 48), rng, 0.01)
    return Plate(paint(mask, rng, ground, ink, rng.random() < 0.8), head + tail, two_line)


def sample(rng, faces):
    return render_vn(rng, faces) if rng.random() < 0.6 else render_cn(rng, faces)
