"""The OpenAPI document of what this server answers, written from its models' contracts, and the page that shows it.

Every model has paths of its own, so that the schema of a request can hold that model's features, ranges and codes.
"""

from __future__ import annotations

import math
import re
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi.openapi.docs import get_swagger_ui_html

from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature
from predictor import explain, json_schema, tensor_schema
from predictor.json_schema import array, exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contract.features import Code, Feature
    from predictor.json_schema import Schema
    from predictor.served import Served

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon.png": "image/png",
}
_TITLE = "Concord predictor"
_DESCRIPTION = """Every error is `{"error": "text"}`; an unknown route, model or version is answered with 404.
A request is answered as a whole: one row that the contract doesn't allow refuses all of them.
A body may be sent with `Content-Encoding: gzip`."""
_TEXT: Schema = {"type": "string"}
_LENGTH_HEADER = "Inference-Header-Content-Length"
_LENGTH: Schema = {
    "description": "how many bytes of an `application/octet-stream` are JSON; the rest are its binary tensors",
    "schema": {"type": "integer", "minimum": 0},
}
_BINARY: Schema = {"application/octet-stream": {}}
_REFUSALS: dict[int, dict[str, Any]] = {
    400: {"description": "Not what the protocol or the contract allows; the text names row, feature and rule."},
    405: {
        "description": "The route takes another method.",
        "headers": {"Allow": {"description": "what it takes", "required": True, "schema": _TEXT}},
    },
    408: {"description": "The body didn't arrive in time."},
    413: {"description": "The body is larger than the server reads."},
    415: {"description": "The route reads no body of this type or encoding."},
    503: {
        "description": "The model isn't ready, or the server is being stopped; try again.",
        "headers": {"Retry-After": {"description": "seconds to wait", "required": True, "schema": _TEXT}},
    },
}


def document(models: Sequence[Served]) -> dict[str, Any]:
    """The whole HTTP surface of a server with these models, as an OpenAPI 3.1 document.

    A request that fits its schema is answered with 200. The exception is v2, where no schema can say that `data` has as
    many values as `shape` needs and that they are of `datatype`: such a request may still be refused with 400.
    """
    paths = _server_paths([served.name for served in models])
    schemas = {"Error": exact({"error": _TEXT})}
    for served in models:
        schemas |= {_key(served, name): schema for name, schema in _schemas(served).items()}
        paths |= _model_paths(served)
    refused = _json({"$ref": "#/components/schemas/Error"})
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": "1", "description": _DESCRIPTION},
        "tags": [
            {"name": "server"},
            *({"name": served.name, "description": served.bundle.contract.title} for served in models),
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {str(status): {**refusal, "content": refused} for status, refusal in _REFUSALS.items()},
        },
    }


def page() -> bytes:
    """The HTML of `/docs`: Swagger UI, whose files come from `asset`, so that it works without the internet.

    Its links are relative, hence right behind an ingress that adds a prefix too.
    """
    html = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=_TITLE,
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon.png",
        swagger_ui_parameters={"validatorUrl": None},  # else the page sends the document's address to swagger.io
    )
    return bytes(html.body)


def asset(path: str) -> tuple[bytes, str] | None:
    """Content and content type of a file below `/docs/`; `None` for a name that the page doesn't use."""
    if path not in _ASSETS:
        return None
    return (resources.files("fastapi_offline") / "static" / path).read_bytes(), _ASSETS[path]


def _server_paths(names: list[str]) -> dict[str, Any]:
    listed = _json(exact({"models": array({"enum": names})}))
    live = _json(exact({"live": {"type": "boolean"}}))
    ready = _json(exact({"ready": {"type": "boolean"}}))
    about = _json(exact({"name": _TEXT, "version": _TEXT, "extensions": array(_TEXT)}))
    contents = {
        "/": ("Is the server alive?", _json(exact({"status": {"const": "alive"}}))),
        "/v1/models": ("The names of the models", listed),
        "/v2": ("Name, version and extensions of the server", about),
        "/v2/health/live": ("Is the server alive?", live),
        "/v2/health/ready": ("Are all models ready?", ready),
        "/v2/models": ("The names of the models", listed),
        "/metrics": ("Metrics for Prometheus", {"text/plain": {"schema": _TEXT}}),
        "/openapi.json": ("This document", _json({"type": "object"})),
        "/docs": ("This document as a page", {"text/html": {"schema": _TEXT}}),
    }
    refusals = {"/v2/health/ready": (405, 503)}
    return {
        path: {"get": _operation("server", summary, content, refusals.get(path, (405,)))}
        for path, (summary, content) in contents.items()
    }


