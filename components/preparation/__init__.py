"""What makes one table of several files, where a contract's source names `files` and a `preparation`.

A preparation takes the content of each file under its role (the name that the contract gives it) and returns a frame of
text cells, `""` where a value is missing, whose columns are named as in the table's files. Typing, checking and the
contract's own missing markers come after it, as for any other table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import pandas as pd

from components.preparation import baac

Preparation: TypeAlias = Callable[[Mapping[str, bytes]], pd.DataFrame]
"""Raises `components.errors.UnreadableTable` where the files are not what they should be."""

PREPARATIONS: Mapping[str, Preparation] = {"baac": baac.prepare}
"""Every preparation by the name that a contract uses."""
