"""Where components run: one image holds this code and its locked requirements, so nothing is installed at run time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kfp import dsl

if TYPE_CHECKING:
    from collections.abc import Callable

LOCAL_IMAGE = "concord-pipeline-python3.11:local"
"""What `make images` builds. It stands in the YAML unless CONCORD_PIPELINE_IMAGE, or --image, names another."""


def component(function: Callable[..., Any]) -> Any:
    """Make a KFP component of a function whose body imports the stage and calls it.

    Inside a task KFP leaves its compiler out, so there is nothing to make: the function stays a function, and the
    module that holds both the component and its stage can be imported there too.
    """
    if not hasattr(dsl, "component"):
        return function
    image = os.environ.get("CONCORD_PIPELINE_IMAGE", LOCAL_IMAGE)
    return dsl.component(base_image=image, packages_to_install=[], install_kfp_package=False)(function)
