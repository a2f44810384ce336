#!/bin/bash
# Replays captures in shards, as an array of Slurm; each task is one shard.
#
#   job=$(sbatch --parsable slurm.sh PARTS TOPOLOGY CAPTURE... [OPTION OF replay...])
#   sbatch --dependency=afterok:$job --wrap 'biplane merge PARTS > merged.ndjson'
#
# Where tasks failed, `merge` names their shards: sbatch --array=3,17 slurm.sh … with the same arguments runs these again.
# For another number of shards: SHARDS=16 sbatch --array=0-15 slurm.sh …. PROGRAM names the program (biplane).
#
#SBATCH --job-name=biplane
#SBATCH --array=0-63
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --output=biplane-%A-%a.log
set -eu

if [ $# -lt 3 ]; then
    echo 'usage: sbatch slurm.sh PARTS TOPOLOGY CAPTURE... [OPTION OF replay...]' >&2
    exit 2
fi
: "${SLURM_ARRAY_TASK_ID:?is set by Slurm: start this with sbatch}"
parts=$1
shift

# The number of shards is not that of the array, which holds a few where some are run again.
exec "${PROGRAM:-biplane}" replay "$@" --shard "$SLURM_ARRAY_TASK_ID/${SHARDS:-64}" --parts "$parts"
