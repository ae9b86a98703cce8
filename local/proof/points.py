"""A training that logs a point every 0.1 seconds with the stock MLflow client, until its standard input ends.

Prints its run's id, and at the end how many points it has logged, as JSON. It knows nothing but MLFLOW_TRACKING_URI,
MLFLOW_TRACKING_TOKEN and REQUESTS_CA_BUNDLE.
"""

import json
import select
import sys

import mlflow

with mlflow.start_run() as run:
    print(run.info.run_id, flush=True)
    step = 0
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        mlflow.log_metric("loss", step, step=step, synchronous=True)
        step += 1
print(json.dumps({"points": step}))