def _model_paths(served: Served) -> dict[str, Any]:
    name = quote(served.name, safe="")
    root = f"/v2/models/{name}"
    ready = _json(exact({"name": {"const": served.name}, "ready": {"type": "boolean"}}))

    def get(summary: str, content: Schema) -> Schema:
        return {"get": _operation(served.name, summary, content, (405, 503))}

    def post(summary: str, request: Schema, content: Schema) -> Schema:
        operation = _operation(served.name, summary, content, (400, 405, 408, 413, 415, 503))
        return {"post": {**operation, "requestBody": {"required": True, "content": request}}}

    examples = _instances_examples(served)
    instances = _json(_reference(served, "Instances"), examples)
    few = _json(_reference(served, "FewInstances"), examples)
    tensors = _json(_reference(served, "Tensors"), _tensors_examples(served))
    example: Schema = {"truth": [{"id": "order-17", "row": 0, "label": served.labels[-1]}]}
    label = {"label": {"summary": "the label of a request's first row", "value": example}}
    labels = {**_json(_reference(served, "Truth"), label), "text/csv": {"schema": json_schema.truth_table(served)}}
    paths = {
        f"/v1/models/{name}": get("Is the model ready?", ready),
        f"/v1/models/{name}:predict": post("Predict (v1)", instances, _json(_reference(served, "Predictions"))),
        f"/v1/models/{name}:explain": post("Explain (v1)", few, _json(_reference(served, "Explanations"))),
        f"/v1/models/{name}:truth": post("True labels", labels, _json(_reference(served, "Counted"))),
    }
    for prefix in (root, f"{root}/versions/{quote(served.version, safe='')}"):
        infer = post("Infer (v2)", tensors | _BINARY, _json(_reference(served, "Outputs")) | _BINARY)
        infer["post"]["parameters"] = [{**_LENGTH, "name": _LENGTH_HEADER, "in": "header"}]
        infer["post"]["responses"]["200"]["headers"] = {_LENGTH_HEADER: _LENGTH}
        paths |= {
            prefix: get("What the model takes and gives", _json(_reference(served, "Metadata"))),
            f"{prefix}/ready": get("Is the model ready?", ready),
            f"{prefix}/infer": infer,
        }
    return paths


def _schemas(served: Served) -> dict[str, Schema]:
    """What operations of a model refer to."""
    rows = served.bundle.contract.max_rows
    return {
        "Record": json_schema.record(served),
        "Row": json_schema.row(served),
        "Instances": _instances(served, rows),
        "FewInstances": _explained(served, min(rows, explain.ROWS)),
        "Predictions": json_schema.predictions(served),
        "Explanations": json_schema.explanations(served),
        "Truth": json_schema.truth(served),
        "Counted": json_schema.counted(served),
        "Tensors": tensor_schema.tensors(served),
        "Outputs": tensor_schema.outputs(served),
        "Metadata": tensor_schema.metadata(served),
    }


def _instances(served: Served, rows: int) -> Schema:
    """A v1 request of at most so many rows."""
    forms = [array(_reference(served, name), 1, rows) for name in ("Record", "Row")]
    return {"type": "object", "required": ["instances"], "properties": {"instances": {"anyOf": forms}}}


def _explained(served: Served, rows: int) -> Schema:
    """A request of `:explain`; of more than two classes it may name the one to explain."""
    schema = _instances(served, rows)
    if not served.is_binary:
        description = "the class to explain; without it each row's own, the one decided on"
        schema["properties"]["class"] = {"enum": [*served.labels, None], "description": description}
    return schema


def _instances_examples(served: Served) -> dict[str, Schema]:
    """The examples of the contract that are answered; the first as an array too."""
    answered = [example for example in served.bundle.contract.examples if not example.refused]
    examples = {
        f"record-{number}": {"summary": example.title, "value": {"instances": [example.instance]}}
        for number, example in enumerate(answered, start=1)
    }
    values = [answered[0].instance[name] for name in served.bundle.contract.feature_names]
    return {**examples, "array": {"summary": "values in the order of the contract", "value": {"instances": [values]}}}


def _tensors_examples(served: Served) -> dict[str, Schema]:
    """The first of those examples, as a tensor for each feature."""
    answered = next(example for example in served.bundle.contract.examples if not example.refused)
    encoded = served.encoder.from_records([answered.instance]).matrix[0].tolist()
    inputs = [
        {**tensor, "shape": [1], "data": [_cell(feature, number)]}
        for tensor, feature, number in zip(tensor_schema.inputs(served), served.features, encoded, strict=True)
    ]
    return {"columns": {"summary": answered.title, "value": {"inputs": inputs}}}


def _cell(feature: Feature, number: float) -> Code | float | None:
    """An encoded value as JSON has it in a tensor of the feature's own datatype."""
    if math.isnan(number):
        return None
    match feature:
        case CategoricalFeature():
            return feature.values[int(number)]
        case BooleanFeature():
            return bool(number)
        case IntegerFeature():
            return int(number)
        case _:
            return number


def _operation(tag: str, summary: str, content: Schema, refusals: Sequence[int]) -> Schema:
    responses: Schema = {"200": {"description": "Answered.", "content": content}}
    responses |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in refusals}
    return {"tags": [tag], "summary": summary, "responses": responses}


def _json(schema: Schema, examples: Schema | None = None) -> Schema:
    return {"application/json": {"schema": schema, **({"examples": examples} if examples else {})}}


def _reference(served: Served, name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{_key(served, name)}"}


def _key(served: Served, name: str) -> str:
    """A component's name, in the characters that OpenAPI allows there."""
    return f"{re.sub(r'[^A-Za-z0-9._-]', lambda found: f'_{ord(found[0]):x}_', served.name)}.{name}"
