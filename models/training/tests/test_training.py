"""Trainings: the same seed gives the same data, a stopped training comes to the same weights, and what train.sh refuses. What a test
lacks on a machine (PyTorch, fonts) it names and is skipped."""

import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
from types import SimpleNamespace

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))


def needs(*modules):
    missing = [m for m in modules if importlib.util.find_spec(m) is None]
    return unittest.skipIf(missing, f"this Python has no {', '.join(missing)}")


class Data(unittest.TestCase):
    @needs("cv2", "numpy", "PIL")
    def test_the_same_seed_gives_the_same_plates_and_another_seed_others(self):
        import numpy as np

        import plates
        from glyphs import Faces

        try:
            faces = Faces()
        except SystemExit as error:
            self.skipTest(str(error))
        made = [[plates.sample(np.random.default_rng(seed), faces) for _ in range(3)] for seed in (7, 7, 8)]
        self.assertTrue(all((a.image == b.image).all() and a.text == b.text for a, b in zip(made[0], made[1])))
        self.assertNotEqual([p.text for p in made[0]], [p.text for p in made[2]])

    @needs("cv2", "numpy")
    def test_texts_of_every_kind_fit_a_grammar(self):
        import numpy as np

        import grammar
        import plates

        rng = np.random.default_rng(1)
        for kinds, text in ((plates.KINDS_VN, plates.vn_text), (plates.KINDS_CN, plates.cn_text)):
            for kind in kinds:
                for _ in range(50):
                    whole = "".join(c for c in "".join(text(rng, kind)) if c.isalnum())
                    self.assertGreater(grammar.weight(whole), grammar.NO_GRAMMAR, f"{kind}: {whole}")

    @needs("cv2", "numpy")
    def test_corners_go_into_the_refiners_picture_and_back(self):
        import numpy as np

        import geometry

        image = np.zeros((300, 400, 3), np.uint8)
        quad = np.array([[100, 120], [260, 130], [258, 172], [98, 160]], np.float32)
        _, matrix = geometry.look_closer(image, quad)
        off = (geometry.through(matrix, quad) - geometry.nominal()) / geometry.REFINER_UNIT
        self.assertLess(np.abs(geometry.refined(off.ravel(), matrix) - quad).max(), 0.01)

    def test_what_is_held_out_never_changes(self):
        import data

        self.assertEqual([k for k in range(12) if data.held_out(f"photo_{k}.jpg")], [2, 5, 7, 8])


def blocks(rng):
    import numpy as np

    return [(rng.normal(size=(4, 3)).astype(np.float32),) for _ in range(2)]


def loss(nets, rows, part):
    wrong = (nets["one"](rows[0]).float() - rows[0].sum(1, keepdim=True)).square().mean()
    return wrong, dict(wrong=wrong.item())


class Trainer(unittest.TestCase):
    def trained(self, folder, samples=64, stop_at=None, workers=0):
        import torch

        from trainer import Training

        torch.manual_seed(3)
        args = SimpleNamespace(device="cpu", seed=5, out=folder, workers=workers)

        def before(part):
            if stop_at is not None and part >= stop_at:
                raise KeyboardInterrupt

        one = Training("one", 9, dict(one=torch.nn.Linear(3, 1)), blocks, loss, args, samples, 0.05, 4, 2, 1.0, before)
        try:
            one.run()
        except KeyboardInterrupt:
            pass
        return one

    @needs("torch", "cv2")
    def test_a_stopped_training_goes_on_to_the_same_weights(self):
        import torch

        import trainer

        kept, trainer.SAVE_EVERY_S = trainer.SAVE_EVERY_S, -1
        try:
            with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as parts:
                for folder, stops in ((whole, [None]), (parts, [0.5, None])):
                    for stop in stops:
                        last = self.trained(folder, stop_at=stop, workers=1 if folder == whole else 0)
                    self.assertEqual(last.done, 64)
                one, two = (torch.load(os.path.join(folder, "one.pt")) for folder in (whole, parts))
                self.assertTrue(all(torch.equal(one[k], two[k]) for k in one))
                with self.assertRaisesRegex(trainer.Refused, "of another training"):
                    self.trained(parts, samples=128)
        finally:
            trainer.SAVE_EVERY_S = kept

    @needs("torch", "onnx", "cv2")
    def test_weights_come_back_out_of_the_shipped_files(self):
        import weights

        models = os.path.join(HERE, "..", "..")
        self.assertLess(weights.same_as_probe(weights.shipped(models), models), 1e-3)

    @needs("cv2", "numpy")
    def test_this_opencv_computes_what_pytorch_did(self):
        import check

        models = os.path.join(HERE, "..", "..")
        for name, off in check.differences(models).items():
            self.assertLess(off, check.MOST_OFF, name)

    @needs("torch", "onnx", "cv2")
    def test_a_file_that_is_no_model_is_named(self):
        import weights
        from trainer import Refused

        with tempfile.TemporaryDirectory() as folder:
            for name in ("detector", "refiner", "reader"):
                with open(os.path.join(folder, name + ".onnx"), "wb") as handle:
                    handle.write(b"no model")
            with self.assertRaisesRegex(Refused, "detector.onnx"):
                weights.shipped(folder)


class Script(unittest.TestCase):
    def refused(self, *arguments, **more):
        environment = dict(os.environ, **more)
        done = subprocess.run([os.path.join(HERE, "..", "train.sh"), *arguments], capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def test_arguments_that_cannot_be(self):
        for arguments, reason in {
            ("--bogus",): "--bogus is not known",
            ("--seed", "x"): "--seed is 'x', not a whole number",
            ("--seed",): "--seed needs a value",
            ("--data", "/nowhere"): "there is no folder /nowhere",
            ("--finetune", "/nowhere"): "there is no folder /nowhere",
            ("--out", "/proc/nowhere"): "/proc/nowhere cannot be written",
            ("--device", "tpu"): "not auto, cpu or cuda",
            ("--share", "-1"): "not a number",
        }.items():
            with self.subTest(reason):
                self.assertIn(reason, self.refused(*arguments))

    def test_a_full_disk_is_told_before_anything_is_done(self):
        with tempfile.TemporaryDirectory() as folder:
            df = os.path.join(folder, "df")
            with open(df, "w", encoding="ascii") as handle:
                handle.write("#!/bin/sh\necho head\necho disk 100 90 10 90% /\n")
            os.chmod(df, 0o755)
            told = self.refused("--out", os.path.join(folder, "out"), PATH=folder + ":" + os.environ["PATH"])
            self.assertIn("has 10 MiB free, checkpoints and models need 500", told)

    @needs("torch", "onnx", "cv2", "PIL")
    @unittest.skipIf(os.environ.get("SMOKE") == "no", "SMOKE=no")
    def test_the_way_from_nothing_to_checked_models_is_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [os.path.join(HERE, "..", "train.sh"), "--smoke", "--data", "", "--out", folder]
            done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, PYTHON=sys.executable))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertTrue({"detector.onnx", "refiner.onnx", "reader.onnx", "manifest.json", "probe.json"} <= set(os.listdir(os.path.join(folder, "models"))))
            again = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, PYTHON=sys.executable))
            self.assertIn("reader: done", again.stdout)


if __name__ == "__main__":
    unittest.main()
