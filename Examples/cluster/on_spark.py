#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a pipeline over shards of rollouts on Apache Spark.

Spark decides where a task runs, and runs it again where an executor is lost. The shards do not pass through it: tasks
read them where they lie.
"""

import os
import shutil
import sys
import tempfile

from pyspark.sql import SparkSession
from sharding import job


def engine(session: SparkSession, folder: str) -> job.Engine:
    """Each task is a partition of its own; the package of tasks travels with them, by way of `folder`."""
    context = session.sparkContext
    here = os.path.dirname(os.path.abspath(__file__))
    context.addPyFile(shutil.make_archive(os.path.join(folder, "sharding"), "zip", here, "sharding"))

    def run(attempts: list) -> list:
        return context.parallelize(attempts, len(attempts)).map(lambda attempt: attempt()).collect()

    return run


if __name__ == "__main__":
    parser = job.arguments(__doc__)
    parser.add_argument("--master", help="where Spark is, as in local[2]; by default what spark-submit says")
    options = parser.parse_args()
    builder = SparkSession.builder.appName("shuffle-r1").config("spark.task.cpus", options.threads)
    session = (builder.master(options.master) if options.master else builder).getOrCreate()
    with tempfile.TemporaryDirectory() as folder:
        try:
            status = job.main(options, engine(session, folder))
        finally:
            session.stop()
    sys.exit(status)
