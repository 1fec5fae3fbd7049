# SPDX-License-Identifier: Apache-2.0
"""Loads a script without an ending, as the examples have them, as a module: for tests, and for scripts that use another's."""

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

sys.dont_write_bytecode = True


def script(path: Path):
    loader = SourceFileLoader(f"{path.parent.name}_{path.name}".replace("-", "_"), str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module
