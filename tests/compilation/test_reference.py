from __future__ import annotations

import pytest

from compilation.errors import UnpinnedImage
from compilation.reference import checked, is_pinned

DIGEST = "sha256:" + "0f" * 32


@pytest.mark.parametrize(
    "image",
    [
        f"concord-pipeline-python3.11@{DIGEST}",
        f"ghcr.io/someone/concord-pipeline-python3.11@{DIGEST}",
        f"Registry.example.com:5000/a/b__c/d--e@{DIGEST}",
        f"localhost:5000/pipeline:v1.2@{DIGEST}",
        f"[2001:db8::1]:5000/pipeline@{DIGEST}",
    ],
)
def test_a_digest_names_an_image_for_ever(image: str) -> None:
    assert is_pinned(image)
    assert checked(image) == image


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("ghcr.io/someone/pipeline:v1", "only by the tag 'v1'"),
        ("localhost:5000/pipeline", "neither by digest nor by tag"),
        ("pipeline:latest", "only by the tag 'latest'"),
    ],
)
def test_a_tag_alone_has_to_be_allowed(image: str, words: str) -> None:
    assert not is_pinned(image)
    with pytest.raises(UnpinnedImage, match=words) as refused:
        checked(image)
    assert "--allow-tag" in str(refused.value)
    assert checked(image, allow_tag=True) == image


@pytest.mark.parametrize(
    "image",
    [
        "",
        "Pipeline:v1",
        "pipeline:",
        "pipeline@sha256:0f",
        f"pipeline@{DIGEST}0",
        f"pipeline@{DIGEST.upper()}",
        f"pipeline@{DIGEST} ",
        f"pipeline@{DIGEST}\n",
        f"https://ghcr.io/pipeline@{DIGEST}",
        f"a//b@{DIGEST}",
        "pipeline:v1; rm -r /",
        "{{$.inputs.parameters['image']}}",
    ],
)
@pytest.mark.parametrize("allow_tag", [False, True])
def test_what_is_no_name_of_an_image_is_refused(image: str, allow_tag: bool) -> None:
    assert not is_pinned(image)
    with pytest.raises(UnpinnedImage, match="isn't the name of an image"):
        checked(image, allow_tag=allow_tag)
