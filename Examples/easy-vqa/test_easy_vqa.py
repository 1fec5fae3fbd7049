# SPDX-License-Identifier: Apache-2.0
"""Tests of the scripts beside this file: python3 -m unittest discover -s Examples/easy-vqa. They need no network."""

import contextlib
import hashlib
import importlib
import io
import json
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))

from script_module import script  # noqa: E402


made_once = importlib.import_module("made_once")
prepare, scenes, tokenizer = script(HERE / "prepare"), script(HERE / "draw-scenes"), script(HERE / "tokenizer")

QUESTIONS = [
    ["what is the blue shape?", "rectangle", 7],
    ["is there a triangle in the image?", "no", 7],
    ["does the image not contain a gray shape?", "yes", 7],
    ["what color is the shape?", "blue", 7],
]


class PrepareTests(unittest.TestCase):
    def test_records(self):
        records = prepare.prompts("train", QUESTIONS)
        self.assertEqual([record["id"] for record in records], ["train-7-0", "train-7-1", "train-7-2", "train-7-3"])
        self.assertEqual([record["kind"] for record in records], ["open", "yes-no", "yes-no", "open"])
        self.assertEqual(
            [record["category"] for record in records], ["shape", "yes-no-shape", "yes-no-color", "color"]
        )
        self.assertEqual(records[0]["prompt"][0]["content"][0], {"type": "image", "image": "images/train/7.png"})

    def test_responses(self):
        records = prepare.prompts("train", QUESTIONS)
        seen = prepare.attributes(records)[7]
        self.assertEqual(seen, {"shape": "rectangle", "color": "blue"})
        self.assertEqual(
            [prepare.response(record, seen) for record in records],
            [
                "<think>shape rectangle, color blue; want shape</think> \\boxed{rectangle}",
                "<think>shape rectangle, color blue; want triangle</think> \\boxed{no}",
                "<think>shape rectangle, color blue; want no gray</think> \\boxed{yes}",
                "<think>shape rectangle, color blue; want color</think> \\boxed{blue}",
            ],
        )

    def test_affirmed_questions_tell_what_is_there(self):
        questions = [["is no red shape present?", "no", 1], ["is there a circle?", "yes", 1], ["is there a red shape?", "no", 2]]
        seen = prepare.attributes(prepare.prompts("train", questions))
        self.assertEqual(seen, {1: {"color": "red", "shape": "circle"}, 2: {}})

    def test_half_and_half(self):
        chosen = prepare.half_and_half(prepare.prompts("train", QUESTIONS), "test")
        self.assertEqual([record["kind"] for record in chosen], ["open", "yes-no", "open", "yes-no"])

    def test_order_is_fixed(self):
        self.assertEqual(prepare.order(list(range(6)), "images"), [4, 3, 2, 0, 5, 1])

    def test_refuses_another_wheel(self):
        with tempfile.TemporaryDirectory() as folder:
            wheel = Path(folder) / "other.whl"
            with zipfile.ZipFile(wheel, "w") as archive:
                archive.writestr("a", "b")
            with self.assertRaisesRegex(SystemExit, "has the SHA-256 hash"):
                prepare.check(wheel)
            with self.assertRaisesRegex(SystemExit, "cannot read .*: No such file"):
                prepare.check(Path(folder) / "none.whl")

    def test_says_what_to_do_without_pip(self):
        executable, sys.executable = sys.executable, "/bin/false"
        try:
            with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(SystemExit, "has no pip.*python3-pip"):
                with contextlib.redirect_stderr(io.StringIO()):
                    prepare.fetch(Path(folder))
        finally:
            sys.executable = executable


