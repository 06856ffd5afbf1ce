#!/usr/bin/env bash
# Installs what Concord runs on into the cluster that kubectl points at: cert-manager, Envoy Gateway, KServe in Standard
# mode with a Gateway, Kubeflow Pipelines. Then loads the images of build/images into a kind cluster.
# Needs kubectl, helm, git and kind. Run again, it changes nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

CERT_MANAGER=v1.17.0
ENVOY_GATEWAY=v1.7.0 # brings the Gateway API's own definitions
PIPELINES=2.17.2
KSERVE=v$(sed -n 's/^kserve==//p' requirements/predictor.in) # the one that the predictor is written for
CLUSTER=${CLUSTER:-concord} # kind's name for it

for program in kubectl helm git kind; do
  command -v "$program" >/dev/null || { echo "$program isn't installed, and the installation needs it." >&2; exit 1; }
done

install() { # release, namespace, chart, version, further options
  helm upgrade --install "$1" "$3" --namespace "$2" --create-namespace --version "$4" --wait --timeout 10m "${@:5}"
}

install cert-manager cert-manager oci://quay.io/jetstack/charts/cert-manager "$CERT_MANAGER" --set crds.enabled=true
install envoy-gateway envoy-gateway-system oci://docker.io/envoyproxy/gateway-helm "$ENVOY_GATEWAY"
install kserve-crd kserve oci://ghcr.io/kserve/charts/kserve-crd "$KSERVE"
kubectl apply --server-side --filename .github/e2e/gateway.yaml
kubectl wait --for=condition=Programmed --timeout=5m --namespace kserve gateway/kserve-ingress-gateway
install kserve kserve oci://ghcr.io/kserve/charts/kserve-resources "$KSERVE" \
  --set kserve.controller.deploymentMode=Standard \
  --set kserve.controller.gateway.disableIstioVirtualHost=true \
  --set kserve.controller.gateway.ingressGateway.enableGatewayApi=true \
  --set kserve.controller.gateway.ingressGateway.kserveGateway=kserve/kserve-ingress-gateway

manifests="https://github.com/kubeflow/pipelines/manifests/kustomize"
kubectl apply --server-side --kustomize "$manifests/cluster-scoped-resources?ref=$PIPELINES"
kubectl wait --for=condition=established --timeout=60s crd/applications.app.k8s.io
kubectl apply --server-side --kustomize "$manifests/env/platform-agnostic?ref=$PIPELINES"
kubectl wait --for=condition=Available --timeout=15m --namespace kubeflow deployment/ml-pipeline deployment/workflow-controller

for archive in build/images/*.tar; do
  [ -f "$archive" ] || { echo "There is no image in build/images: make images export-images writes them." >&2; exit 1; }
  kind load image-archive "$archive" --name "$CLUSTER"
done
