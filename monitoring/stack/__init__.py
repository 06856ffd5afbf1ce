"""Predictor, Prometheus, Alertmanager and node_exporter on this machine, with the configuration that is shipped."""
