#!/bin/bash
# Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#
# A Slurm of one node for tests, on the loopback address: one_node.sh start|stop FOLDER
# Needs Debian's slurm-wlm and munge, and root. After start, SLURM_CONF=FOLDER/slurm.conf is the cluster.
set -euo pipefail
folder=${2:?folder}
host=$(hostname -s)

start() {
  for program in slurmctld slurmd munged; do
    command -v $program >/dev/null || PATH=$PATH:/usr/sbin command -v $program >/dev/null ||
      { echo "there is no $program: install slurm-wlm and munge"; exit 1; }
  done
  [ "$(id -u)" = 0 ] || { echo "a Slurm of one's own needs root"; exit 1; }
  mkdir -p "$folder"/{state,spool,log} /run/munge
  chown munge:munge /run/munge
  if ! munge -n >/dev/null 2>&1; then
    su -s /bin/bash munge -c "/usr/sbin/munged --force"
    cp /run/munge/munged.pid "$folder/munged.pid"
  fi
  cat >"$folder/slurm.conf" <<CONF
ClusterName=psoas
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${SLURM_TEST_PORT:-16817}
SlurmdPort=$((${SLURM_TEST_PORT:-16817} + 1))
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/slurmd
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1000 State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
  export SLURM_CONF=$folder/slurm.conf PATH=$PATH:/usr/sbin
  slurmctld
  sleep 1
  slurmd
  for _ in $(seq 60); do
    if sinfo -h -t idle | grep -q .; then exit 0; fi
    sleep 0.5
  done
  echo "no node became idle"
  tail -n 20 "$folder"/log/*
  exit 1
}

stop() {
  local daemon
  for daemon in slurmd slurmctld munged; do
    if [ -s "$folder/$daemon.pid" ]; then kill "$(cat "$folder/$daemon.pid")" 2>/dev/null || true; fi
  done
}

case ${1:-} in
start) start ;;
stop) stop ;;
*) echo "usage: one_node.sh start|stop FOLDER" >&2; exit 2 ;;
esac
