#!/bin/bash
# A sweep as a job array of Slurm: each task computes one shard into a file of its own.
#
#   sbatch --array=1-16 examples/sweep/slurm_array.sh examples/sweep/virtual_subjects.json results/subjects
#   psoas sweep merge results/subjects.*.db -o results/subjects.db      # once all tasks have ended
#
# A task that is stopped and requeued goes on where it was (--resume). Sites limit arrays to about 1,000 tasks: give each
# task a shard of many cases, and more processors, rather than one case.
#SBATCH --job-name=psoas-sweep
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
# So long before the time limit psoas is told to commit and leave.
#SBATCH --signal=TERM@30
set -euo pipefail
sweep=${1:?usage: sbatch --array=1-N slurm_array.sh SWEEP.json OUTPUT}
output=${2:?usage: sbatch --array=1-N slurm_array.sh SWEEP.json OUTPUT}
psoas=${PSOAS:-psoas}

exec srun --ntasks=1 "$psoas" sweep "$sweep" \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --resume \
  -j "${SLURM_CPUS_PER_TASK:-1}" -o "$output.$SLURM_ARRAY_TASK_ID.db"
