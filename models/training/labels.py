"""A site's own labelled photos: a folder with photos and `labels.csv`, as `borderlane plates --label` writes it.

First line: HEADER, or HEADER up to train_ok. One row a plate, several rows a photo; x, y, w, h is its box and x1..y4 its corners in pixels
of the photo turned upright (top left, top right, bottom right, bottom left); where the corners are empty, those of the box are taken. A photo without any plate has one row in which everything but `file` (and source, licence, train_ok) is empty.
kind: a word; lines: 1 or 2; colour: one of COLOURS or empty; train_ok: yes, no, or empty (yes). A photo any of whose rows says no is
only measured. Nothing is taken from a file that has a bad line: every bad line is named. No third-party package is used here.
"""

import csv
import os
from dataclasses import dataclass, field

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
SUFFIXES = "学警挂港澳领使"
LATIN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHARSET = LATIN + PROVINCES + SUFFIXES  # class 0 of the reader is the blank, class i is CHARSET[i - 1]
COLOURS = ("white", "yellow", "blue", "green", "red", "black")
PLACES = 10  # characters that the reader has places for

HEADER = "file,plate_text,x,y,w,h,kind,lines,colour,source,licence,train_ok,x1,y1,x2,y2,x3,y3,x4,y4".split(",")
MAX_LABELS_BYTES, MAX_ROWS, MAX_SHOWN = 32 << 20, 200_000, 20
LEAST_SIDE = 3.0  # pixels of a plate's sides


class BadLabels(Exception):
    """What is wrong with a folder of labelled photos: file, line and reason."""


@dataclass
class Label:
    text: str
    corners: list  # four (x, y)
    kind: str
    lines: int
    colour: str

    @property
    def country(self):
        return "cn" if any(c not in LATIN for c in self.text) or self.text.startswith("WJ") else "vn"


@dataclass
class LabelledPhoto:
    file: str
    path: str
    labels: list = field(default_factory=list)
    trainable: bool = True


def corners_of(row):
    try:
        if any(row[key] for key in HEADER[12:]):
            numbers = [float(row[key]) for key in HEADER[12:]]
        else:
            x, y, w, h = (float(row[key]) for key in "xywh")
            numbers = [x, y, x + w, y, x + w, y + h, x, y + h]
    except ValueError:
        return None, "neither the corners x1 to y4 are eight numbers nor x, y, w, h four"
    if not all(-10_000 <= v <= 100_000 for v in numbers):  # also false for nan
        return None, "the corners are not in any photo"
    corners = list(zip(numbers[::2], numbers[1::2]))
    for k in range(4):
        (ax, ay), (bx, by), (cx, cy) = corners[k], corners[(k + 1) % 4], corners[(k + 2) % 4]
        if (bx - ax) ** 2 + (by - ay) ** 2 < LEAST_SIDE**2:
            return None, f"corner {k + 1} and the next are less than {LEAST_SIDE:.0f} pixels apart"
        if (bx - ax) * (cy - by) - (by - ay) * (cx - bx) <= 0:  # y grows downwards: clockwise turns are positive
            return None, "the corners are not clockwise from the top left, or cross"
    if corners[1][0] - corners[0][0] + corners[2][0] - corners[3][0] <= 0:
        return None, "the first corner is not the top left one"
    return corners, None


def label_of(row):
    """(Label or None for a photo without plates, reason or None)"""
    told = [row[key] for key in HEADER[1:9] + HEADER[12:]]
    if not any(told):
        return None, None
    text = row["plate_text"]
    if not text:
        return None, "plate_text is empty, but other columns are not"
    odd = sorted(set(text) - set(CHARSET))
    if odd:
        return None, f"plate_text {text!r} has {' '.join(map(repr, odd))}: only A-Z, 0-9 and Chinese province or suffix characters, no separators"
    if len(text) > PLACES:
        return None, f"plate_text {text!r} has {len(text)} characters, more than {PLACES}"
    if row["lines"] not in ("1", "2"):
        return None, f"lines is {row['lines']!r}, not 1 or 2"
    if row["colour"] not in ("", *COLOURS):
        return None, f"colour is {row['colour']!r}, none of {', '.join(COLOURS)}"
    corners, reason = corners_of(row)
    return (None, reason) if reason else (Label(text, corners, row["kind"], int(row["lines"]), row["colour"]), None)


def path_of(folder, name):
    if not name or os.path.basename(name) != name or name in (".", ".."):
        return None, f"file is {name!r}, not the name of a photo in the folder"
    for path in (os.path.join(folder, name), os.path.join(folder, "images", name)):
        if os.path.isfile(path):
            return path, None
    return None, f"there is no photo {name}"


def read(folder):
    """[LabelledPhoto] in the order of the file, or BadLabels with every bad line."""
    path = os.path.join(folder, "labels.csv")
    try:
        if os.path.getsize(path) > MAX_LABELS_BYTES:
            raise BadLabels(f"{path} has more than {MAX_LABELS_BYTES >> 20} MiB")
        with open(path, encoding="utf-8-sig", newline="") as handle:
            rows = csv.reader(handle, strict=True)
            return parse(folder, path, rows)
    except OSError as error:
        raise BadLabels(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadLabels(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error
    except csv.Error as error:
        raise BadLabels(f"{path}: line {rows.line_num}: {error}") from error


def parse(folder, path, rows):
    header = next(rows, None)
    if header not in (HEADER, HEADER[:12]):
        raise BadLabels(f"{path}: line 1: the first line must be {','.join(HEADER)}")
    photos, bad, seen = {}, [], {}
    for cells in rows:
        if not cells:
            continue
        if rows.line_num > MAX_ROWS:
            raise BadLabels(f"{path}: more than {MAX_ROWS} lines")
        reason = row_into(photos, seen, folder, header, cells, rows.line_num)
        if reason:
            bad.append(f"{path}: line {rows.line_num}: {reason}")
    if bad:
        more = [f"... and {len(bad) - MAX_SHOWN} more"] if len(bad) > MAX_SHOWN else []
        raise BadLabels("\n".join(bad[:MAX_SHOWN] + more))
    return list(photos.values())


def row_into(photos, seen, folder, header, cells, line):
    """Adds a row to `photos`; the reason where it is bad."""
    if len(cells) != len(header):
        return f"{len(cells)} columns, not {len(header)}"
    row = dict.fromkeys(HEADER, "") | dict(zip(header, (cell.strip() for cell in cells)))
    path, reason = path_of(folder, row["file"])
    if reason:
        return reason
    if row["train_ok"] not in ("yes", "no", ""):
        return f"train_ok is {row['train_ok']!r}, not yes or no"
    label, reason = label_of(row)
    if reason:
        return reason
    photo = photos.setdefault(row["file"], LabelledPhoto(row["file"], path))
    first, empty = seen.setdefault(row["file"], (line, label is None))
    if first != line and (label is None or empty):
        return f"{row['file']} is said to be without plates here or in line {first}, but has more than one line"
    if label and any(label.text == other.text and label.corners == other.corners for other in photo.labels):
        return f"the plate {label.text} of {row['file']} stands in the file twice"
    if label:
        photo.labels.append(label)
    photo.trainable &= row["train_ok"] != "no"
    return None
