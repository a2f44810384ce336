"""Replays captures in shards on Ray, and merges them: `pip install ray`.

    python3 ray_driver.py --shards 8 -- shop.toml week/ --format ndjson > week.ndjson
    python3 ray_driver.py --address auto -- /data/shop.toml /data/week/ --format ndjson > week.ndjson
"""

import os
import sys

# Nothing is reported to the makers of Ray; it is asked for before the import.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray

import shards


def run(arguments, commands):
    """Yields each shard as it is done, with its exit code and what it said."""
    # Workers of a cluster need no copy of the file.
    ray.cloudpickle.register_pickle_by_value(shards)
    if arguments.address:
        ray.init(address=arguments.address, log_to_driver=False)
    else:
        # A task's result is a line: the smallest store is enough. Ray takes the address 127.0.0.1 for one that was not
        # meant, and uses the machine's own instead; all of 127.0.0.0/8 is loopback on Linux.
        ray.init(
            num_cpus=arguments.workers,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="warning",
            object_store_memory=80 * 2**20,
            _node_ip_address="127.0.0.2" if sys.platform == "linux" else "127.0.0.1",
        )
    # A worker that dies is replaced and its task run again; an exception counts only where it is named.
    settings = {"num_cpus": 1, "max_retries": arguments.retries, "retry_exceptions": [shards.ProgramKilled]}
    task = ray.remote(**settings)(shards.run_shard)
    waiting = {task.remote(command, os.getcwd()): shard for shard, command in enumerate(commands)}
    while waiting:
        [done], _ = ray.wait(list(waiting), num_returns=1)
        shard = waiting.pop(done)
        try:
            yield shard, *ray.get(done)
        except ray.exceptions.RayError as error:
            yield shards.refused(shard, getattr(error, "cause", None) or error)


if __name__ == "__main__":
    sys.exit(shards.drive("Ray", run))
