# SPDX-License-Identifier: Apache-2.0
"""A policy for shuffle-r1 in a process of its own: transformers on PyTorch, spoken to over a pipe or a socket."""

__version__ = "1.0"
