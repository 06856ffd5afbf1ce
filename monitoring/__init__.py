"""From metric to alert: dashboards, rules and runbook as code, a load that exercises them, a stack to see them in.

`python -m monitoring render` writes what Prometheus and Grafana read; it is committed, and a test says that it is what
the code renders.
"""
