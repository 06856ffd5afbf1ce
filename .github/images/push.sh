#!/usr/bin/env bash
# Pushes the archives in build/images to $REGISTRY and says by which digest each is to be used from then on: in
# build/images/pushed, one `image name digest` a line, and as outputs of the job's step. The tag is the commit's.
set -euo pipefail
cd "$(dirname "$0")/../.."
registry=${REGISTRY:?"name the registry: REGISTRY=ghcr.io/ORGANISATION/concord"}
registry=${registry,,} # a repository's name may have capitals, an image's may not
tag=sha-$(git rev-parse HEAD)

: >build/images/pushed
for image in concord-predictor concord-pipeline-python3.11; do
  archive="build/images/$image.tar"
  if [ ! -f "$archive" ]; then
    echo "There is no $archive: make export-images writes it." >&2
    exit 1
  fi
  name="$registry/$image"
  skopeo copy --quiet --format v2s2 --dest-tls-verify="${REGISTRY_TLS:-true}" \
    --digestfile build/images/digest "docker-archive:$archive" "docker://$name:$tag"
  digest=$(<build/images/digest)
  rm build/images/digest
  echo "$image $name $digest" >>build/images/pushed
  echo "$name@$digest  $tag"
  output=${image%-python3.11}
  {
    echo "$output=$name@$digest"
    echo "$output-name=$name"
    echo "$output-digest=$digest"
  } >>"${GITHUB_OUTPUT:-/dev/null}"
done
