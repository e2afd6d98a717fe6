"""A site's labels.csv: what is read, and how bad lines are told. Plain Python."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import labels

GOOD = "a.jpg,12C34567,10,20,100,25,truck,1,white,own,own,yes,10,20,110,21,111,44,9,45"


class Labels(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        for name in ("a.jpg", "b.jpg"):
            open(os.path.join(self.folder.name, name), "wb").close()

    def read(self, *lines, header=",".join(labels.HEADER)):
        with open(os.path.join(self.folder.name, "labels.csv"), "w", encoding="utf-8") as handle:
            handle.write("\n".join((header, *lines)) + "\n")
        return labels.read(self.folder.name)

    def refused(self, *lines, **header):
        with self.assertRaises(labels.BadLabels) as caught:
            self.read(*lines, **header)
        return str(caught.exception)

    def test_several_plates_a_photo_and_a_photo_without_any(self):
        photos = self.read(GOOD, GOOD.replace("12C34567", "桂F1234挂").replace("truck,1,white", "trailer,2,yellow"), "b.jpg" + "," * 19)
        self.assertEqual([(p.file, len(p.labels), p.trainable) for p in photos], [("a.jpg", 2, True), ("b.jpg", 0, True)])
        first, second = photos[0].labels
        self.assertEqual((first.text, first.country, first.lines, first.corners[2]), ("12C34567", "vn", 1, (111.0, 44.0)))
        self.assertEqual((second.country, second.lines, second.colour), ("cn", 2, "yellow"))

    def test_the_box_stands_for_corners_that_nobody_gave(self):
        box = [(10.0, 20.0), (110.0, 20.0), (110.0, 45.0), (10.0, 45.0)]
        self.assertEqual(self.read(GOOD.split(",yes,")[0] + ",yes" + "," * 8)[0].labels[0].corners, box)
        self.assertEqual(self.read(GOOD.split(",yes,")[0] + ",", header=",".join(labels.HEADER[:12]))[0].labels[0].corners, box)

    def test_one_no_keeps_the_whole_photo_out(self):
        self.assertFalse(self.read(GOOD, GOOD.replace("12C34567", "12C00001").replace(",yes,", ",no,"))[0].trainable)

    def test_bad_lines_are_named_with_file_line_and_reason(self):
        cases = {
            GOOD.replace("12C34567", "12C-345.67"): "'12C-345.67' has '-' '.'",
            GOOD.replace("12C34567", "12c34567"): "'c'",
            GOOD.replace("12C34567", "12C34567890"): "11 characters, more than 10",
            GOOD.replace("12C34567", ""): "plate_text is empty",
            GOOD.replace("truck,1", "truck,3"): "lines is '3'",
            GOOD.replace("white", "pink"): "colour is 'pink'",
            GOOD.replace(",yes,", ",maybe,"): "train_ok is 'maybe'",
            GOOD.replace("a.jpg", "../a.jpg"): "not the name of a photo in the folder",
            GOOD.replace("a.jpg", "c.jpg"): "there is no photo c.jpg",
            GOOD.replace(",110,21,", ",x,21,"): "neither the corners x1 to y4 are eight numbers",
            GOOD.replace(",110,21,", ",nan,21,"): "not in any photo",
            GOOD.replace("10,20,110,21,111,44,9,45", "110,21,10,20,9,45,111,44"): "not clockwise",
            GOOD.replace("10,20,110,21,111,44,9,45", "111,44,9,45,10,20,110,21"): "not the top left",
            GOOD.replace("10,20,110,21,111,44,9,45", "10,20,11,20,111,44,9,45"): "corner 1 and the next",
            GOOD + ",more": "21 columns, not 20",
        }
        for line, reason in cases.items():
            with self.subTest(reason):
                told = self.refused("b.jpg" + "," * 19, line)
                self.assertIn("labels.csv: line 3: ", told)
                self.assertIn(reason, told)

    def test_every_bad_line_is_told_and_many_are_counted(self):
        told = self.refused(*[GOOD.replace("white", "pink")] * 30)
        self.assertEqual(told.count("colour is"), labels.MAX_SHOWN)
        self.assertIn("... and 10 more", told)

    def test_a_photo_cannot_be_with_and_without_plates_and_no_plate_stands_twice(self):
        self.assertIn("line 3: a.jpg is said to be without plates", self.refused(GOOD, "a.jpg" + "," * 19))
        self.assertIn("line 3: the plate 12C34567 of a.jpg stands in the file twice", self.refused(GOOD, GOOD))

    def test_a_file_that_is_none_of_ours(self):
        self.assertIn("line 1: the first line must be file,plate_text", self.refused(GOOD, header="file,text"))
        with self.assertRaisesRegex(labels.BadLabels, "labels.csv cannot be read"):
            labels.read(os.path.join(self.folder.name, "nowhere"))
        with open(os.path.join(self.folder.name, "labels.csv"), "wb") as handle:
            handle.write(",".join(labels.HEADER).encode() + b"\n\xff\xfe\x00")
        with self.assertRaisesRegex(labels.BadLabels, "not UTF-8"):
            labels.read(self.folder.name)


if __name__ == "__main__":
    unittest.main()
