#!/usr/bin/env bash
# Writes the images that `make images` built to build/images: what is scanned, tried in a cluster and pushed is then the
# same, and the job that may push builds nothing. As Docker's archives, since OCI's images have no HEALTHCHECK.
set -euo pipefail
cd "$(dirname "$0")/../.."
images=(concord-predictor concord-pipeline-python3.11)

store_of() { # where the image is: Docker's, or the store that buildah and podman share
  if docker image inspect "$1:local" >/dev/null 2>&1; then
    echo "docker-daemon:$1:local"
  elif buildah inspect --type image "localhost/$1:local" >/dev/null 2>&1; then
    echo "containers-storage:localhost/$1:local"
  else
    echo "There is no image $1:local: make images builds it." >&2
    return 1
  fi
}

mkdir -p build/images
for image in "${images[@]}"; do
  source=$(store_of "$image")
  rm -f "build/images/$image.tar"
  skopeo copy --quiet "$source" "docker-archive:build/images/$image.tar:localhost/$image:local"
  echo "build/images/$image.tar  $(skopeo inspect --config --raw "docker-archive:build/images/$image.tar" | sha256sum | cut -c -64)"
done
