#!/usr/bin/env bash
# Collects what is known about the cluster into build/cluster-logs, for whoever looks at a failed job.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
mkdir -p build/cluster-logs
kubectl get all,inferenceservices,httproutes,gateways --all-namespaces --output wide >build/cluster-logs/objects.txt 2>&1
kubectl get events --all-namespaces --sort-by .lastTimestamp >build/cluster-logs/events.txt 2>&1
kind export logs build/cluster-logs/nodes --name "${CLUSTER:-concord}"
