"""What several alerts say in the same words, as templates of Prometheus."""

from __future__ import annotations

MODEL = "{{ $labels.model }}{{ with $labels.namespace }} in namespace {{ . }}{{ end }}"
"""A model, and its namespace where scraping adds one."""

INSTANCE = (
    "{{ $labels.instance }}"
    "{{ with $labels.pod }} (pod {{ . }}{{ with $labels.namespace }} in namespace {{ . }}{{ end }}){{ end }}"
)
"""One predictor, and its pod where there are pods."""


def each(query: str, *labels: str, sort_by: str = "") -> str:
    """Begin a part of a template that is said of each result of a query; `{{ end }}` ends it.

    Every %q in the query stands for the value that the alert has for one of `labels`, in their order. The results come
    by their label `sort_by`; without one, in no order.
    """
    values = " ".join(f"$labels.{label}" for label in labels)
    quoted = query.replace('"', '\\"')
    results = f'query (printf "{quoted}" {values})'
    if sort_by:
        results = f'sortByLabel "{sort_by}" ({results})'
    return f"{{{{ range {results} }}}}"
