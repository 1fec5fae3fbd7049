# SPDX-License-Identifier: Apache-2.0
"""The worker with tiny random models of many families, beside transformers itself.

For each: a prompt's tokens, log-probabilities, greedy tokens, the gradient, a step, a checkpoint that transformers opens, and
a resume to the same bytes.
"""

import contextlib
import json
import math
import os
import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file

import families
from shuffle_r1_worker.tested import TESTED
from worker_client import ORACLES, Client, Refused, resized

RESPONSE = 6
CANNOT = {
    "gemma3": "responses are padded when they are scored: a 'gemma3' cannot be packed: some of its tokens see others that come "
    "after them, as those of an image",
    "qwen3_5_text": "responses are padded when they are scored: a 'qwen3_5_text' cannot be packed: it has layers of the kind "
    "'linear_attention'",
    "qwen3_5": "responses are padded when they are scored: a 'qwen3_5' cannot be packed: it has layers of the kind "
    "'linear_attention'",
    "lfm2": "responses are padded when they are scored: a 'lfm2' cannot be packed: it has layers of the kind 'conv'",
}
"""What is said of families that are not packed."""
SHAPES = ((40, 30), (70, 33), (24, 90))
"""Width and height of pictures: enlarged, made smaller, and long."""


def pictures() -> dict[str, np.ndarray]:
    """Coarse blocks of colors."""
    draw = np.random.RandomState(2)
    made = {}
    for number, (width, height) in enumerate(SHAPES):
        blocks = draw.randint(0, 256, (height // 6 + 1, width // 6 + 1, 3), dtype=np.uint8)
        made[f"i{number}"] = np.ascontiguousarray(blocks.repeat(6, 0).repeat(6, 1)[:height, :width])
    return made


PICTURES = pictures()


def conversations(sees: bool) -> list[tuple[list[dict], list[str]]]:
    """Prompts of different lengths; in families that see, with two images, none and one."""
    words = lambda text: {"type": "text", "text": text}
    user = lambda *parts: {"role": "user", "content": list(parts)}
    if not sees:
        texts = ("What is it?", "How many shapes are there in the first of them?", "Ünïcode \u4f60\u597d")
        return [([{"role": "user", "content": text}], []) for text in texts]
    image = {"type": "image"}
    return [
        ([user(image, words("and"), image, words("differ?"))], ["i0", "i1"]),
        ([{"role": "system", "content": "Be short."}, {"role": "user", "content": "What is it, and why?"}], []),
        ([user(image, words("What is it?"))], ["i2"]),
    ]


def reference(folder: Path, sees: bool) -> tuple[Any, Any]:
    """The model and its processor, opened by transformers."""
    auto = transformers.AutoModelForImageTextToText if sees else transformers.AutoModelForCausalLM
    processor = transformers.AutoProcessor.from_pretrained(folder)
    if sees:
        processor.image_processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    return auto.from_pretrained(folder, dtype=torch.float32).eval(), processor


def prepared(processor: Any, sees: bool, messages: list[dict], images: list[str]) -> dict[str, torch.Tensor]:
    """The model's inputs for one prompt, as transformers makes them."""
    if not sees:
        return dict(processor.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"))
    text = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    shown = [[Image.fromarray(PICTURES[name]) for name in images]] if images else None
    return dict(processor(text=[text], images=shown, return_tensors="pt"))


def longer(inputs: dict[str, torch.Tensor], response: list[int]) -> dict[str, torch.Tensor]:
    """The inputs of a prompt and a response."""
    count = len(response)
    found = dict(inputs)
    width = inputs["input_ids"].shape[1]
    for name, value in inputs.items():
        if value.shape == (1, width):
            found[name] = torch.cat([value, value.new_zeros((1, count))], 1)
    found["input_ids"][0, width:] = torch.tensor(response)
    found["attention_mask"][0, width:] = 1
    return found


def expected_log_probs(model: Any, inputs: dict[str, torch.Tensor], response: list[int]) -> torch.Tensor:
    """By the whole sequence, alone and without padding."""
    logits = model(**longer(inputs, response)).logits[0, -len(response) - 1 : -1]
    return torch.log_softmax(logits.float(), -1).gather(1, torch.tensor(response)[:, None])[:, 0]


class FamilyTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        transformers.logging.disable_progress_bar()

    def made(self, family: families.Family) -> Path:
        folder = self.folder / family.name
        if not folder.exists():
            family.make(folder)
        return folder

    def test_each_is_as_transformers_has_it(self) -> None:
        self.assertEqual({it.name for it in families.FAMILIES}, set(TESTED))
        chosen = os.environ.get("SHUFFLE_R1_FAMILIES", "").split()
        with Client() as client:
            client.images(PICTURES)
            for family in families.FAMILIES:
                if not chosen or family.name in chosen:
                    with self.subTest(family.name):
                        self.check(client, family)

    def check(self, client: Client, family: families.Family) -> None:
        folder = self.made(family)
        model, processor = reference(folder, family.sees)
        vision = "trained" if family.sees else "frozen"
        facts = client.load(folder, dtype="float32", vision=vision, prompts="worker", rows_per_micro_batch=400)
        self.assertEqual(facts["model_type"], family.name)
        self.assertEqual(facts["end_tokens"], [processor.convert_tokens_to_ids("<|end|>")] if not family.sees else [
            processor.tokenizer.convert_tokens_to_ids("<|end|>")])
        self.assertEqual("" if facts["packs"] else CANNOT[family.name], facts["note"])
        asked = conversations(family.sees)
        groups, inputs = [], []
        draw = np.random.RandomState(4)
        for messages, images in asked:
            tokens = client.encode(messages, images)
            inputs.append(prepared(processor, family.sees, messages, images))
            self.assertEqual(tokens, inputs[-1]["input_ids"][0].tolist())
            # Any id may be sampled, also one that stands for an image.
            responses = [draw.randint(0, facts["vocabulary_size"], draw.randint(1, RESPONSE)).tolist() for _ in range(3)]
            responses[0][0] = (facts["picture_tokens"] or [5])[0]
            groups.append((tokens, images, responses))
        self.compare_log_probs(client, family, model, groups, inputs)
        self.compare_gradients(client, family, model, groups, inputs)
        self.compare_greedy(client, model, groups, inputs)
        self.compare_checkpoints(client, family, folder, groups)

    def compare_log_probs(self, client: Client, family: families.Family, model: Any, groups: list, inputs: list) -> None:
        found = client.log_probs(groups)
        with torch.no_grad():
            wanted = [
                _without_images_in_responses(model, own, response)
                for (_, _, responses), own in zip(groups, inputs) for response in responses
            ]
        worst = max(float(np.abs(one - two.numpy()).max()) for one, two in zip(found, wanted))
        print(f"\n  {family.name}: log-probabilities {worst:.1e}", end="", flush=True)
        self.assertLess(worst, 1e-4)

    def compare_gradients(self, client: Client, family: families.Family, model: Any, groups: list, inputs: list) -> None:
        slope = lambda place, values: np.full(len(values), 0.3 if (place[0] + place[1]) % 2 else -0.7, np.float32)
        client.accumulate(groups, slope)
        norm = client.step(learning_rate=0.0)["gradient_norm"]
        model.zero_grad()
        for group, ((_, _, responses), own) in enumerate(zip(groups, inputs)):
            for index, response in enumerate(responses):
                values = _without_images_in_responses(model, own, response)
                values.backward(torch.from_numpy(slope((group, index), values)))
        wanted = math.sqrt(sum(float(it.grad.double().square().sum()) for it in model.parameters() if it.grad is not None))
        print(f", gradient {abs(norm / wanted - 1):.1e}", end="", flush=True)
        self.assertLess(abs(norm / wanted - 1), 1e-4)

    def compare_greedy(self, client: Client, model: Any, groups: list, inputs: list) -> None:
        prompts = [(tokens, images) for tokens, images, _ in groups]
        found = client.generate(prompts, [[1, 2]] * len(prompts), temperature=0.0, max_tokens=RESPONSE)
        for number, own in enumerate(inputs):
            whole = model.generate(**own, max_new_tokens=RESPONSE, min_new_tokens=RESPONSE, do_sample=False, eos_token_id=None)
            wanted = whole[0, own["input_ids"].shape[1] :].tolist()
            self.assertEqual([found[(number, 0)], found[(number, 1)]], [wanted, wanted])

    def compare_checkpoints(self, client: Client, family: families.Family, folder: Path, groups: list) -> None:
        slope = lambda place, values: np.full(len(values), 0.01 if place[1] else -0.02, np.float32)
        saved = self.folder / "saved" / family.name
        saved.mkdir(parents=True)
        options = dict(dtype="float32", prompts="worker", rows_per_micro_batch=400)

        def train(steps: int, checkpoint: Path | None = None) -> None:
            client.load(folder, checkpoint, **options)
            for _ in range(steps):
                client.accumulate(groups, slope)
                client.step()

        train(3)
        client.save(saved / "whole")
        after = client.log_probs(groups)
        train(2)
        client.save(saved / "first")
        train(1, saved / "first")
        client.save(saved / "second")
        for file in sorted(it.relative_to(saved / "whole") for it in (saved / "whole").rglob("*") if it.is_file()):
            self.assertEqual((saved / "whole" / file).read_bytes(), (saved / "second" / file).read_bytes(), file)
        # transformers opens it, with nothing missing or left over.
        auto = transformers.AutoModelForImageTextToText if family.sees else transformers.AutoModelForCausalLM
        trained, report = auto.from_pretrained(saved / "whole", dtype=torch.float32, output_loading_info=True)
        self.assertEqual([set(), set(), set()], [set(report[it]) for it in ("missing_keys", "unexpected_keys", "mismatched_keys")])
        _, processor = reference(saved / "whole", family.sees)
        messages, images = conversations(family.sees)[0]
        with torch.no_grad():
            values = _without_images_in_responses(
                trained.eval(), prepared(processor, family.sees, messages, images), groups[0][2][0])
        self.assertLess(float(np.abs(after[0] - values.numpy()).max()), 1e-4)
        before = load_file(folder / "model.safetensors")
        moved = [key for key, it in load_file(saved / "whole/model.safetensors").items() if not torch.equal(it, before[key])]
        self.assertGreater(len(moved), 10)
        # In half precision the numbers are near.
        client.load(saved / "whole", dtype="bfloat16", prompts="worker", purpose="inference")
        near = client.log_probs(groups)
        self.assertLess(float(np.mean([np.abs(a - b).mean() for a, b in zip(after, near)])), 0.2)
        print(", saved and resumed", end="", flush=True)


class RankTests(unittest.TestCase):
    """Two ranks, with sharded weights, beside one."""

    def trained(self, folder: Path, ranks: int, **options: Any) -> tuple[list, dict, dict]:
        draw = np.random.RandomState(6)
        slope = lambda place, values: np.full(len(values), 0.01 if sum(place) % 2 else -0.02, np.float32)
        with Client(ranks) as client:
            facts = client.load(folder, dtype="float32", prompts="worker", rows_per_micro_batch=90, **options)
            client.images(PICTURES)
            asked = conversations(facts["takes_images"])
            prompts = [(client.encode(messages, images), images) for messages, images in [*asked, *asked]]
            groups = [
                (*prompt, [draw.randint(5, 200, draw.randint(1, RESPONSE)).tolist() for _ in range(3)]) for prompt in prompts]
            for _ in range(2):
                client.accumulate(groups, slope)
                client.step(learning_rate=1e-4)
            log_probs = client.log_probs(groups)
            sampled = client.generate(
                prompts, [[number, number + 9] for number in range(len(prompts))], max_tokens=8,
                end_tokens=facts["end_tokens"])
            saved = folder.parent / f"{folder.name}-{ranks}-{len(options)}"
            client.save(saved)
        return log_probs, sampled, load_file(saved / "model.safetensors")

    def test_two_ranks_are_as_good_as_one(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            for family in families.FAMILIES:
                if not family.moved:
                    continue
                for options in ({}, {"vision": "trained"}) if family.sees else ({},):
                    with self.subTest(f"{family.name} {options}"):
                        folder = Path(name) / family.name
                        if not folder.exists():
                            family.make(folder)
                        one, two = (self.trained(folder, ranks, **options) for ranks in (1, 2))
                        worst = max(float(np.abs(a - b).max()) for a, b in zip(one[0], two[0]))
                        weights = max(float((one[2][key] - two[2][key]).abs().max()) for key in one[2])
                        print(
                            f"\n  two ranks, {family.name} {options}: log-probabilities {worst:.1e}, weights {weights:.1e}",
                            end="", flush=True)
                        self.assertLess(worst, 1e-4)
                        self.assertLess(weights, 2e-5)
                        self.assertEqual(one[1], two[1])


class ProjectorTests(unittest.TestCase):
    """`vision: projector`: what joins the tower to the decoder is trained with the decoder, and no block."""

    JOINING = {
        "qwen2_vl": "visual.merger", "qwen2_5_vl": "visual.merger", "qwen3_vl": "merger", "qwen3_5": "merger", "glm4v": "visual.merger",
        "idefics3": "connector", "smolvlm": "connector",
    }  # fmt: skip

    def test_every_family(self) -> None:
        transformers.logging.disable_progress_bar()
        with tempfile.TemporaryDirectory() as name, Client() as client:
            client.images(PICTURES)
            for family in families.FAMILIES:
                if family.sees:
                    with self.subTest(family.name):
                        self.check(client, Path(name) / family.name, family)

    def check(self, client: Client, folder: Path, family: families.Family) -> None:
        family.make(folder)
        client.load(folder, dtype="float32", vision="projector", prompts="worker", rows_per_micro_batch=400)
        messages, images = conversations(True)[2]
        tokens = client.encode(messages, images)
        client.accumulate([(tokens, images, [[7, 8, 9]])], lambda place, values: np.full(len(values), 0.1, np.float32))
        client.step(learning_rate=1e-2)
        client.save(folder.parent / f"{family.name}-saved")
        before, after = (load_file(it / "model.safetensors") for it in (folder, folder.parent / f"{family.name}-saved"))
        moved = {key for key in after if key in before and not torch.equal(before[key].float(), after[key].float())}
        joining = {key for key in moved if self.JOINING.get(family.name, "projector") in key}
        towers = ("visual.", "vision_tower.", "vision_model.", "image_newline")
        self.assertTrue(joining)
        self.assertEqual({key for key in moved if any(part in key for part in towers)} - joining, set())


class AdapterTests(unittest.TestCase):
    """LoRA: all linear layers of the decoder, whatever they are called."""

    def setUp(self) -> None:
        transformers.logging.disable_progress_bar()

    def test_peft_opens_what_was_trained(self) -> None:
        from peft import PeftModel

        slope = lambda place, values: np.full(len(values), 0.01 if sum(place) % 2 else -0.02, np.float32)
        with tempfile.TemporaryDirectory() as name, Client() as client:
            client.images(PICTURES)
            for family in families.FAMILIES:
                with self.subTest(family.name):
                    folder = Path(name) / family.name
                    family.make(folder)
                    facts = client.load(folder, dtype="float32", prompts="worker", lora={"rank": 2, "alpha": 8})
                    self.assertGreater(facts["learning_count"], 0)
                    self.assertLess(facts["learning_count"], facts["parameter_count"] / 4)
                    messages, images = conversations(family.sees)[0]
                    groups = [(client.encode(messages, images), images, [[7, 8, 9], [10, 11]])]
                    before = client.log_probs(groups)
                    for _ in range(2):
                        client.accumulate(groups, slope)
                        client.step(learning_rate=1e-2)
                    after, start = client.log_probs(groups), client.log_probs(groups, of="reference")
                    self.assertGreater(max(np.abs(a - b).max() for a, b in zip(before, after)), 1e-2)
                    self.assertLess(max(np.abs(a - b).max() for a, b in zip(before, start)), 1e-6)
                    client.save(folder / "saved")
                    model, processor = reference(folder, family.sees)
                    adapted = PeftModel.from_pretrained(model, folder / "saved/adapter").eval()
                    vision = [it for it in adapted.state_dict() if "lora_" in it and ("vision" in it or "visual" in it)]
                    self.assertEqual(vision, [])
                    inputs = prepared(processor, family.sees, messages, images)
                    merged, _ = reference(folder / "saved", family.sees)
                    with torch.no_grad():
                        for opened in (adapted.base_model.model, merged):
                            found = expected_log_probs(opened, inputs, [7, 8, 9])
                            self.assertLess(float(np.abs(after[0] - found.numpy()).max()), 1e-4)


class TextTests(unittest.TestCase):
    """Texts, and prompts that cannot be used."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        transformers.logging.disable_progress_bar()
        for name in ("llava", "gpt_neox"):
            next(it for it in families.FAMILIES if it.name == name).make(cls.folder / name)

    def load(self, client: Client, name: str) -> dict:
        client.images(PICTURES)
        return client.load(self.folder / name, dtype="float32", prompts="worker", purpose="inference")

    def test_responses_become_text_and_stop_at_texts(self) -> None:
        with Client() as client:
            facts = self.load(client, "gpt_neox")
            prompt = client.encode([{"role": "user", "content": "Hi"}])
            self.assertEqual(client.decode(prompt), "Hi")
            # Ids that the tokenizer does not have are no text.
            self.assertEqual(client.decode([*prompt, facts["vocabulary_size"] - 1]), "Hi")
            whole = client.generate([(prompt, [])], [[3]], max_tokens=40)[(0, 0)]
            text = client.decode(whole)
            stop = text[4:6]
            found = client.generate([(prompt, [])], [[3]], max_tokens=40, stop=[stop])[(0, 0)]
            self.assertEqual(found, whole[: len(found)])
            self.assertTrue(client.decode(found).endswith(stop), (text, stop))
            self.assertNotIn(stop, client.decode(found[:-1]))

    def test_prompts_that_do_not_fit_are_refused(self) -> None:
        cases = [
            ("gpt_neox", lambda client: client.encode([{"role": "user", "content": "a"}], ["i0"]), "takes text alone"),
            ("gpt_neox", lambda client: client.log_probs([([5, 6], ["i0"], [[7]])]), "takes text alone"),
            (
                "llava", lambda client: client.encode([{"role": "user", "content": [{"type": "image"}]}], ["i0", "i1"]),
                "the model's processor does not take this prompt"),
            (
                "llava", lambda client: client.log_probs([([5, 6], ["i0"], [[7]])]),
                "0 image placeholders, but its 1 images take 16 tokens; expand"),
            (
                "llava", lambda client: client.encode([{"role": "tool", "content": "a"}], []),
                "the chat template does not take these messages: no tools here"),
        ]
        with Client() as client:
            loaded = ""
            for name, ask, message in cases:
                with self.subTest(message):
                    if name != loaded:
                        self.load(client, name)
                        loaded = name
                    with self.assertRaisesRegex(Refused, f"data: .*{message}"):
                        ask(client)
            # It is as good as new.
            client.encode([{"role": "user", "content": [{"type": "image"}]}], ["i0"])

    def test_a_last_message_of_the_assistant_is_continued(self) -> None:
        tokenizer = transformers.AutoTokenizer.from_pretrained(self.folder / "gpt_neox")
        with Client() as client:
            self.load(client, "gpt_neox")
            for content in ("It is ", "", [{"type": "text", "text": "It"}, {"type": "text", "text": " is"}]):
                messages = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": content}]
                plain = content if isinstance(content, str) else "".join(part["text"] for part in content)
                text = tokenizer.apply_chat_template(
                    [messages[0], {"role": "assistant", "content": plain}], continue_final_message=True, tokenize=False)
                self.assertTrue(text.endswith(plain))
                expected = tokenizer(text, add_special_tokens=False)["input_ids"]
                self.assertEqual([int(token) for token in client.encode(messages)], expected)

    def test_a_string_is_shown_by_templates_that_know_only_parts(self) -> None:
        folder = self.folder / "parts"
        shutil.copytree(self.folder / "llava", folder)
        template = "{% for m in messages %}{% for p in m['content'] %}{{ p['text'] if p['type'] == 'text' else '<image>' }}{% endfor %}{% endfor %}"
        (folder / "chat_template.jinja").write_text(template)
        with Client() as client:
            client.load(folder, dtype="float32", prompts="worker", purpose="inference")
            self.assertEqual(client.decode(client.encode([{"role": "user", "content": "Hi"}])), "Hi")


class OtherModelTests(unittest.TestCase):
    """Models that are not tested, and those that cannot be taken."""

    def setUp(self) -> None:
        transformers.logging.disable_progress_bar()

    def test_a_family_that_is_not_tested_says_so(self) -> None:
        with tempfile.TemporaryDirectory() as name, Client() as client:
            families.text("StableLmConfig", "StableLmForCausalLM")(Path(name))
            facts = client.load(Path(name), dtype="float32", prompts="worker")
            self.assertRegex(facts["note"], "^the family 'stablelm' is not among those that the worker is tested with; at start-up")
            self.assertTrue(facts["shares_prompts"])

    def test_models_that_cannot_be_taken(self) -> None:
        with tempfile.TemporaryDirectory() as name, Client() as client:
            folder = Path(name)

            def refused(config: dict, message: str, **options: Any) -> None:
                (folder / "config.json").write_text(json.dumps(config))
                with self.subTest(message), self.assertRaisesRegex(Refused, message):
                    client.load(folder, prompts="worker", **options)

            refused(
                {"model_type": "t5"},
                "model: .* is a 't5', which transformers .* has neither as a causal language model nor as a model from images and "
                "text to text; take one that is; tested are gemma2, .*, smolvlm")
            refused({"model_type": "of-next-year"}, "model: .*config.json cannot be read: .*of-next-year")
            refused(
                {"model_type": "llama", "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
                "model: .*'quantization_config'; quantised weights cannot be trained")
            refused({"model_type": "llama"}, "options: .*policy.with.attention 'none_such'", attention="none_such")
            families.text("LlamaConfig", "LlamaForCausalLM")(folder)
            with self.assertRaisesRegex(Refused, "options: .*vision is 'trained', but a 'llama' has no vision tower"):
                client.load(folder, prompts="worker", vision="trained")
            with self.assertRaisesRegex(Refused, "options: .*vision is 'projector', but a 'llama' has no vision tower"):
                client.load(folder, prompts="worker", vision="projector")
            families.text("MixtralConfig", "MixtralForCausalLM", num_local_experts=2, num_experts_per_tok=1)(folder / "experts")
            with self.assertRaisesRegex(Refused, "model: .* as mixtures of experts do; .*; take a dense model"):
                client.load(folder / "experts", prompts="worker")


class ComparisonTests(unittest.TestCase):
    """What a pipeline that makes tokens and pixels itself is told where it makes others."""

    def compare(self, client: Client, processor: Any, text: str, tokens: list[int], resized_image: np.ndarray) -> None:
        client.images({"a": PICTURES["i1"], "b": resized_image})
        client.ask(
            {
                "kind": "compare", "images": ["a", "b"], "bounds": {"min_pixels": 256, "max_pixels": 4096},
                "messages": conversations(True)[2][0], "text": text,
            },
            {"tokens": client_payload(tokens)})

    def test_differences_are_named(self) -> None:
        family = next(it for it in families.FAMILIES if it.name == "qwen3_vl")
        with tempfile.TemporaryDirectory() as name, Client() as client:
            folder = Path(name)
            family.make(folder)
            _, processor = reference(folder, True)
            client.load(folder, dtype="float32", purpose="inference")
            text = processor.apply_chat_template(conversations(True)[2][0], add_generation_prompt=True, tokenize=False)
            shown = dict(processor(text=[text], images=[[Image.fromarray(PICTURES["i1"])]], return_tensors="pt"))
            tokens, (_, rows, columns) = shown["input_ids"][0].tolist(), shown["image_grid_thw"][0].tolist()
            image = np.array(Image.fromarray(PICTURES["i1"]).resize((8 * columns, 8 * rows), Image.Resampling.BICUBIC))
            self.compare(client, processor, text, tokens, image)
            start = "model: the pipeline and the model's own {} do not agree on a prompt"
            with self.assertRaisesRegex(Refused, start.format("chat template")):
                self.compare(client, processor, text + "!", tokens, image)
            with self.assertRaisesRegex(Refused, start.format("tokenizer") + r": .* from place 4 on"):
                self.compare(client, processor, text, [*tokens[:4], 1, *tokens[5:]], image)
            other = image.copy()
            other[0, 0, 0] ^= 3
            with self.assertRaisesRegex(Refused, start.format("image processor") + ": .*'pixel_values', .* differ by up to 0.0"):
                self.compare(client, processor, text, tokens, other)
            with self.assertRaisesRegex(Refused, start.format("image processor")):
                self.compare(client, processor, text, tokens, np.ascontiguousarray(image[:16, :16]))


def client_payload(tokens: list[int]) -> Any:
    """Tokens in a message."""
    from shuffle_r1_worker import work

    return work.payload(tokens, "int32")


def _without_images_in_responses(model: Any, inputs: dict, response: list[int]) -> torch.Tensor:
    """As `expected_log_probs`, with placeholders in the response embedded like any other token."""
    marks = [getattr(model.config, name, None) for name in ("image_token_id", "video_token_id")]
    if not any(token in marks for token in response):
        return expected_log_probs(model, inputs, response)
    tokens = longer(inputs, response)["input_ids"]
    hook = model.get_input_embeddings().register_forward_pre_hook(lambda module, given: (tokens,))
    try:
        plain = [0 if token in marks else token for token in response]
        logits = model(**longer(inputs, plain)).logits[0, -len(response) - 1 : -1]
    finally:
        hook.remove()
    return torch.log_softmax(logits.float(), -1).gather(1, torch.tensor(response)[:, None])[:, 0]


if __name__ == "__main__":
    unittest.main()
