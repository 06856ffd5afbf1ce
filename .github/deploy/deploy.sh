#!/usr/bin/env bash
# Applies the overlay of production with $IMAGE as the predictor's image. The overlay says what share of the traffic
# the new version gets; how it does then is for people and alerts to judge.
# Where $CLUSTER_CREDENTIALS holds a kubeconfig, that is used and removed afterwards; RENDER=1 prints what would be
# applied and needs no cluster.
set -euo pipefail
cd "$(dirname "$0")/../.."
overlay=${OVERLAY:-kserve/overlays/production}
image=${IMAGE:?"name the image: IMAGE=ghcr.io/ORGANISATION/concord/concord-predictor@sha256:…"}
if [[ ! $image =~ ^([^@]+)@(sha256:[0-9a-f]{64})$ ]]; then
  echo "$image has no digest: what runs must be what was tested. Name it as NAME@sha256:…" >&2
  exit 1
fi
if [ ! -f "$overlay/kustomization.yaml" ]; then
  echo "There is no $overlay/kustomization.yaml, so there is nothing to deploy." >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/pinned"
cat >"$work/pinned/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [$(realpath --relative-to="$work/pinned" "$overlay")]
images:
  - name: concord-predictor
    newName: ${BASH_REMATCH[1]}
    digest: ${BASH_REMATCH[2]}
YAML
kubectl kustomize "$work/pinned" >"$work/manifests.yaml"
if ! grep -qF "image: $image" "$work/manifests.yaml"; then
  echo "$overlay uses no image named concord-predictor, so the deployment would change nothing." >&2
  exit 1
fi
if [ -n "${RENDER:-}" ]; then
  cat "$work/manifests.yaml"
  exit
fi

if [ -n "${CLUSTER_CREDENTIALS:-}" ]; then
  (umask 077 && printf '%s' "$CLUSTER_CREDENTIALS" >"$work/kubeconfig")
  export KUBECONFIG="$work/kubeconfig"
fi
kubectl apply --server-side --field-manager concord-deploy --filename "$work/manifests.yaml"
awk 'BEGIN { RS = "---\n" } /(^|\n)kind: InferenceService\n/ { printf "---\n%s", $0 }' \
  "$work/manifests.yaml" >"$work/services.yaml"
kubectl wait --for=condition=Ready --timeout=15m --filename "$work/services.yaml"
