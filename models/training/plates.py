"""Synthetic plates: the texts that the grammars allow and flat pictures of them.

Vietnam after Circular 79/2024/TT-BCA and QCVN 08:2024/BCA (old and new sizes), China after GA 36-2018. One millimetre of
the plate is one pixel of the flat picture. `sample(rng, faces)` returns `Plate(image, text, two_line)`.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from labels import COLOURS, PROVINCES

VN_CODES = [c for c in range(11, 100) if c not in (13, 42, 44, 45, 46, 87, 91, 96)]
VN_SERIES = "ABCDEFGHKLMNPSTUVXYZ"
VN_BLUE = "ABCDEFGHKLM"
VN_SPECIAL = ["LD", "DA", "MK", "HC", "KT", "CD", "MD", "TD", "LB", "CT", "T"]
CN_SERIAL = "ABCDEFGHJKLMNPQRSTUVWXYZ"

COUNTRIES = ("vn", "cn")

WHITE, BLACK, RED = (225, 228, 228), (30, 28, 28), (40, 35, 190)
YELLOW, BLUE, GREEN = (30, 180, 240), (165, 80, 20), (150, 205, 130)


@dataclass
class Plate:
    image: np.ndarray  # BGR, flat
    text: str
    two_line: bool
    country: str  # one of COUNTRIES
    colour: str  # of the ground, one of COLOURS
    centres: np.ndarray  # n x 2, of every character, in shares of width and height
    kind: str  # one of KINDS_VN or KINDS_CN


def digits(rng, count):
    return "".join(str(d) for d in rng.integers(0, 10, count))


def letter(rng, letters):
    return letters[rng.integers(len(letters))]


def shuffled(rng, text, letters):
    """The text with its letters and digits drawn anew from all: no grammar is learnt too well, and letters come as often as digits."""
    return "".join(letter(rng, letters if rng.random() < 0.6 else "0123456789") if c.isascii() and c.isalnum() else c for c in text)


def vn_text(rng, kind):
    """(top or left group, rest with its dot, number of groups) for a kind of Vietnamese plate."""
    code = str(VN_CODES[rng.integers(len(VN_CODES))])
    if rng.random() < 0.25:  # the border provinces and their neighbours come more often at our gates
        code = ["12", "11", "14", "98", "99", "20", "24", "15", "29", "30"][rng.integers(10)]
    tail = digits(rng, 5) if rng.random() < 0.78 else digits(rng, 4)
    if len(tail) == 5:
        tail = tail[:3] + "." + tail[3:]
    if kind == "trailer":
        return code + ("R" if rng.random() < 0.7 else "RM"), tail
    if kind == "temporary":
        return code + "T", tail
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
    if kind == "embassy":
        return "使", digits(rng, 3) + ("." if rng.random() < 0.5 else "") + digits(rng, 3)
    if kind == "police":  # armed police
        return "WJ" + (PROVINCES[rng.integers(len(PROVINCES))] if rng.random() < 0.7 else ""), digits(rng, 4) + letter(rng, "0123456789TDSHBXJ")
    province = PROVINCES[rng.integers(len(PROVINCES))]
    if rng.random() < 0.2:
        province = "桂云粤"[rng.integers(3)]
    office = letter(rng, CN_SERIAL) if rng.random() > 0.04 else "O"
    count = {"hang": 4, "suffix": 4, "green": 6}.get(kind, 5)
    serial = list(digits(rng, count))
    if kind == "green":
        if rng.random() < 0.7:
            serial[0] = letter(rng, "DFABCEGHJK")
        else:
            serial[5] = letter(rng, "DF")
    else:
        for place in rng.permutation(count)[: rng.integers(0, 4 if count > 4 else 3)]:
            serial[place] = letter(rng, CN_SERIAL)
    tail = "".join(serial)
    if kind == "hang":
        tail += "挂"
    if kind == "suffix":
        tail += "学警港澳领"[rng.integers(5)]
        if tail[-1] in "港澳" and rng.random() < 0.6:
            return "粤Z", tail
    return province + office, tail


def draw_line(mask, text, face, box, char_width, rng, ragged=0.02, pitch=None, joint=None):
    """Sets `text` into `box` (x, y, w, h) of `mask`; ' ' is a gap, '.' and '-' are marks that the label leaves out. `pitch`: every
    character has a cell of one width, narrow ones too. Returns the centres of the characters that the label names."""
    x0, y0, width, height = box
    joint = joint or rng.uniform(0.2, 0.6)
    parts = []
    for char in text:
        if char == " ":
            parts.append((None, char_width * 0.35))
        elif char == ".":
            parts.append((".", char_width * rng.uniform(0.12, 0.3)))
        elif char == "-":
            parts.append(("-", char_width * joint))
        else:
            glyph = face[char]
            natural = glyph.shape[1] / glyph.shape[0] * height
            parts.append((char, natural if natural < 0.3 * height and not pitch else char_width))
    # a line may be set with less than all the width it could take
    gap = rng.uniform(0.06, 0.36) * char_width
    total = sum(w for _, w in parts) + gap * (len(parts) - 1)
    squeeze = min(1.0, width / total)
    x = x0 + (width - total * squeeze) * rng.uniform(0.4, 0.6)
    centres = []
    for char, part_width in parts:
        w = max(2, round(part_width * squeeze))
        left = round(x)
        if char == ".":
            radius = max(2, round(height * rng.uniform(0.04, 0.075)))
            centre = (left + w // 2, round(y0 + height * (rng.uniform(0.85, 0.96) if rng.random() < 0.6 else rng.uniform(0.45, 0.6))))
            if rng.random() < 0.92:
                cv2.circle(mask, centre, radius, 255, -1, cv2.LINE_AA)
        elif char == "-":
            middle, half = round(y0 + height * rng.uniform(0.45, 0.55)), max(2, round(height * rng.uniform(0.03, 0.065)))
            cv2.rectangle(mask, (left, middle - half), (left + w, middle + half), 255, -1)
        elif char is not None:
            glyph = face[char]
            natural = glyph.shape[1] / glyph.shape[0] * height
            ink = w
            if natural < 0.3 * height:  # a bar stays a bar inside its cell
                ink = max(2, min(w, round(natural * squeeze)))
                left += round((w - ink) * (rng.uniform(0.4, 0.6) if char == "I" else rng.uniform(0.3, 0.8)))
            dy = round(rng.normal(0, ragged) * height)
            glyph = cv2.resize(glyph, (ink, round(height)), interpolation=cv2.INTER_AREA)
            top = min(max(0, round(y0) + dy), mask.shape[0] - glyph.shape[0])
            left = min(max(0, left), mask.shape[1] - ink)
            spot = mask[top : top + glyph.shape[0], left : left + ink]
            np.maximum(spot, glyph, out=spot)
            centres.append((x + w / 2, y0 + height / 2))
        x += (part_width + gap) * squeeze
    return centres


def vary(rng, colour, spread=18):
    return np.clip(np.array(colour, float) + (rng.normal(0, 9, 3) + rng.normal(0, spread)) * rng.random(), 0, 255)


def paint(mask, rng, ground, ink, border):
    """Colours a text mask: ground, border line, wear, embossing, emblem stamp, screws."""
    height, width = mask.shape
    change = rng.random()
    if change < 0.15:
        mask = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    elif change < 0.35:
        mask = cv2.erode(mask, np.ones((3, 3), np.uint8))
    elif change < 0.45:
        mask = cv2.dilate(mask, np.ones((3, 5), np.uint8))
    if border > 0:
        inset = int(rng.integers(0, 9))
        frame = np.zeros_like(mask)
        cv2.rectangle(frame, (inset, inset), (width - 1 - inset, height - 1 - inset), 255, int(rng.integers(2, 6)))
        mask = np.maximum(mask, frame)
    alpha = mask.astype(np.float32) / 255.0
    if rng.random() < 0.15:  # paint worn off the raised characters
        wear = cv2.resize(rng.random((max(2, height // 14), max(2, width // 14))).astype(np.float32), (width, height))
        alpha = alpha * np.clip(1.3 - rng.uniform(0.3, 1.0) * (wear > rng.uniform(0.5, 0.8)), 0, 1)
    alpha = (alpha * rng.uniform(0.75, 1.0) if rng.random() < 0.3 else alpha)[..., None]
    image = vary(rng, ground) * (1 - alpha) + vary(rng, ink) * alpha
    if rng.random() < 0.6:  # embossed characters catch the light on one edge
        dx, dy = [(1, 0), (0, 1), (1, 1)][rng.integers(3)]
        soft = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.8, 2.5)).astype(np.float32)
        edge = (np.roll(soft, (dy * 2, dx * 2), (0, 1)) - np.roll(soft, (-dy * 2, -dx * 2), (0, 1))) / 255.0
        image += edge[..., None] * rng.uniform(-60, 60)
    if rng.random() < 0.35:  # the stamp between the groups
        centre = (int(width * rng.uniform(0.2, 0.5)), int(height * rng.uniform(0.1, 0.9)))
        colour = [float(v) for v in np.clip(np.array(ground, float) + rng.uniform(-70, 20), 0, 255)]
        cv2.circle(image, centre, int(height * rng.uniform(0.03, 0.07)), colour, -1 if rng.random() < 0.5 else 1, cv2.LINE_AA)
    image = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        xs = [(0.15, 0.85), (0.3, 0.7), (0.08, 0.92), (0.27, 0.69)][rng.integers(4)]
        for fx in xs:
            for fy in ([0.07, 0.93] if rng.random() < 0.5 else [0.07]):
                colour = [int(v) for v in rng.integers(30, 230, 3)] if rng.random() < 0.3 else [int(rng.integers(20, 230))] * 3
                cv2.circle(image, (int(width * fx), int(height * (fy + rng.normal(0, 0.02)))), int(height * rng.uniform(0.025, 0.06)), colour, -1, cv2.LINE_AA)
    return image


ANY = 0.15  # share of plates whose text follows no grammar
KINDS_VN = {"car": 0.45, "yellow": 0.12, "blue": 0.05, "trailer": 0.09, "special": 0.05, "diplomatic": 0.05, "army": 0.03, "zone": 0.03, "motorbike": 0.13, "temporary": 0.02}
KINDS_CN = {"blue": 0.37, "yellow": 0.13, "yellow2": 0.17, "hang": 0.13, "green": 0.10, "suffix": 0.04, "white": 0.015, "black": 0.015, "embassy": 0.01, "police": 0.01}


def pick_kind(rng, kinds):
    return rng.choice(list(kinds), p=np.array(list(kinds.values())) / sum(kinds.values()))


def vn_colours(rng, kind, text, two_line):
    """(name of the ground, ground, ink)"""
    if kind == "yellow" or (kind == "trailer" and rng.random() < 0.5):
        return "yellow", YELLOW, BLACK
    if kind == "blue":
        return "blue", BLUE, WHITE
    if kind == "army":
        return "red", (50, 40, 180), WHITE
    if kind == "zone":
        return "yellow", YELLOW, RED
    return "white", WHITE, RED if kind == "diplomatic" and "NN" not in text and rng.random() < 0.7 else BLACK


def render_vn(rng, faces, kind=None):
    kind = kind or pick_kind(rng, KINDS_VN)
    head, tail = vn_text(rng, kind)
    if rng.random() < ANY:
        head, tail = shuffled(rng, head, VN_SERIES + "RR"), shuffled(rng, tail, VN_SERIES + "R")
    two_line = kind in ("trailer", "motorbike") or rng.random() < 0.47
    colour, ground, ink = vn_colours(rng, kind, head + tail, two_line)
    face = faces.pick(rng, False)
    pitch = rng.random() < 0.5
    if two_line:
        width, height = (190, 140) if kind == "motorbike" else ((330, 165) if rng.random() < 0.35 else (280, 200))
        scale = 1.5 if kind == "motorbike" else 1.0
        width, height = int(width * scale), int(height * scale)
        mask = np.zeros((height, width), np.uint8)
        split = rng.uniform(0.06, 0.12) * height
        char = min(height * rng.uniform(0.34, 0.43), 0.485 * height - split)
        short = len(tail) <= 4
        char_width = char * ((rng.uniform(0.5, 0.8) if short else rng.uniform(0.46, 0.62)) if width / height < 1.7 else rng.uniform(0.55, 0.8))
        margin = rng.uniform(0.02, 0.07) * width
        if kind != "motorbike" and rng.random() < 0.15:
            head = head[:2] + "-" + head[2:]
        side = rng.uniform(0.08, 0.2)
        centres = draw_line(mask, head, face, (width * side, split, width * (1 - 2 * side), char), char_width * rng.uniform(0.85, 1.05), rng, 0.01, pitch)
        centres += draw_line(mask, tail, face, (margin, height - split - char, width - 2 * margin, char), char_width, rng, 0.01, pitch)
    else:
        width, height = (520, 110) if rng.random() < 0.35 else (470, 110)
        mask = np.zeros((height, width), np.uint8)
        char = height * rng.uniform(0.64, 0.82)
        margin = rng.uniform(0.015, 0.06) * width
        joint = "-" if rng.random() < 0.9 else " "
        line = head.replace(" ", "-") + joint + tail.replace(" ", "-" if rng.random() < 0.7 else " ")
        centres = draw_line(mask, line, face, (margin, (height - char) / 2, width - 2 * margin, char), char * rng.uniform(0.44, 0.64), rng, 0.01, pitch)
    text = (head + tail).replace(" ", "").replace(".", "").replace("-", "")
    return Plate(paint(mask, rng, ground, ink, rng.random() < 0.8), text, two_line, "vn", colour, np.array(centres) / (width, height), kind)


def render_cn(rng, faces, kind=None):
    kind = kind or pick_kind(rng, KINDS_CN)
    head, tail = cn_text(rng, kind)
    if rng.random() < ANY:
        tail = shuffled(rng, tail, CN_SERIAL)
    colour = {"blue": "blue", "green": "green", "white": "white", "black": "black", "embassy": "black", "police": "white"}.get(kind, "yellow")
    if kind == "suffix" and rng.random() < 0.5:
        colour = "black" if rng.random() < 0.5 else "white"
    ground, ink = {"blue": (BLUE, WHITE), "green": (GREEN, BLACK), "white": (WHITE, BLACK), "black": ((25, 20, 20), WHITE), "yellow": (YELLOW, BLACK)}[colour]
    if kind == "green" and rng.random() < 0.4:
        ground = (120, 190, 190)
    if kind == "blue":  # from faded sky blue to deep navy
        ground = [(165, 80, 20), (190, 120, 40), (120, 45, 15), (200, 140, 70)][rng.integers(4)]
    face = faces.pick(rng, True)
    two_line = kind in ("yellow2", "hang")
    if two_line:
        width, height = 440, 220
        mask = np.zeros((height, width), np.uint8)
        top = head[0] + " " + ("." if rng.random() < 0.5 else " ") + head[1]
        centres = draw_line(mask, top, face, (90, 15, 260, 60), rng.uniform(70, 85), rng, 0.01, True)
        centres += draw_line(mask, tail, face, (15, 90, 410, 112), rng.uniform(58, 66), rng, 0.01, True)
    else:
        width, height = (480 if kind == "green" else 440), 140
        mask = np.zeros((height, width), np.uint8)
        char = rng.uniform(84, 100)
        line = head + ("." if rng.random() < 0.9 else " ") + " " * int(rng.integers(0, 2)) + tail
        margin = rng.uniform(8, 20)
        centres = draw_line(mask, line, face, (margin, (height - char) / 2, width - 2 * margin, char), rng.uniform(40, 48), rng, 0.01, rng.random() < 0.9)
    return Plate(paint(mask, rng, ground, ink, rng.random() < 0.8), (head + tail).replace(".", ""), two_line, "cn", colour, np.array(centres) / (width, height), kind)


def sample(rng, faces, vietnam=0.62):
    return render_vn(rng, faces) if rng.random() < vietnam else render_cn(rng, faces)
