# SPDX-License-Identifier: Apache-2.0
"""Tests of the scripts beside this file: python3 -m unittest discover -s Examples/smol-vlm. They need no network; most need
NumPy, some the program in PATH. A model of two layers with random weights stands in for SmolLM2."""

import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOWER = HERE.parent / "easy-vqa" / "model"
sys.path.insert(0, str(HERE.parent))

from script_module import script  # noqa: E402


prepare = script(HERE / "prepare")
HAS_NUMPY = importlib.util.find_spec("numpy") is not None
HAS_PROGRAM = shutil.which("shuffle-r1") is not None
RECORD = {
    "id": "train-5-2", "group": "train-5-2",
    "prompt": [{"role": "user", "content": [{"type": "image", "image": "images/train/5.png"}, {"type": "text", "text": "what is it?"}]}],
    "answer": "circle", "kind": "open", "category": "shape",
    "response": "<think>shape circle, color blue; want shape</think> \\boxed{circle}",
}  # fmt: skip


class PrepareTests(unittest.TestCase):
    def test_what_is_taught(self):
        found = prepare.taught(RECORD, "../pictures")
        self.assertEqual(found["response"], "The picture shows a blue circle. \\boxed{circle}")
        self.assertEqual(found["prompt"][0]["content"][0]["image"], "../pictures/images/train/5.png")
        self.assertEqual(found["prompt"][0]["content"][1], RECORD["prompt"][0]["content"][1])
        self.assertEqual({key: found[key] for key in ("id", "answer", "kind")}, {key: RECORD[key] for key in ("id", "answer", "kind")})
        with self.assertRaisesRegex(SystemExit, "train-5-2: the response names no shape and color: yes"):
            prepare.taught(RECORD | {"response": "yes"}, "..")

    def test_images_are_found_from_the_folder_that_is_written(self):
        with tempfile.TemporaryDirectory() as top:
            source = Path(top) / "easy-vqa" / "data" / "warm-start.jsonl"
            (source.parent / "images" / "train").mkdir(parents=True)
            (source.parent / "images" / "train" / "5.png").touch()
            source.write_text(json.dumps(RECORD) + "\n")
            final = Path(top) / "smol-vlm" / "work" / "data"
            prepare.write_taught(source, final, final)
            (record,) = map(json.loads, (final / "warm-start.jsonl").read_text().splitlines())
            self.assertTrue((final / record["prompt"][0]["content"][0]["image"]).exists())


class StandIn:
    """A Llama model with random weights, as ../smollm2/convert writes it."""

    SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<a>", "<b>", "<c>", "<d>", "<e>"]
    TOKENS = [*SPECIAL, *map(chr, range(33, 127)), "Ġ", "Ċ"]
    SIZES = {
        "vocab_size": len(TOKENS), "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 512,
    }  # fmt: skip
    ENDS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}

    @classmethod
    def write(cls, folder: Path, compose) -> dict:
        import numpy as np

        random = np.random.RandomState(3)

        def matrix(*shape: int):
            return random.standard_normal(shape).astype(np.float32) / shape[-1] ** 0.5

        width, inner, keys = 32, 48, 16
        weights = {"model.embed_tokens.weight": matrix(len(cls.TOKENS), width), "model.norm.weight": np.ones(width, np.float32)}
        for layer in range(2):
            for name, shape in {
                "self_attn.q_proj": (width, width), "self_attn.k_proj": (keys, width), "self_attn.v_proj": (keys, width),
                "self_attn.o_proj": (width, width), "mlp.gate_proj": (inner, width), "mlp.up_proj": (inner, width),
                "mlp.down_proj": (width, inner),
            }.items():  # fmt: skip
                weights[f"model.layers.{layer}.{name}.weight"] = matrix(*shape)
            for name in ("input_layernorm", "post_attention_layernorm"):
                weights[f"model.layers.{layer}.{name}.weight"] = 1 + matrix(width)
        folder.mkdir(parents=True)
        compose.write_tensors(folder / "model.safetensors", weights)
        files = {
            "config.json": cls.SIZES | cls.ENDS | {
                "model_type": "llama", "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": True,
            },
            "generation_config.json": cls.ENDS,
            "tokenizer_config.json": {"eos_token": "<|im_end|>", "bos_token": "<|im_start|>"},
            "tokenizer.json": cls.tokenizer(),
        }  # fmt: skip
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content))
        (folder / "chat_template.jinja").write_text(
            compose.TEMPLATE.replace("{% if message['content'] is string %}", "").split("{% else %}")[0]
            + "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
        return weights

    @classmethod
    def tokenizer(cls) -> dict:
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        return {
            "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None,
            "added_tokens": [{"id": at, "content": name} | flags for at, name in enumerate(cls.SPECIAL)],
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, level]},
            "decoder": level,
            "model": {
                "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                "vocab": {token: at for at, token in enumerate(cls.TOKENS)}, "merges": [],
            },
        }  # fmt: skip


