"""The same row gets the same answer, however it comes and whatever comes with it: that of the reference estimator."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest

from benchmarks.serving.models import build_model

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Awaitable, Callable, Iterator

    from benchmarks.serving.models import ServedModel

    Start = Callable[..., tuple[subprocess.Popen[str], str]]
    Way = Callable[["Asked", list[int]], Awaitable[list[float]]]

V1 = "/v1/models/heart:predict"
V2 = "/v2/models/heart/infer"
POSITIVE = "disease"


@dataclass(frozen=True)
class Asked:
    """A served model, and a client of it."""

    model: ServedModel
    client: httpx.AsyncClient

    async def v1(self, instances: list[Any]) -> list[float]:
        answer = await self.client.post(V1, json={"instances": instances})
        return [item["probabilities"][POSITIVE] for item in answer.raise_for_status().json()["predictions"]]

    async def v2(self, inputs: list[dict[str, Any]], binary: bytes = b"") -> list[float]:
        head = json.dumps({"inputs": inputs, "outputs": [{"name": "probability"}]}).encode()
        headers = {"inference-header-content-length": str(len(head))} if binary else {}
        answer = await self.client.post(V2, content=head + binary, headers=headers)
        probability: list[float] = answer.raise_for_status().json()["outputs"][0]["data"]
        return probability

    def matrix(self, rows: list[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.ascontiguousarray(self.model.rows[rows])


async def arrays(asked: Asked, rows: list[int]) -> list[float]:
    return await asked.v1([asked.model.instances[row] for row in rows])


async def numbers(asked: Asked, rows: list[int]) -> list[float]:
    return await asked.v1(asked.matrix(rows).tolist())


async def records(asked: Asked, rows: list[int]) -> list[float]:
    return await asked.v1([dict(zip(asked.model.features, asked.model.instances[row], strict=True)) for row in rows])


async def json_columns(asked: Asked, rows: list[int]) -> list[float]:
    columns = asked.matrix(rows).T.tolist()
    return await asked.v2(
        [
            {"name": name, "shape": [len(rows)], "datatype": "FP64", "data": column}
            for name, column in zip(asked.model.features, columns, strict=True)
        ]
    )


async def json_matrix(asked: Asked, rows: list[int]) -> list[float]:
    matrix = asked.matrix(rows)
    return await asked.v2(
        [{"name": "rows", "shape": list(matrix.shape), "datatype": "FP64", "data": matrix.ravel().tolist()}]
    )


async def binary_matrix(asked: Asked, rows: list[int]) -> list[float]:
    matrix = asked.matrix(rows)
    tensor = {"name": "rows", "shape": list(matrix.shape), "datatype": "FP64"}
    return await asked.v2([{**tensor, "parameters": {"binary_data_size": matrix.nbytes}}], matrix.tobytes())


async def one_by_one(asked: Asked, rows: list[int]) -> list[float]:
    return [probability for row in rows for probability in await arrays(asked, [row])]


async def among_strangers(asked: Asked, rows: list[int]) -> list[float]:
    """All at once, each in a request of its own, beside requests that are larger or refused."""

    async def stranger(instances: list[Any]) -> None:
        await asked.client.post(V1, json={"instances": instances})

    strange: list[list[Any]] = [[{}], asked.model.instances[:40]] * 4
    strangers = [stranger(instances) for instances in strange]
    answers, _ = await asyncio.gather(
        asyncio.gather(*(arrays(asked, [row]) for row in rows)), asyncio.gather(*strangers)
    )
    return [probability for answer in answers for probability in answer]


WAYS: list[Way] = [
    arrays,
    numbers,
    records,
    json_columns,
    json_matrix,
    binary_matrix,
    one_by_one,
    among_strangers,
]


@pytest.fixture(scope="module", params=["forest", "logistic"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return build_model(request.param, tmp_path_factory.mktemp("model") / request.param)


@pytest.fixture(scope="module")
def url(model: ServedModel, start: Start) -> Iterator[str]:
    process, url = start(model.bundle)
    yield url
    process.terminate()
    assert process.wait(30) == 0


@pytest.mark.parametrize("rows", [1, 7, 16, 100, 1_500], ids="{} rows".format)
def test_every_way_gives_the_references_answer(model: ServedModel, url: str, rows: int) -> None:
    # Trees are added up without rounding; a product of matrices may differ in its last bits with the number of rows.
    apart = 0.0 if "forest" in model.name else 1e-12
    chosen = random.Random(rows).choices(range(len(model.instances)), k=rows)
    reference = model.calibrated[chosen]

    async def ask(way: Way) -> list[float]:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            return await way(Asked(model, client), chosen[:50] if way in {one_by_one, among_strangers} else chosen)

    answers = {way.__name__: np.array(asyncio.run(ask(way))) for way in WAYS}
    for name, probability in answers.items():
        assert np.abs(probability - reference[: len(probability)]).max() <= 1e-6, name
        assert np.abs(probability - answers["arrays"][: len(probability)]).max() <= apart, name
