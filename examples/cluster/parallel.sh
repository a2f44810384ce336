#!/bin/sh
# Replays captures in shards with GNU parallel, one for each core at a time, and prints what one process would.
#
#   parallel.sh SHARDS PARTS TOPOLOGY CAPTURE... [OPTION OF replay...]
#
# On several machines with one file system: PARALLEL='--sshloginfile machines --workdir .' parallel.sh …
# PROGRAM names the program (biplane), MERGE the options of `merge`, such as MERGE='--format json'.
set -eu

if [ $# -lt 4 ]; then
    sed -n 's/^#  *\(parallel.sh\)/usage: \1/p' "$0" >&2
    exit 2
fi
shards=$1 parts=$2 program=${PROGRAM:-biplane}
shift 2

# A shard that fails is run again, on another machine where there is one. A part is whole or not there at all.
seq 0 $((shards - 1)) | parallel --quote --halt soon,fail=1 --retries 3 \
    "$program" replay "$@" --shard "{}/$shards" --parts "$parts"

# shellcheck disable=SC2086
exec "$program" merge "$parts" ${MERGE:-}
