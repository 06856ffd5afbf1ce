"""Everything that talks to the API of Kubeflow Pipelines (v2beta1): versions, runs, schedules, and what went wrong."""
