#!/usr/bin/env bash
# Verifies that this repository's workflow, as it is on the branch main, signed $IMAGE.
set -euo pipefail
image=${IMAGE:?"name the image: IMAGE=ghcr.io/ORGANISATION/concord/concord-predictor@sha256:…"}
repository=${GITHUB_REPOSITORY:?"name the repository that signed: GITHUB_REPOSITORY=ORGANISATION/concord"}
if [[ ! $image =~ @sha256:[0-9a-f]{64}$ ]]; then
  echo "$image has no digest: what a tag names may change after it was verified. Name it as NAME@sha256:…" >&2
  exit 1
fi
cosign verify --output text \
  --certificate-oidc-issuer https://token.actions.githubusercontent.com \
  --certificate-identity "https://github.com/$repository/.github/workflows/ci.yml@refs/heads/main" \
  "$image"
