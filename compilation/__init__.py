"""From the pipelines in Python to the YAML that Kubeflow Pipelines takes, and the rules that this YAML must keep."""
