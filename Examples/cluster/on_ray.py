#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a pipeline over shards of rollouts on Ray.

Ray decides where a task runs, and runs it again where a worker is lost. The shards do not pass through it: tasks
read them where they lie.
"""

import os
import sys

import ray
from sharding import job


def engine(threads: int) -> job.Engine:
    """Each task takes as many of a node's cores as it may have threads."""
    remote = ray.remote(num_cpus=threads, max_retries=3, retry_exceptions=[OSError])(lambda attempt: attempt())
    return lambda attempts: ray.get([remote.remote(attempt) for attempt in attempts])


if __name__ == "__main__":
    parser = job.arguments(__doc__)
    parser.add_argument(
        "--address", help="the cluster's address; by default that of RAY_ADDRESS, or one of its own here"
    )
    parser.add_argument("--cores", type=job.positive, metavar="N", help="cores of a cluster of its own")
    options = parser.parse_args()
    package = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sharding")
    ray.init(address=options.address, num_cpus=options.cores, runtime_env={"py_modules": [package]})
    try:
        status = job.main(options, engine(options.threads))
    finally:
        ray.shutdown()
    sys.exit(status)
