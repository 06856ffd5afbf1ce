"""How an image is named: by its digest, which names one content for ever, or by a tag, which may move."""

from __future__ import annotations

import re

from compilation.errors import UnpinnedImage

# The grammar of names is that of the OCI distribution specification, with an optional registry in front.
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?"
_IMAGE = re.compile(
    rf"(?:{_REGISTRY}/)?{_PART}(?:/{_PART})*(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def is_pinned(image: str) -> bool:
    """Whether an image is named by its digest."""
    named = _IMAGE.fullmatch(image)
    return named is not None and named["digest"] is not None


def checked(image: str, *, allow_tag: bool = False) -> str:
    """The image, if it is named by its digest; a tag alone only where that is allowed. Raises `UnpinnedImage`."""
    named = _IMAGE.fullmatch(image)
    if named is None:
        raise UnpinnedImage(
            f"{image!r} isn't the name of an image. Name one as repository@sha256:…, with the 64 digits of its digest."
        )
    if named["digest"] is None and not allow_tag:
        what = f"only by the tag {named['tag']!r}" if named["tag"] else "neither by digest nor by tag"
        raise UnpinnedImage(
            f"{image} is named {what}. A tag may move, so that another code would run, and KFP's cache would answer for"
            " it with the old one's results. Name the digest, as a push prints it (repository@sha256:…);"
            " on a cluster for trying things out, --allow-tag lets a tag pass."
        )
    return image