def png(red: int, green: int, blue: int) -> bytes:
    """A picture of 64 × 64 pixels in one color."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes([red, green, blue]) * 64) * 64
    head = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@unittest.skipUnless(HAS_NUMPY, "numpy is not installed")
class ComposeTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.compose = script(HERE / "compose")
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.top = Path(cls.scratch.name)
        cls.decoder = StandIn.write(cls.top / "decoder", cls.compose)
        cls.count = cls.compose.compose(cls.top / "decoder", TOWER, cls.top / "model")
        cls.tower = cls.compose.tensors(TOWER / "model.safetensors")
        cls.ours = cls.compose.tensors(cls.top / "model" / "model.safetensors")

    def same(self, ours, theirs) -> None:
        self.assertEqual(ours.shape, theirs.shape)
        self.assertTrue((ours == theirs).all())

    def file(self, name: str) -> dict:
        return json.loads((self.top / "model" / name).read_text())

    def test_the_decoder_is_as_it_was(self):
        for name, values in self.decoder.items():
            if name != "model.embed_tokens.weight":
                self.same(self.ours[name], values)
        embedding = self.decoder["model.embed_tokens.weight"]
        self.same(self.ours["model.embed_tokens.weight"][: len(embedding)], embedding)
        # Tokens that a chat does not use: <a> to <d>.
        self.same(self.ours["model.embed_tokens.weight"][len(embedding) :], embedding[3:7])
        biases = [name for name in self.ours if name.startswith("model.") and name.endswith(".bias")]
        self.assertEqual(len(biases), 2 * 3)
        self.assertFalse(any(self.ours[name].any() for name in biases))

    def test_the_tower_is_as_it_was_up_to_its_last_matrix(self):
        import numpy as np

        last = ("visual.merger.mlp.2.weight", "visual.merger.mlp.2.bias")
        visual = {name: values for name, values in self.tower.items() if name.startswith("visual.")}
        self.assertEqual({name for name in self.ours if name.startswith("visual.")}, set(visual))
        for name, values in visual.items():
            if name not in last:
                self.same(self.ours[name], values)
        self.assertEqual(self.ours[last[0]].shape, (32, 384))
        # What it gives is a linear function of what it gave: one and the same for matrix and bias.
        whole = [np.concatenate([part[last[0]], part[last[1]][:, None]], axis=1) for part in (self.ours, visual)]
        join = whole[0] @ np.linalg.pinv(whole[1])
        self.assertLess(abs(join @ whole[1] - whole[0]).max(), 1e-4 * abs(whole[0]).max())
        size = np.sqrt(np.mean(self.decoder["model.embed_tokens.weight"] ** 2))
        self.assertAlmostEqual(float(join.std() * np.sqrt(join.shape[1]) / size), 1, delta=0.1)
        self.assertEqual(self.count, sum(values.size for values in self.ours.values()))

    def test_the_files_beside_the_weights(self):
        config, first = self.file("config.json"), len(StandIn.TOKENS)
        ids = [config[f"{name}_token_id"] for name in ("vision_start", "vision_end", "image", "video")]
        self.assertEqual(ids, [first, first + 1, first + 2, first + 3])
        self.assertEqual(config["text_config"]["vocab_size"], first + 4)
        self.assertEqual(config["text_config"]["rope_parameters"]["mrope_section"], [2, 3, 3])
        self.assertEqual(config["vision_config"]["out_hidden_size"], 32)
        added = [(token["id"], token["content"]) for token in self.file("tokenizer.json")["added_tokens"][-4:]]
        self.assertEqual(added, list(zip(ids, self.compose.VISION_TOKENS)))

    def test_refuses_other_models(self):
        for words, message in (
            ((TOWER, TOWER), "easy-vqa/model is a 'qwen2_5_vl'; a 'llama' is needed"),
            ((self.top / "decoder", self.top / "decoder"), "decoder is a 'llama'; a 'qwen2_5_vl' is needed"),
            ((self.top / "none", TOWER), "cannot read .*none/config.json"),
        ):
            with self.assertRaisesRegex(SystemExit, message):
                self.compose.compose(*words, self.top / "other")
        few = {"added_tokens": [{"id": at, "content": name} for at, name in enumerate(StandIn.SPECIAL[:5])]}
        with self.assertRaisesRegex(SystemExit, "has 2 added tokens that a chat does not use, 4 are needed"):
            self.compose.unused_tokens(few, {1, 2})

    def run_program(self, *words) -> str:
        found = subprocess.run(
            ["shuffle-r1", *map(str, words)], capture_output=True, text=True, cwd=self.top,
            env=os.environ | {"COLUMNS": "80", "SHUFFLE_R1_TRUST": str(HERE)})  # fmt: skip
        self.assertEqual(found.returncode, 0, found.stderr)
        return found.stdout

    @unittest.skipUnless(HAS_PROGRAM, "shuffle-r1 is not in PATH")
    def test_texts_are_answered_as_by_the_decoder_alone(self):
        prompts = self.top / "texts.jsonl"
        prompts.write_text('{"id": "a", "prompt": [{"role": "user", "content": "7 + 5 ="}]}\n')
        answers = [
            json.loads(self.run_program("generate", "--model", model, "--n", "1", "--temperature", "0", "--max-tokens", "12", prompts))
            for model in ("decoder", "model")
        ]
        self.assertEqual(*(answer["prompt_tokens"] for answer in answers))
        self.assertEqual(*(answer["tokens"] for answer in answers))

    @unittest.skipUnless(HAS_PROGRAM, "shuffle-r1 is not in PATH")
    def test_both_specs_train_it_on_pictures(self):
        (self.top / "images").mkdir()
        names = {"red": (220, 30, 30), "blue": (30, 30, 220)}
        with open(self.top / "records.jsonl", "w") as file:
            for name, color in names.items():
                (self.top / "images" / f"{name}.png").write_bytes(png(*color))
                content = [{"type": "image", "image": f"images/{name}.png"}, {"type": "text", "text": "what color?"}]
                record = {"id": name, "group": name, "prompt": [{"role": "user", "content": content}], "answer": name, "kind": "open"}
                file.write(json.dumps(record | {"response": f"\\boxed{{{name}}}"}) + "\n")
        common = ["--set", "training.steps=2", "--set", "training.evaluation.limit=2", "--set", "training.evaluation.prompts=records.jsonl"]
        common += ["--set", "source.batch.groups=2", "--quiet"]
        self.run_program(
            "run", HERE / "warm-start.json", "--output", "warm", "--set", "policy.with.model=model", "--set",
            "source.rollouts=records.jsonl", *common)  # fmt: skip
        trained = self.compose.tensors(self.top / "warm" / "checkpoints" / "latest" / "model.safetensors")
        moved = {name for name, values in trained.items() if (values != self.ours[name]).any()}
        self.assertTrue(all(name in moved for name in trained if name.startswith("visual.merger.")))
        self.assertFalse(any(name.startswith(("visual.blocks.", "visual.patch_embed.")) for name in moved))
        self.run_program(
            "run", HERE / "train.json", "--output", "trained", "--set", "policy.with.model=warm/checkpoints/latest", "--set",
            "source.prompts=records.jsonl", *common)  # fmt: skip
        selected = [json.loads(line) for line in (self.top / "trained" / "selected.jsonl").read_text().splitlines()]
        first = len(StandIn.TOKENS)
        for record in selected:
            self.assertEqual(record["prompt_tokens"].count(first + 2), 16)
            self.assertEqual((record["prompt_tokens"].count(first), record["prompt_tokens"].count(first + 1)), (1, 1))


if __name__ == "__main__":
    unittest.main()
