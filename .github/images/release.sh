#!/usr/bin/env bash
# Gives the images that main built, tested and signed for this commit the version as a further tag: a release builds
# nothing, so it is what was tested. The git tag (v1.2.3) must be the version in pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/../.."
registry=${REGISTRY:?"name the registry: REGISTRY=ghcr.io/ORGANISATION/concord"}
registry=${registry,,}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD)
tag=${GITHUB_REF_NAME:?"name the git tag: GITHUB_REF_NAME=v$version"}
tls=${REGISTRY_TLS:-true}

if [ "$tag" != "v$version" ]; then
  echo "The tag $tag isn't the version in pyproject.toml, which is $version: tag v$version." >&2
  exit 1
fi
for image in concord-predictor concord-pipeline-python3.11; do
  name="$registry/$image"
  if ! digest=$(skopeo inspect --no-tags --tls-verify="$tls" --format '{{.Digest}}' "docker://$name:sha-$revision"); then
    echo "$name has no image of the commit $revision: wait until main's workflow has pushed it, then run this again." >&2
    exit 1
  fi
  IMAGE="$name@$digest" .github/images/verify.sh
  skopeo copy --quiet --preserve-digests --src-tls-verify="$tls" --dest-tls-verify="$tls" \
    "docker://$name@$digest" "docker://$name:$version"
  echo "$name:$version  $digest"
done
