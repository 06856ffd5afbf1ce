#!/usr/bin/env bash
# Signs what build/images/pushed lists, by digest and without a key (the certificate names the workflow that ran), and
# attaches each image's SBOM, signed too.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ ! -s build/images/pushed ]; then
  echo "Nothing was pushed yet: make push-images lists it in build/images/pushed." >&2
  exit 1
fi
while read -r image name digest; do
  cosign sign --yes "$name@$digest"
  cosign attest --yes --type cyclonedx --predicate "build/sbom/$image.cdx.json" "$name@$digest"
done <build/images/pushed
