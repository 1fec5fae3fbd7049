#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens reports in Chromium and compares what the pages show with the files that they are made of.

usage: test_report.py PROGRAM [-k NAME]

`make test-report` runs it. Needs playwright (any browser of its own is not: the system's chromium is driven).
"""

import csv
import http.client
import io
import json
import math
import re
import signal
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from urllib.parse import quote, urlparse

from playwright.sync_api import sync_playwright

import material

PROGRAM = str(Path(sys.argv.pop(1)).resolve()) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else ".build/release/shuffle-r1"
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


def lines(path: Path) -> list:
    return [json.loads(line) for line in path.read_text().splitlines()]


def short(value: float) -> str:
    """A number as the page shows it: four significant digits."""
    if value == int(value):
        return f"{int(value):,}"
    digits = max(0, min(8, 3 - math.floor(math.log10(abs(value)))))
    text = str(Decimal(value).quantize(Decimal(10) ** -digits, ROUND_HALF_UP))
    return text.rstrip("0").rstrip(".")


class Browser(unittest.TestCase):
    """One browser for all tests, and a folder with the material."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="shuffle-r1-report-"))
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        cls.context = cls.browser.new_context(viewport={"width": 1200, "height": 900}, accept_downloads=True)

    @classmethod
    def tearDownClass(cls):
        cls.context.close()
        cls.browser.close()
        cls.playwright.stop()
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.complaints = []
        self.page = None

    def tearDown(self):
        if self.page:
            self.page.close()
        self.assertEqual(self.complaints, [], "the console of the browser")

    @classmethod
    def report(cls, name: str, *paths, options=()) -> Path:
        output = cls.folder / "reports" / name
        if not output.exists():
            output.parent.mkdir(exist_ok=True)
            subprocess.run([PROGRAM, "report", *map(str, paths), "--output", str(output), "--quiet", *options], check=True)
        return output

    def open(self, address, view: str = ""):
        """Opens a report's folder, a single file or an address at a view, and waits until all of it is there."""
        if isinstance(address, Path):
            address = "file://" + quote(str(address / "index.html" if address.is_dir() else address))
        if self.page:
            self.page.close()
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address + ("#/" + view if view else ""))
        self.wait("document.documentElement.dataset.ready === 'yes'")
        return self.page

    def wait(self, expression: str, seconds: float = 30):
        """Waits until an expression is true; asked from outside, since the page's policy lets no text become code."""
        end = time.time() + seconds
        while not self.page.evaluate(expression):
            if time.time() > end:
                self.fail(f"never became true: {expression}")
            time.sleep(0.05)

    def text(self, selector: str = "main") -> str:
        return self.page.locator(selector).first.inner_text()

    def fact(self, name: str) -> str:
        return self.page.locator(f"table.facts tr:has(th:text-is('{name}')) td").first.inner_text()


