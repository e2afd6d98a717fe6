"""The countries' grammars as evidence: a plate that fits none stays possible, it only has to be read that much surer.

A prototype of what the lane does with the reader's distributions; the rules are those of the plates that plates.py draws.
"""

import re

import numpy as np

from labels import CHARSET, PROVINCES

CODE = "(?:" + "|".join(str(c) for c in range(11, 100) if c not in (13, 42, 44, 45, 46, 87, 91, 96)) + ")"
GRAMMARS = [
    (re.compile(f"^{CODE}[A-HK-NPS-VXYZ]\\d{{4,5}}$"), 0.0),  # cars and trucks
    (re.compile(f"^{CODE}(?:R|RM|LD|DA|MK|HC|KT|CD|MD|TD|LB|CT|T)\\d{{4,5}}$"), -1.0),  # trailers and special series
    (re.compile(f"^{CODE}(?:[A-HK-NPS-VXYZ][1-9]|[A-HK-NPS-VXYZ][A-HK-NPR-VXYZ])\\d{{4,5}}$"), -1.0),  # motorbikes, border zones
    (re.compile(f"^{CODE}(?:\\d{{3}}(?:NG|NN|QT)|(?:NG|NN|QT)\\d{{3}})\\d{{2}}$"), -1.5),
    (re.compile("^[A-Z]{2}\\d{4}$"), -2.0),  # army
    (re.compile(f"^[{PROVINCES}][A-HJ-Z][A-HJ-NP-Z0-9]{{5,6}}$"), 0.0),
    (re.compile(f"^[{PROVINCES}][A-HJ-Z][A-HJ-NP-Z0-9]{{4}}[学警挂港澳领]$"), -1.0),
    (re.compile("^使\\d{6}$"), -2.0),  # embassies
    (re.compile(f"^WJ[{PROVINCES}]?\\d{{4}}[0-9TDSHBXJ]$"), -2.0),  # armed police
]
NO_GRAMMAR = -4.0  # nats


def weight(text):
    return max((nats for pattern, nats in GRAMMARS if pattern.match(text)), default=NO_GRAMMAR)


def likeliest(logits, temperature=1.0, width=40, most=5):
    """[(text, probability)], likeliest first: a beam over the places, weighed by the grammars."""
    scaled = logits / temperature
    logs = scaled - scaled.max(1, keepdims=True)
    logs = logs - np.log(np.exp(logs).sum(1, keepdims=True))
    beam = {"": 0.0}
    for place in logs:
        better = {}
        order = np.argsort(-place)[:6]
        for text, score in beam.items():
            for k in order:
                longer = text + (CHARSET[k - 1] if k else "")
                better[longer] = np.logaddexp(better.get(longer, -1e9), score + place[k])
        beam = dict(sorted(better.items(), key=lambda item: -item[1])[:width])
    scored = sorted(((score + weight(text), text) for text, score in beam.items()), reverse=True)
    total = np.logaddexp.reduce([score for score, _ in scored])
    return [(text, float(np.exp(score - total))) for score, text in scored[:most]]
