# SPDX-License-Identifier: Apache-2.0
"""The worker against stored numbers of transformers: log-probabilities, gradient norms, greedy tokens.

Beside the models in Tests/BundledPluginTests/Fixtures, `qwen2_5_vl_tiny` of the folder that SHUFFLE_R1_ORACLES names.
"""

import json
import math
import unittest

import numpy as np

from worker_client import FIXTURES, ORACLES, Client, resized

COUNT = 5
"""The tokens at the end of each case that the stored loss is the mean over."""


class OracleTests(unittest.TestCase):
    def check(self, folder) -> None:
        document = json.loads((folder / "oracle.json").read_text())
        config = json.loads((folder / "model/config.json").read_text())
        patch = config["vision_config"]["patch_size"]
        pictures, groups = {}, []
        for number, case in enumerate(document["cases"]):
            grids = case["image_grid_thw"]
            grids = [grids] if grids and not isinstance(grids[0], list) else grids
            names = case["images"] if "images" in case else [case["image"]] if grids else []
            own = [f"{number}-{index}" for index in range(len(grids))]
            pictures |= {it: resized(folder / name, grid, patch) for it, name, grid in zip(own, names, grids)}
            groups.append((case["input_ids"][:-COUNT], own, [case["input_ids"][-COUNT:]]))
        with Client() as client:
            client.load(folder / "model", dtype="float32", vision="trained", attention="eager")
            client.images(pictures)
            found = client.log_probs(groups)
            expected = [case["token_log_probs"][-COUNT:] for case in document["cases"]]
            worst = max(float(np.abs(one - two).max()) for one, two in zip(found, expected))
            print(f"\n  {folder.name}: log-probabilities {worst:.1e}", end="")
            self.assertLess(worst, 1e-4)
            for group, case in zip(groups, document["cases"]):
                client.accumulate([group], lambda _, values: np.full(len(values), -1 / COUNT))
                norm = client.step(learning_rate=0.0)["gradient_norm"]
                stored = math.sqrt(sum(it**2 for it in case["grad_norms"].values()))
                self.assertLess(abs(norm / stored - 1), 1e-4, case["grad_norms"].keys())
            print(f", gradient norms of {len(groups)} cases to 1e-4", end="")
            same = 0
            for group, case in zip(groups, document["cases"]):
                greedy = case.get("greedy", case.get("greedy_8"))
                prompt = (case["input_ids"], group[1])
                tokens = client.generate([prompt], [[1]], temperature=0.0, max_tokens=len(greedy))[(0, 0)]
                self.assertEqual(tokens, greedy)
                same += 1
            print(f", greedy tokens of {same} cases equal", flush=True)

    def test_fixtures(self) -> None:
        for folder in sorted(FIXTURES.iterdir()):
            with self.subTest(folder.name):
                self.check(folder)

    @unittest.skipIf(ORACLES is None, "SHUFFLE_R1_ORACLES does not name the folder of the oracles")
    def test_official(self) -> None:
        self.check(ORACLES / "qwen2_5_vl_tiny")


if __name__ == "__main__":
    unittest.main()
