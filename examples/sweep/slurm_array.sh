#!/bin/bash
# A sweep as a job array of Slurm: each task computes one shard into a file of its own.
#
#   sbatch --array=1-16 examples/sweep/slurm_array.sh examples/sweep/virtual_subjects.json results/subjects
#   psoas sweep merge results/subjects.*.db -o results/subjects.db      # once all tasks have ended
#
# A task that is stopped goes on where it was (--resume): at the time limit it puts itself back into the queue, after a
# node's failure Slurm does. To compute some shards again, name them and how many there are in all:
#
#   sbatch --array=3,7 examples/sweep/slurm_array.sh examples/sweep/virtual_subjects.json results/subjects 16
#
# Sites limit arrays to about 1,000 tasks: give each a shard of many cases, and more processors, rather than one case.
#SBATCH --job-name=psoas-sweep
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
# So long before the time limit psoas is told to commit and leave.
#SBATCH --signal=TERM@30
set -euo pipefail
usage="usage: sbatch --array=1-N slurm_array.sh SWEEP.json OUTPUT [SHARDS]"
sweep=${1:?$usage}
output=${2:?$usage}
shards=${3:-$SLURM_ARRAY_TASK_COUNT}
processors=${SLURM_CPUS_PER_TASK:-1}

code=0
srun --ntasks=1 --cpus-per-task="$processors" "${PSOAS:-psoas}" sweep "$sweep" \
  --shard "$SLURM_ARRAY_TASK_ID/$shards" --resume -j "$processors" -o "$output.$SLURM_ARRAY_TASK_ID.db" || code=$?
# 4: interrupted, with all that was finished in the file
if [ $code = 4 ]; then scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"; fi
exit $code
