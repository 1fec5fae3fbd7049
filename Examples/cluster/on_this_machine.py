#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a pipeline over shards of rollouts on a few threads of this machine: no engine, the same tasks."""

import sys
from concurrent.futures import ThreadPoolExecutor

from sharding import job, program


def engine(workers: int) -> job.Engine:
    """Tasks on threads; each waits for a process of its own."""

    def run(attempts: list) -> list:
        pool = ThreadPoolExecutor(workers)
        try:
            return list(pool.map(lambda attempt: attempt(), attempts))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            program.end_all()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    return run


if __name__ == "__main__":
    parser = job.arguments(__doc__)
    parser.add_argument("--workers", type=job.positive, default=2, metavar="N", help="tasks at a time (default: 2)")
    options = parser.parse_args()
    sys.exit(job.main(options, engine(options.workers)))