class RunPages(Browser):
    """The pages of a run with training, in numbers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prompts = material.prompts(cls.folder, 16)
        cls.run_folder = material.train(PROGRAM, cls.prompts, cls.folder / "run", 4)
        cls.lineage = lines(cls.run_folder / "lineage.jsonl")
        rollouts = subprocess.run(["zstd", "-dc", cls.run_folder / "rollouts.jsonl.zst"], check=True, capture_output=True).stdout
        cls.rollouts = {(record["step"], record["id"]): record for record in map(json.loads, rollouts.splitlines())}
        cls.path = cls.report("run", cls.run_folder)

    def test_run(self):
        self.open(self.path)
        self.assertIn("4 steps, finished", self.fact("state"))
        tokens = sum(line["perf/response_tokens"] for line in lines(self.run_folder / "metrics.jsonl"))
        self.assertIn(f"{len(self.lineage)} rollouts, {int(tokens):,} tokens", self.fact("cost"))
        last = lines(self.run_folder / "evaluations.jsonl")[-1]
        label = self.page.locator(".chart .frame").first.get_attribute("aria-label")
        self.assertIn(short(last["val/accuracy"]), label)
        # The cursor names the values of a step.
        self.page.locator(".chart .frame").first.focus()
        self.page.keyboard.press("ArrowLeft")
        first = lines(self.run_folder / "evaluations.jsonl")[-2]
        self.assertIn(short(first["val/accuracy"]), self.text(".chart .readout"))
        self.page.locator("details.rest summary").first.click()
        self.page.wait_for_selector("details.rest .chart")

    def test_axes_and_smoothing(self):
        for axis in ("tokens", "seconds"):
            self.open(self.path, f"run?x={axis}&smooth=0.6")
            self.assertGreater(self.page.locator(".chart svg path.line").count(), 5)

    def test_flow(self):
        self.open(self.path, "flow")
        trained = sum(entry["outcome"] == "kept" for entry in self.lineage)
        self.assertIn(f"{len(self.lineage)} rollouts came in, {trained} ", self.text())
        rules = {}
        for entry in self.lineage:
            if entry["outcome"] == "dropped":
                rules[entry["rule"]] = rules.get(entry["rule"], 0) + 1
        for rule, count in rules.items():
            self.assertIn(f"−{count:,}", self.page.locator(f"tr.rule:has-text('{rule}')").inner_text())
            self.page.locator("tr.rule a", has_text=rule).click()
            self.page.wait_for_selector(".count")
            self.assertTrue(self.text(".count").startswith(f"{count:,} of"), self.text(".count"))
            self.page.go_back()
            self.page.wait_for_selector(".flow-table")

    def test_group(self):
        name = self.lineage[0]["group"]
        self.open(self.path, f"group?run=0&step=0&group={quote(name)}")
        members = [entry for entry in self.lineage if entry["step"] == 0 and entry["group"] == name]
        cards = self.page.locator(".rollout")
        self.assertEqual(cards.count(), len(members))
        ranked = sorted(range(len(members)), key=lambda i: (-members[i].get("reward", -9), -members[i].get("advantage", -9), i))
        self.wait("[...document.querySelectorAll('.rollout .words')].every(words => words.textContent !== '…')")
        for place, index in enumerate(ranked):
            entry, card = members[index], cards.nth(place).inner_text()
            self.assertIn(entry["id"].removeprefix(name), card)
            self.assertIn(short(entry["reward"]), card)
            if "draws" in entry:
                self.assertIn(f"×{len(entry['draws'])}", card)
            if entry["outcome"] == "dropped":
                self.assertIn(f"dropped by {entry['stage']}: {entry['rule']}: ", card)
            # Up to the first thing that cannot be seen, which the page names.
            start = re.match(r"[ -~]{0,20}", self.rollouts[0, entry["id"]]["response"])[0]
            self.assertIn(start.strip(), card)
        pairs = {entry["pair"]["rank"] for entry in members if "pair" in entry}
        self.assertEqual(self.page.locator("svg.pairs path").count(), len(pairs))
        self.assertEqual(self.page.locator(".question-box img").evaluate("image => image.naturalWidth"), 64)
        heading = self.text("h1")
        self.page.keyboard.press("n")
        self.wait(f"document.querySelector('h1').textContent !== {json.dumps(heading)}")
        self.page.keyboard.press("p")
        self.wait(f"document.querySelector('h1').textContent === {json.dumps(heading)}")

    def test_trajectory(self):
        entry = next(entry for entry in self.lineage if "draws" in entry and entry["step"] == 1)
        record = self.rollouts[1, entry["id"]]
        self.open(self.path, f"trajectory?run=0&step=1&id={quote(entry['id'])}")
        self.assertEqual(self.page.locator("tr:has(th:text-is('advantage')) td span").get_attribute("title"), repr(entry["advantage"]).replace("e-0", "e-"))
        self.assertIn(entry["pair"]["partner"], self.fact("pair"))
        self.assertEqual(self.fact("draws"), str(len(entry["draws"])))
        self.assertEqual(self.page.locator(".token:not(.scale *)").count(), len(record["tokens"]))
        self.page.locator("summary", has_text="the line of JSONL").click()
        self.assertEqual(json.loads(self.page.locator(".text.code").last.inner_text()), record)
        # The tokens' texts come from the model's tokenizer, and make up the response.
        text = re.sub("(<0x[0-9A-F]{2}>)+", "\ufffd", "".join(self.page.locator(".tokens .token").all_text_contents()))
        self.assertTrue(text.startswith(re.match(r"[ -~]*", record["response"])[0]), text)

    def test_table(self):
        self.open(self.path, "table?where=" + quote("reward < 0.5 & finish = stop & step > 1"))
        wanted = [entry for entry in self.lineage if entry.get("reward", 9) < 0.5 and entry["step"] > 1
                  and self.rollouts[entry["step"], entry["id"]]["finish"] == "stop"]
        self.assertTrue(self.text(".count").startswith(f"{len(wanted):,} of {len(self.lineage):,} rows"), self.text(".count"))
        for filter, test in [
            ("right = yes | advantage > 1", lambda e: e["rewards"]["accuracy"] >= 0.5 or e.get("advantage", -9) > 1),
            ("!(trained > 0)", lambda e: e["outcome"] != "kept"), ("answer ~ RE & draws", lambda e: "draws" in e and "re" in self.rollouts[e["step"], e["id"]]["answer"]),
            ("rewards.format = 1", lambda e: e["rewards"].get("format") == 1), ("format = 0", lambda e: e["rewards"].get("format") == 0),
        ]:
            self.page.fill("input[type=search]", filter)
            count = sum(map(test, self.lineage))
            self.assertTrue(self.text(".count").startswith(f"{count:,} of"), f"{filter}: {self.text('.count')}, not {count}")
        self.assertIn(quote("format = 0", safe=""), self.page.url.replace("+", "%20"))
        self.page.fill("input[type=search]", "reward <")
        self.assertIn("a value is expected", self.text(".error"))
        self.page.fill("input[type=search]", "rewrad = 1")
        self.assertIn("there is no column “rewrad”", self.text(".error"))

    def test_sort_and_save(self):
        self.open(self.path, "table?sort=reward&down=1&columns=id,step,reward,advantage,right")
        rewards = [float(text) for text in self.page.locator(".rows tbody tr td:nth-child(3)").all_inner_texts() if text]
        self.assertEqual(rewards, sorted(rewards, reverse=True))
        with self.page.expect_download() as download:
            self.page.locator("button", has_text="CSV").click()
        found = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
        self.assertEqual(len(found), len(self.lineage))
        by_id = {(int(row["step"]), row["id"]): row for row in found}
        for entry in self.lineage:
            self.assertEqual(float(by_id[entry["step"], entry["id"]]["reward"]), entry["reward"])
        self.page.fill("input[type=search]", "step = 2")
        with self.page.expect_download() as download:
            self.page.locator("button", has_text="JSONL").click()
        found = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
        self.assertEqual({record["id"] for record in found}, {entry["id"] for entry in self.lineage if entry["step"] == 2})

    def test_search_in_responses(self):
        word = "color"
        self.open(self.path, "table?text=" + word)
        count = sum(word in record["response"] for record in self.rollouts.values())
        self.wait(f"document.querySelector('.count').textContent.startsWith('{count:,} of')")

    def test_queries(self):
        self.open(self.path, "query")
        groups = {entry["group"] for entry in self.lineage}
        self.assertEqual(self.text("h1"), f"{len(groups)} queries")
        name = self.lineage[0]["group"]
        self.open(self.path, f"query?run=0&group={quote(name)}")
        steps = {entry["step"] for entry in self.lineage if entry["group"] == name}
        self.assertIn(f"Asked in {len(steps)} step", self.text())
        right = sum(e["rewards"]["accuracy"] >= 0.5 for e in self.lineage if e["group"] == name and e["step"] == min(steps))
        members = sum(e["group"] == name and e["step"] == min(steps) for e in self.lineage)
        self.assertIn(f"{right} of {members}", self.text("table.plain tbody tr"))

    def test_keys(self):
        self.open(self.path)
        for key, view in (("t", "table"), ("g", "group"), ("f", "flow"), ("q", "query"), ("r", "run")):
            self.page.keyboard.press(key)
            self.page.wait_for_selector(f".view.{view}")
        self.page.keyboard.press("?")
        self.assertTrue(self.page.locator("dialog").evaluate("dialog => dialog.open"))
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("d")
        self.assertIn(self.page.evaluate("document.documentElement.dataset.theme"), ("dark", "light"))
        self.page.evaluate("localStorage.clear()")

    def test_narrow(self):
        for view in ("run", "flow", "group", "query", "table", f"trajectory?step=0&id={quote(self.lineage[0]['id'])}"):
            self.open(self.path, view)
            self.page.set_viewport_size({"width": 400, "height": 800})
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            self.assertLessEqual(wide, 400, f"{view} is wider than the window")

    def test_single(self):
        self.open(self.report("single.html", self.run_folder, options=["--single"]), "group")
        self.assertEqual(self.page.locator(".question-box img").evaluate("image => image.naturalWidth"), 64)
        self.page.keyboard.press("t")
        self.page.wait_for_selector(".view.table")
        self.assertIn(f"of {len(self.lineage):,} rows", self.text(".count"))

    def test_sample(self):
        self.open(self.report("sample", self.run_folder, options=["--sample", "20"]), "table")
        shown = int(self.text(".count").split(" ")[0].replace(",", ""))
        self.assertTrue(20 <= shown < 28, shown)
        self.assertIn(f"A sample: {shown} of {len(self.lineage)} rollouts", self.text("#notes"))

    def test_charts(self):
        path = self.report("charts", self.run_folder, options=["--charts"])
        files = {file.name for file in (path / "charts").iterdir()}
        self.assertIn("val-accuracy.svg", files)
        page = self.context.new_page()
        page.goto("file://" + str(path / "charts" / "val-accuracy.svg"))
        self.assertEqual(page.evaluate("document.documentElement.localName"), "svg")
        self.assertEqual(page.locator("circle").count(), len(lines(self.run_folder / "evaluations.jsonl")))
        page.close()

    def test_two_runs(self):
        other = material.train(PROGRAM, self.prompts, self.folder / "grpo", 4, "stages.pairwise-sample.keep=1")
        path = self.report("two", self.run_folder, other)
        self.open(path)
        self.assertEqual(self.page.locator(".chart .legend").first.locator(".key").count(), 2)
        self.open(path, "compare")
        theirs = {(e["step"], e["id"]): e for e in lines(other / "lineage.jsonl")}
        both = sum(e["outcome"] == "kept" and theirs.get((e["step"], e["id"]), {}).get("outcome") == "kept" for e in self.lineage)
        self.assertIn(f"Trained on by both: {both:,} ", self.text())
        self.page.locator("table.plain tbody td:nth-child(2) a").first.click()
        self.page.wait_for_selector(".side-by-side")
        self.assertEqual(self.page.locator(".side-by-side section").count(), 2)
        self.open(path, "experiment")
        self.assertIn("2 arms, 2 runs", self.text("h1"))

    def test_experiment(self):
        study = self.folder / "study"
        for arm, keep in (("half", 0.5), ("all", 1)):
            for seed in (1, 2):
                material.train(PROGRAM, self.prompts, study / arm / f"seed-{seed}", 2, f"seed={seed}", f"stages.pairwise-sample.keep={keep}")
        self.open(self.report("study", study), "experiment")
        self.assertIn("2 arms, 4 runs", self.text("h1"))
        ends = {(arm, seed): lines(study / arm / f"seed-{seed}" / "evaluations.jsonl")[-1]["val/accuracy"] for arm in ("all", "half") for seed in (1, 2)}
        row = self.page.locator("tbody tr", has=self.page.locator("th", has_text="half")).inner_text()
        self.assertIn(short((ends["half", 1] + ends["half", 2]) / 2), row)
        difference = sum(ends["half", seed] - ends["all", seed] for seed in (1, 2)) / 2
        self.assertIn(short(abs(difference)), row)


class OddRuns(Browser):
    """Runs that are not there, not over, or not whole."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prompts = material.prompts(cls.folder, 16)

    def test_killed(self):
        output = self.folder / "killed"
        process = subprocess.Popen(material.training_command(PROGRAM, self.prompts, output, 500))
        self.wait_for_steps(output, 3)
        process.kill()
        process.wait()
        steps = json.loads((output / "state.json").read_text())["complete_steps"]
        self.open(self.report("killed", output))
        self.assertIn(f"{steps} steps, stopped", self.fact("state"))
        self.assertIn(f"{steps * 32} rollouts", self.text("#foot"))

    def wait_for_steps(self, output: Path, count: int):
        for _ in range(600):
            try:
                if json.loads((output / "state.json").read_text())["complete_steps"] >= count:
                    return
            except (OSError, ValueError):
                pass
            time.sleep(0.1)
        self.fail("the run did not get on")

    def test_live(self):
        output = self.folder / "live"
        run = subprocess.Popen(material.training_command(PROGRAM, self.prompts, output, 60))
        self.wait_for_steps(output, 1)
        view = subprocess.Popen([PROGRAM, "view", str(output), "--no-browser", "--quiet"], stdout=subprocess.PIPE, text=True)
        try:
            address = view.stdout.readline().strip()
            self.open(address)
            self.assertIn("going on", self.fact("state"))
            before = int(self.page.evaluate("store.count"))
            self.wait(f"store.count > {before}", 60)
            self.wait("document.querySelector('table.facts td').textContent.startsWith('60 steps, finished')", 120)
            self.assertEqual(self.page.evaluate("store.count"), len(lines(output / "lineage.jsonl")))
            self.refuse_others(address)
            self.page.close()
            self.page = None
        finally:
            view.send_signal(signal.SIGINT)
            self.assertIsNotNone(view.wait(20))
            view.stdout.close()
            run.wait()

    def refuse_others(self, address: str):
        """What a server must not give."""
        site, token = urlparse(address), urlparse(address).path.strip("/")
        def status(path, method="GET", host=site.netloc):
            connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
            connection.putrequest(method, path, skip_host=True)
            if host:
                connection.putheader("Host", host)
            connection.endheaders()
            found = connection.getresponse().status
            connection.close()
            return found
        self.assertEqual(status(f"/{token}/"), 200)
        self.assertEqual(status(f"/{token}/data/manifest.js"), 200)
        for path in ("/", "/index.html", f"/{token[::-1]}/", "/data/manifest.js", f"/{token}/../{token}/", f"/{token}/data/../../etc/passwd",
                     f"/{token}//etc/passwd", f"/{token}/data/%2e%2e/%2e%2e/etc/passwd", f"/{token}/data/.hidden.js", f"/{token}/data", f"/{token}/data/manifest.js/x"):
            self.assertEqual(status(path), 404, path)
        self.assertEqual(status(f"/{token}/", host="example.org"), 403)
        self.assertEqual(status(f"/{token}/", host=None), 403)
        self.assertEqual(status(f"/{token}/", method="POST"), 405)

    def test_without_rollouts(self):
        output = material.train(PROGRAM, self.prompts, self.folder / "bare", 2, "output.lineage=false", "output.all_rollouts=off")
        (output / "selected.jsonl").unlink()
        for view in ("run", "flow", "group", "query", "table"):
            self.open(self.report("bare", output), view)
        self.open(self.report("bare", output))
        self.assertIn("2 steps, finished", self.fact("state"))
        self.assertIn("none", self.fact("lineage"))

    def test_few(self):
        records = [{"id": f"a/{i}", "group": "a", "response": f"\\boxed{{{i}}}", "answer": "1", "reward": float(i == 1)} for i in range(3)]
        path = self.report("few", material.write_lines(self.folder / "few.jsonl", records))
        for view in ("run", "group", "query", "table", "trajectory?id=a/1"):
            self.open(path, view)
        self.assertIn("✓ right", self.fact("reward"))

    def test_peers(self):
        for name, file in material.peers(self.folder / "peers").items():
            self.open(self.report(name, file), "group")
            self.assertEqual(self.page.locator(".rollout").count(), 2, name)
            self.page.wait_for_selector(".rollout .answer")
            self.assertIn("What is 2 + 3?", self.text(".question-box"))
            self.assertIn("1 of 2 right", self.text(".question-box"))

    def test_worker(self):
        """A run whose policy is the PyTorch worker, where `make worker` has installed it."""
        python = material.ROOT / ".venv-worker" / "bin" / "python"
        if not python.exists() or subprocess.run([python, "-c", "import shuffle_r1_worker, torch, transformers"]).returncode:
            self.skipTest("there is no worker; `make worker` installs it")
        policy = {"use": "worker", "with": {"model": str(material.ROOT / "Examples/easy-vqa/model"), "python": str(python)}}
        output = material.train(PROGRAM, self.prompts, self.folder / "worker", 1, "policy=" + json.dumps(policy))
        path = self.report("worker", output)
        self.open(path)
        self.assertIn("worker", self.fact("policy"))
        self.assertIn("1 step, finished", self.fact("state"))
        for view in ("flow", "group", "query", "table"):
            self.open(path, view)
        self.assertIn(f"{len(lines(output / 'lineage.jsonl'))} rollouts", self.text("#foot"))

    def test_settings(self):
        output = material.train(PROGRAM, self.prompts, self.folder / "set", 1, 'output.report.columns=["id","reward"]', "output.report.accuracy=format")
        self.open(self.report("set", output), "table")
        self.assertEqual(self.page.locator(".rows th").all_inner_texts(), ["id", "reward"])
        self.assertEqual(self.page.evaluate("store.accuracyColumn"), "rewards.format")
        self.open(self.report("set2", output, options=["--columns", "id,step", "--accuracy", "accuracy"]), "table")
        self.assertEqual(self.page.locator(".rows th").all_inner_texts(), ["id", "step"])
        self.assertEqual(self.page.evaluate("store.accuracyColumn"), "rewards.accuracy")


