"""Which request comes next: kinds in their shares, rows drawn with replacement, the same again for the same seed."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitoring.load.forms import Form, body, forms_of
from monitoring.load.oddities import oddities
from monitoring.load.request import Request
from monitoring.load.spoiling import spoil

if TYPE_CHECKING:
    from contract.schema import Contract
    from monitoring.load.request import Kind
    from monitoring.load.rows import Rows

KINDS: tuple[Kind, ...] = ("valid", "invalid", "odd")


@dataclass(frozen=True)
class Shares:
    """What requests there are of. The kinds' shares are relative to their sum."""

    valid: float = 60
    """Rows of the table, answered with 200."""

    invalid: float = 20
    """The same with one rule of the contract broken, refused with 400."""

    odd: float = 20
    """What isn't a request of the protocols, answered with another 4xx."""

    batches: float = 0.2
    """Share, from 0 to 1, of the valid and invalid requests that hold more than one row."""

    batch_rows: int = 20
    """Rows of a batch."""

    @property
    def of_kinds(self) -> tuple[float, float, float]:
        """The shares in the order of `KINDS`."""
        return self.valid, self.invalid, self.odd


class Traffic:
    """An endless sequence of requests to a model.

    The same `seed` gives the same requests, except for their ids: a predictor remembers those, so each run has its own.
    """

    def __init__(self, contract: Contract, model: str, rows: Rows, shares: Shares, seed: int = 0) -> None:
        self._contract = contract
        self._model = model
        self._rows = rows
        self._shares = shares
        self._chance = random.Random(seed)  # noqa: S311
        self._forms = forms_of(contract)
        self._odd = oddities(model, body(Form.RECORDS, contract, rows.instances[:1]))
        self._run = secrets.token_hex(4)
        self._count = 0

    def draw(self) -> Request:
        """The next request."""
        self._count += 1
        (kind,) = self._chance.choices(KINDS, self._shares.of_kinds)
        request = self._chance.choice(self._odd) if kind == "odd" else self._with_rows(kind)
        return replace(request, identity=f"load-{self._run}-{self._count}")

    def _with_rows(self, kind: Kind) -> Request:
        chance, contract = self._chance, self._contract
        count = self._shares.batch_rows if chance.random() < self._shares.batches else 1
        form = chance.choice(self._forms)
        drawn = chance.choices(range(len(self._rows.instances)), k=count)
        rows = [self._rows.instances[at] for at in drawn]
        path = form.path(self._model)
        if kind == "invalid":
            spoilt = spoil(chance, form, contract, rows)
            content = body(form, contract, spoilt.rows)
            return Request(kind, spoilt.rule, "POST", path, 400, content, words=spoilt.words, rows=count)
        name = str(form) if count == 1 else f"{form}, {count} rows"
        labels = tuple(self._rows.labels[at] for at in drawn)
        return Request(kind, name, "POST", path, 200, body(form, contract, rows), rows=count, labels=labels)