class MadeOnceTests(unittest.TestCase):
    def test_writes_once_and_again_when_something_is_missing(self):
        times = []

        def write(target: Path, scratch: Path) -> None:
            times.append(target)
            (target / "images" / "a").mkdir(parents=True)
            (target / "images" / "a" / "0.png").write_bytes(b"x")
            made_once.write_records(target / "a.jsonl", [{"id": "é"}])

        with tempfile.TemporaryDirectory() as top:
            folder = Path(top) / "data"
            for _ in range(2):
                made_once.make(folder, "origin", write)
            self.assertEqual(len(times), 1)
            self.assertEqual((folder / "a.jsonl").read_text(encoding="utf-8"), '{"id": "é"}\n')
            (folder / "images" / "a" / "0.png").unlink()
            made_once.make(folder, "origin", write)
            made_once.make(folder, "another origin", write)
            self.assertEqual(len(times), 3)
            self.assertEqual([path.name for path in Path(top).iterdir()], ["data"])

    def test_leaves_nothing_behind_when_writing_fails(self):
        def write(target: Path, scratch: Path) -> None:
            (target / "half").write_text("half")
            raise OSError(28, "No space left on device")

        with tempfile.TemporaryDirectory() as top:
            with self.assertRaises(OSError):
                made_once.make(Path(top) / "data", "origin", write)
            self.assertEqual(list(Path(top).iterdir()), [])


class SceneTests(unittest.TestCase):
    def test_scenes_are_fixed(self):
        found = hashlib.sha256()
        for index in range(20):
            draw = scenes.Draw(f"{scenes.SEED} test {index}")
            objects, background = scenes.scene(draw, draw.within(1, 6))
            found.update(json.dumps([objects, background]).encode())
        self.assertEqual(found.hexdigest()[:16], "e7b9172cc436f501")

    def test_things_do_not_touch(self):
        for index in range(200):
            objects, _ = scenes.scene(scenes.Draw(f"apart {index}"), 6)
            boxes = [thing["box"] for thing in objects]
            self.assertFalse(any(scenes.touches(a, b) for a in boxes for b in boxes if a is not b))
            self.assertEqual(len({scenes.cell(box) for box in boxes}), 6)

    def test_answers(self):
        objects = [
            {"shape": shape, "color": color, "box": box}
            for shape, color, box in (
                ("circle", "red", [2, 2, 12, 12]), ("circle", "blue", [30, 4, 40, 14]), ("triangle", "red", [20, 40, 34, 52])
            )
        ]  # fmt: skip
        self.assertEqual(scenes.number_of(objects, "circle"), 2)
        self.assertEqual(scenes.number_of(objects, "green"), 0)
        for index in range(100):
            question, worked, answer = scenes.compare(scenes.Draw(f"compare {index}"), objects)
            counts = {name: int(count) for name, count in (part.split() for part in worked.split(", "))}
            best = [name for name in counts if counts[name] == max(counts.values())]
            self.assertEqual(answer, best[0] if len(best) == 1 else "same", question)
            question, worked, answer = scenes.arithmetic(scenes.Draw(f"arithmetic {index}"), objects)
            self.assertEqual(int(answer), eval(worked.split("; ")[1].replace("x", "*")), question)
            self.assertGreaterEqual(int(answer), 0)
            question, worked, answer = scenes.two_attributes(scenes.Draw(f"side {index}"), objects)
            clear = {"leftmost": "red circle", "bottommost": "red triangle", "rightmost": "blue circle"}
            self.assertEqual(answer, clear[worked], question)

    def test_pictures_are_png(self):
        data = scenes.picture([{"shape": "rectangle", "color": "red", "box": [1, 0, 3, 2]}], (255, 255, 255))
        self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
        rows = scenes.zlib.decompress(data[data.index(b"IDAT") + 4 : -16])
        self.assertEqual(rows[:13], b"\0\xff\xff\xff\xff\0\0\xff\0\0\xff\xff\xff")


class TokenizerTests(unittest.TestCase):
    def test_writes_what_is_bundled(self):
        model = HERE / "model"
        with tempfile.TemporaryDirectory() as folder:
            tokenizer.main(Path(folder))
            for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json", "preprocessor_config.json"):
                self.assertEqual((Path(folder) / name).read_bytes(), (model / name).read_bytes(), name)
            # The bundled weights are in another number format, which the configuration says.
            ours, theirs = (json.loads((path / "config.json").read_text()) for path in (Path(folder), model))
            self.assertEqual(ours | {"dtype": "bfloat16"}, theirs)

    def test_each_piece_is_one_token(self):
        ids, _, added = tokenizer.vocabulary()
        self.assertEqual(sorted(ids.values()) + [token["id"] for token in added], list(range(len(ids) + len(added))))
        self.assertEqual([piece for piece in tokenizer.pieces() if piece not in ids], [])
        self.assertTrue(set(tokenizer.spelling().values()) <= set(ids))


if __name__ == "__main__":
    unittest.main()
