"""What the drivers of Ray and Dask share: their arguments, one task, and the merge."""

import argparse
import ctypes
import os
import shlex
import signal
import subprocess
import sys

EPILOG = """\
The shards are tasks of `biplane replay --shard I/N`, each of one core; `biplane merge` then prints what one process
would. Folder, captures and PARTS are the same for all workers, by a shared file system.
"""


class ProgramKilled(RuntimeError):
    """The program was ended by a signal, as where memory ran out: its shard is worth another try."""


def drive(engine, run):
    """Runs the shards that the command line asks for, and merges them. Returns the exit code.

    `run` takes the arguments and the command of each shard, and yields a shard with its exit code and what it said.
    """
    arguments = _parse(engine)
    replay = [arguments.program, "replay", *arguments.replay, "--parts", arguments.parts]
    commands = [replay + ["--shard", f"{shard}/{arguments.shards}"] for shard in range(arguments.shards)]
    # Standard output is for what is merged; engines print to it too, as where a worker has died.
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for shard, code, told in run(arguments, commands):
        print(told, end="", file=sys.stderr, flush=True)
        if code != 0:
            # What one shard refuses, such as a wrong option, the others refuse too.
            print(f"shard {shard} ended with {code}; the others are left", file=sys.stderr)
            return code
    merge = [arguments.program, "merge", arguments.parts, *shlex.split(arguments.merge)]
    code = subprocess.call(merge, stdout=output)
    return code if code >= 0 else 128 - code


def _parse(engine):
    parser = argparse.ArgumentParser(
        description=f"Replays captures in shards on {engine}, and merges them.",
        usage="%(prog)s [OPTION...] -- TOPOLOGY CAPTURE... [OPTION OF replay...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG,
    )
    parser.add_argument("--address", help=f"the {engine} to use; without it, one is started on this machine's loopback")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="workers of the one that is started")
    parser.add_argument("--shards", type=int, default=64, help="how many shards, at most 64 (%(default)s)")
    parser.add_argument("--parts", default="parts", help="the folder of parts (%(default)s)")
    parser.add_argument("--retries", type=int, default=3, help="further tries of a shard that was killed (%(default)s)")
    parser.add_argument("--merge", default="", metavar="OPTIONS", help="options of `merge`, such as '--format json'")
    parser.add_argument("--program", default="biplane", help="the program, as each worker finds it (%(default)s)")
    parser.add_argument("replay", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not 1 <= arguments.shards <= 64:
        parser.error(f"--shards is between 1 and 64, not {arguments.shards}")
    return arguments


def run_shard(command, folder):
    """Runs one shard in `folder`. Returns its exit code and what it said. This is what a worker does."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            preexec_fn=_end_with_worker if sys.platform == "linux" else None,
        )
    except OSError as error:
        return 2, f"error: cannot run `{command[0]}` in `{folder}`: {error}\n"
    if done.returncode < 0:
        raise ProgramKilled(f"`{shlex.join(command)}` was ended by {signal.Signals(-done.returncode).name}")
    return done.returncode, done.stderr


def _end_with_worker():
    # A part comes out the same where two programs write it at once, but a program whose worker was killed would take
    # the core and memory of the next one.
    parent_death_signal = 1
    ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)


def refused(shard, error):
    """The end of a shard that all its tries did not help, as `run` yields it."""
    return shard, 2, f"error: shard {shard}: {error}\n"
