"""Pictures of the dashboards from what Prometheus has measured, for those who have no Grafana at hand.

They show what the panels ask, drawn simply: to look at on a laptop, and for the documentation. Grafana does it better.
"""
