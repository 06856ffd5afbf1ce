"""Filters of the API's lists, as the SDK writes them too."""

import json


def named(name: str) -> str:
    """Only what people see under exactly this name."""
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})