class HostileRollouts(Browser):
    """Everything that a record holds is text, and nothing of it runs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = material.hostile(cls.folder / "hostile")
        cls.path = cls.report("hostile", cls.file)

    def pages(self):
        yield from ("run", "group", "query", "table", "table?where=" + quote('response | finish ~ "<u>"'), "table?text=" + quote("<script>"))
        for group in range(len(material.HARM)):
            yield f"group?step={group % 2}&group=" + quote(f"g<b>&{group}", safe="")
            yield f"query?group=" + quote(f"g<b>&{group}", safe="")
        for index, name in enumerate(material.HARM):
            yield f"trajectory?step={index % 2}&id=" + quote(f"{name}<script>/'\"{index}", safe="")
        yield "trajectory?id=" + quote("<img src=x onerror=window.harmed=1>", safe="")
        yield quote("<script>window.harmed=1</script>", safe="")
        yield "table?sort=__proto__&columns=__proto__,constructor,id"

    def test_nothing_runs(self):
        for view in self.pages():
            self.open(self.path, view)
            self.assertIsNone(self.page.evaluate("window.harmed ?? null"), view)
            self.assertEqual(self.page.evaluate("document.querySelectorAll('main script, main iframe, main b b, main i, main u, main [onerror], main svg[onload]').length"), 0, view)
            links = self.page.evaluate("[...document.links].map(link => link.getAttribute('href'))")
            self.assertTrue(all(link.startswith(("#", "pictures/")) for link in links), view)
        self.assertIsNone(self.page.evaluate("({}).polluted ?? null"))

    def test_shown_as_text(self):
        self.open(self.path, "trajectory?step=0&id=" + quote("markup<script>/'\"0", safe=""))
        self.assertIn("<script>window.harmed='script'</script>", self.text(".response"))
        self.open(self.path, "trajectory?step=0&id=" + quote("direction<script>/'\"4", safe=""))
        self.assertIn("U+202E", self.text(".response"))
        self.assertIn("U+200B", self.text(".response"))
        self.open(self.path, "trajectory?step=1&id=" + quote("terminal<script>/'\"3", safe=""))
        self.assertIn("␛", self.text(".response"))
        self.open(self.path, "trajectory?step=1&id=" + quote("large<script>/'\"9", safe=""))
        self.assertIn("characters more", self.text(".response"))
        self.assertLess(len(self.text()), 100_000)

    def test_pictures(self):
        names = {file.name for file in (self.path / "pictures").iterdir()}
        self.assertTrue(all(name.endswith((".png", ".jpg")) for name in names), names)
        self.assertEqual(len([name for name in names if "-small" not in name]), 1, "only the one real picture is kept")
        everything = b"".join(file.read_bytes() for file in (self.path / "data").iterdir())
        self.assertNotIn(b"nobody's business", everything)
        self.assertNotIn(b"root:", everything)

    def test_bad_records_are_named(self):
        self.open(self.path, "table")
        # Half a pair of surrogates is no text in UTF-8, so that its record is bad too.
        self.assertRegex(self.text("#notes"), r"[34] records could not be used")

    def test_policy(self):
        """The page's own policy stops what might get in all the same."""
        self.open(self.path, "table")
        self.page.evaluate("""() => {
          const script = document.createElement('script'); script.textContent = "window.harmed = 'inline'"; document.body.append(script);
          const image = document.createElement('img'); image.src = 'http://127.0.0.1:9/x.png'; document.body.append(image);
          const link = document.createElement('a'); link.href = "javascript:window.harmed='link'"; document.body.append(link); link.click();
        }""")
        time.sleep(0.3)
        self.assertIsNone(self.page.evaluate("window.harmed ?? null"))
        self.assertEqual(self.page.evaluate("fetch('data/manifest.js').then(() => 'read', () => 'refused')"), "refused")
        self.assertTrue(self.complaints, "the browser says that it refused")
        self.complaints.clear()

    def test_single_file(self):
        self.open(self.report("hostile.html", self.file, options=["--single"]), "group")
        self.assertIsNone(self.page.evaluate("window.harmed ?? null"))
        self.assertGreater(self.page.locator(".rollout").count(), 0)


if __name__ == "__main__":
    if not CHROMIUM:
        sys.exit("test_report: there is no chromium; install it (Debian, Ubuntu: sudo apt-get install chromium)")
    unittest.main(verbosity=2)
