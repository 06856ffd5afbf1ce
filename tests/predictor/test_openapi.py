"""The document is valid OpenAPI, tells the truth about the real server, and its page needs nothing from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema_rs
import pytest
import schemathesis

from predictor.openapi import asset, document, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from predictor.served import Served

    Record = dict[str, Any]

PREDICT, EXPLAIN, INFER = "/v1/models/heart:predict", "/v1/models/heart:explain", "/v2/models/heart/infer"


def content_of(response: httpx.Response) -> Any:
    assert response.headers["content-type"] == "application/json"
    return response.json()


def fits(document: dict[str, Any], schema: dict[str, Any], content: Any) -> bool:
    """Is `content` what a schema of the document allows? References point into the document."""
    whole = {**schema, "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(whole).is_valid(content)


def request_schema(document: dict[str, Any], path: str) -> dict[str, Any]:
    schema: dict[str, Any] = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return schema


def answer_schema(document: dict[str, Any], path: str, method: str = "post", status: int = 200) -> dict[str, Any]:
    responses = document["paths"][path][method]["responses"]
    answer = responses[str(status)] if status == 200 else document["components"]["responses"][str(status)]
    schema: dict[str, Any] = answer["content"]["application/json"]["schema"]
    return schema


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for item in node.values():
            yield from references(item)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


@pytest.fixture
def described(served: Served) -> dict[str, Any]:
    return document([served])


def test_it_is_valid_openapi_and_every_reference_leads_somewhere(served: Served) -> None:
    described = document([served, replace(served, name="heart 2/é")])
    schemathesis.openapi.from_dict(described).validate()
    for reference in set(references(described)):
        node = described
        for key in reference.removeprefix("#/").split("/"):
            node = node[key]


def test_the_server_answers_with_it(client: httpx.Client, described: dict[str, Any]) -> None:
    assert content_of(client.get("/openapi.json")) == described


def test_each_model_has_routes_and_schemas_of_its_own(served: Served) -> None:
    paths = document([served, replace(served, name="heart 2/é")])["paths"]
    ours = [path for path in paths if "/heart%202%2F%C3%A9" in path]
    assert len(ours) == len([path for path in paths if re.search(r"/heart(?!%)", path)])
    assert {paths[path]["post"]["tags"][0] for path in ours if path.endswith(":predict")} == {"heart 2/é"}
    names = answer_schema(document([served, replace(served, name="b")]), "/v1/models", "get")["properties"]["models"]
    assert names["items"]["enum"] == ["heart", "b"]


def test_every_example_fits_its_schema_and_is_answered(client: httpx.Client, described: dict[str, Any]) -> None:
    count = 0
    for path, operations in described["paths"].items():
        if "post" not in operations:
            continue
        for example in operations["post"]["requestBody"]["content"]["application/json"]["examples"].values():
            assert fits(described, request_schema(described, path), example["value"])
            response = client.post(path, json=example["value"])
            assert response.status_code == httpx.codes.OK, response.text
            assert fits(described, answer_schema(described, path), content_of(response))
            count += 1
    assert count > 10


@pytest.mark.parametrize("path", [PREDICT, EXPLAIN])
def test_what_the_contract_refuses_fits_no_schema(
    client: httpx.Client, served: Served, described: dict[str, Any], path: str
) -> None:
    for example in served.bundle.contract.examples:
        if example.refused:
            content = {"instances": [example.instance]}
            assert not fits(described, request_schema(described, path), content)
            response = client.post(path, json=content)
            assert response.status_code == httpx.codes.BAD_REQUEST
            assert fits(described, answer_schema(described, path, status=400), content_of(response))


def test_a_matrix_and_requested_outputs_fit_the_schema(
    client: httpx.Client, described: dict[str, Any], records: list[Record]
) -> None:
    rows = [[None if value is None else float(value) for value in record.values()] for record in records]
    matrix = {"name": "rows", "shape": [len(rows), 13], "datatype": "FP64", "data": rows}
    content = {"id": "42", "inputs": [matrix], "outputs": [{"name": "probability"}]}
    assert fits(described, request_schema(described, INFER), content)
    assert fits(described, answer_schema(described, INFER), content_of(client.post(INFER, json=content)))
    changes: list[dict[str, Any]] = [
        {"shape": [len(rows), 12]},
        {"shape": [0, 13]},
        {"datatype": "BYTES"},
        {"data": []},
    ]
    for change in changes:
        wrong = {**content, "inputs": [{**matrix, **change}]}
        assert not fits(described, request_schema(described, INFER), wrong)
        assert client.post(INFER, json=wrong).status_code == httpx.codes.BAD_REQUEST


def test_everything_that_is_read_is_as_documented(client: httpx.Client, described: dict[str, Any]) -> None:
    for path, operations in described["paths"].items():
        if "get" not in operations:
            continue
        response = client.get(path)
        assert response.status_code == httpx.codes.OK, path
        contents = operations["get"]["responses"]["200"]["content"]
        kind = response.headers["content-type"].partition(";")[0]
        assert list(contents) == [kind]
        if kind == "application/json":
            assert fits(described, contents[kind]["schema"], response.json())


def test_the_page_asks_this_server_alone() -> None:
    text = page().decode()
    addresses = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)""", text)
    assert sorted(addresses) == [
        "docs/favicon.png",
        "docs/swagger-ui-bundle.js",
        "docs/swagger-ui.css",
        "openapi.json",
    ]
    assert "://" not in text
    assert '"validatorUrl": null' in text
    for address in addresses[:3]:
        found = asset(address.removeprefix("docs/"))
        assert found is not None
        assert len(found[0]) > 1_000


def test_the_page_and_its_files_are_served(client: httpx.Client) -> None:
    assert client.get("/docs").content == page()
    assert client.get("/docs").headers["content-type"] == "text/html; charset=utf-8"
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        response = client.get(f"/docs/{name}")
        assert (response.content, response.headers["content-type"]) == asset(name)


@pytest.mark.parametrize(
    "path",
    ["", ".", "..", "../core.py", "../../../etc/passwd", "/etc/passwd", "redoc.standalone.js", "swagger-ui.css/", "\0"],
)
def test_no_other_file_is_given_out(path: str) -> None:
    assert asset(path) is None
