# SPDX-License-Identifier: Apache-2.0
"""Pipelines over shards of rollouts: what to give to which task, and how to put together what comes back.

Standard library only. An engine (Spark, Ray, a pool of threads) is a function that maps tasks; see `job.run`.
"""
