"""What training promises and serving relies on: the contract of a table, the bundle of a model, the data's profile.

Serving imports this package and nothing of training, so it depends on numpy, pydantic, PyYAML and ONNX Runtime alone.
"""

import os

# ONNX Runtime tells its maker about the machine and the program, unless it is told not to before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
