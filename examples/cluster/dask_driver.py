"""Replays captures in shards on Dask, and merges them: `pip install 'dask[distributed]'`.

    python3 dask_driver.py --shards 8 -- shop.toml week/ --format ndjson > week.ndjson
    python3 dask_driver.py --address tcp://scheduler:8786 -- /data/shop.toml /data/week/ --format ndjson > week.ndjson
"""

import os
import sys

import cloudpickle
import dask
from dask.distributed import Client, KilledWorker, LocalCluster, as_completed

import shards


def run(arguments, commands):
    """Yields each shard as it is done, with its exit code and what it said."""
    # Workers of a cluster need no copy of the file.
    cloudpickle.register_pickle_by_value(shards)
    # A worker that dies is replaced and its task run again, so many times.
    dask.config.set({"distributed.scheduler.allowed-failures": arguments.retries})
    with Client(arguments.address or local_cluster(arguments.workers)) as client:
        tasks = {
            client.submit(shards.run_shard, command, os.getcwd(), pure=False, retries=arguments.retries): shard
            for shard, command in enumerate(commands)
        }
        for done in as_completed(tasks):
            try:
                yield tasks[done], *done.result()
            except (shards.ProgramKilled, KilledWorker) as error:
                yield shards.refused(tasks[done], error)


def local_cluster(workers):
    """Starts workers of one task each, on loopback."""
    return LocalCluster(n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None)


if __name__ == "__main__":
    sys.exit(shards.drive("Dask", run))
