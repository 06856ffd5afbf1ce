"""The predictor that a load is put on: what it serves, and whether that is what the contract describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from monitoring.errors import NoPredictor, WrongModel

if TYPE_CHECKING:
    from contract.schema import Contract

_OK = 200


class Target:
    """A predictor at `host`, asked with patience of `seconds`. Every method may raise `NoPredictor`."""

    def __init__(self, host: str, seconds: float) -> None:
        self.host = host
        self._seconds = seconds

    def model(self, wanted: str | None) -> str:
        """The model to ask: the one that is wanted, or the only one. Raises `WrongModel` if that isn't clear."""
        match self._get("/v2/models"):
            case {"models": [*entries]} if all(isinstance(entry, str) for entry in entries):
                names: list[str] = entries
            case _:
                raise NoPredictor(f"{self.host}: doesn't answer as a predictor: /v2/models has no list of models")
        served = ", ".join(names) or "none"
        if wanted is not None:
            if wanted not in names:
                raise WrongModel(f"{self.host}: doesn't serve the model {wanted!r}; it serves: {served}")
            return wanted
        if len(names) != 1:
            raise WrongModel(f"{self.host}: name the model with --model; it serves: {served}")
        return names[0]

    def check(self, model: str, contract: Contract) -> None:
        """Raise `WrongModel` unless the model takes the features of the contract."""
        match self._get(f"/v2/models/{model}"):
            case {"inputs": [*inputs]}:
                names = [item.get("name") for item in inputs if isinstance(item, dict)]
            case _:
                raise NoPredictor(f"{self.host}: doesn't answer as a predictor: /v2/models/{model} has no inputs")
        if names != contract.feature_names:
            raise WrongModel(
                f"{self.host}: the model {model!r} takes {', '.join(map(str, names))}; the contract {contract.name!r}"
                f" has {', '.join(contract.feature_names)}. Name the dataset that it was trained on with --dataset."
            )

    def _get(self, path: str) -> Any:
        try:
            response = httpx.get(f"{self.host}{path}", timeout=self._seconds, trust_env=False)
        except httpx.HTTPError as error:
            raise NoPredictor(
                f"{self.host}: can't be reached: {error or type(error).__name__}. Is a predictor running there?"
                " make serve starts one."
            ) from None
        if response.status_code != _OK:
            raise NoPredictor(f"{self.host}: doesn't answer as a predictor: {path} gives {response.status_code}")
        try:
            return response.json()
        except ValueError:
            raise NoPredictor(f"{self.host}: doesn't answer as a predictor: {path} isn't JSON") from None
