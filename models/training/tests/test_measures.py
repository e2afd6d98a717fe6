"""What evaluation counts, and when a fine-tuned model is worse. Plain Python but for the last."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import data
import evaluate
from test_training import needs


def row(text, box, **more):
    told = dict(zip("xywh", map(str, box)), file="a.jpg", path="a.jpg", plate_text=text, kind="truck", lines="2", colour="yellow", source="own")
    return {**told, **more}


class Counting(unittest.TestCase):
    def test_found_exact_near_and_character_errors_of_every_class(self):
        rows = [row("12C34567", (0, 0, 100, 30)), row("98R01285", (200, 0, 100, 60)), row("29A00084", (400, 0, 100, 30), colour="white")]
        plates = [
            dict(text="12C34567", box=[2, 1, 100, 30], country="VN", colour="yellow", lines=2),
            dict(text="98R01286", box=[210, 0, 100, 60], country="CN", colour=None, lines=1),
            dict(text="29A00084", box=[600, 0, 100, 30], country="VN", colour="white", lines=2),  # right, but elsewhere
        ]
        counts, beside, misread = evaluate.score(rows, {"a.jpg": dict(plates=plates)}, False)
        whole = counts["all"]
        self.assertEqual((whole.plates, whole.found, whole.exact, whole.near, whole.characters, whole.wrong), (3, 2, 1, 2, 24, 9))
        self.assertEqual((counts["truck 2-line yellow"].plates, counts["truck 2-line white"].exact), (2, 0))
        self.assertEqual((beside["country"], beside["lines"], beside["colour"]), ([1, 2], [1, 2], [1, 1]))
        self.assertEqual(misread, [("a.jpg", "98R01285", "98R01286"), ("a.jpg", "29A00084", "-")])

    def test_intervals_and_edits(self):
        low, high = data.interval(188, 193)
        self.assertEqual((round(low, 3), round(high, 3)), (0.941, 0.989))
        self.assertEqual(data.interval(0, 0), (0.0, 1.0))
        self.assertEqual([data.edits(*pair) for pair in (("", "ABC"), ("12C1", "12C1"), ("12C1", "21C"), ("桂F1", "桂F12"))], [3, 0, 3, 1])


class Worse(unittest.TestCase):
    @needs("torch", "onnx", "cv2", "PIL")
    def test_models_that_lost_something_are_told_from_those_that_did_not(self):
        import numpy as np

        from finetune import worse

        before = np.arange(300) < 240
        few, many = before.copy(), before.copy()
        few[:3], many[:20] = False, False
        self.assertIsNone(worse((31, 40, 1), (31, 40, 1), before, few))
        self.assertIn("30 are read rightly, before 31", worse((31, 40, 1), (30, 40, 0), before, before))
        self.assertIn("2 sure answers", worse((31, 40, 1), (36, 40, 2), before, before))
        self.assertIn("20 are no longer read rightly, 0 are newly", worse((31, 40, 1), (36, 40, 0), before, many))


if __name__ == "__main__":
    unittest.main()
