"""What a data scientist's program does, with the stock MLflow client; prints what it saw as JSON on the last line.

It runs in a process of its own that knows nothing but MLFLOW_TRACKING_URI, MLFLOW_TRACKING_TOKEN and REQUESTS_CA_BUNDLE.
"""

import hashlib
import json
import math
import os
import random
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import mlflow
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

EXPERIMENT = "customer-churn"
MODEL = "churn-classifier"
ARTIFACT_BYTES = 50 * 1024 * 1024
PARTS = 3
PART_BYTES = 10 * 1024 * 1024
STRAIGHT_TO_S3 = {
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true",
    "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(PART_BYTES),
    "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(PART_BYTES),
    "MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE": str(PART_BYTES),
}
THROUGH_MLFLOW = {
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
}
EPOCHS = 40
PARAMS = {"optimizer": "adam", "learning_rate": "0.003", "batch_size": "256", "hidden_units": "64", "epochs": str(EPOCHS)}
EARLIER_RATES = ("0.03", "0.0003")
TAGS = {"dataset": "churn-2026-q3", "stage": "candidate", "proof": "ünïcødé & more"}
DESCRIPTION = "Two layers, no early stopping. The middle of three learning rates."
MODEL_CODE = """
import mlflow

class ChurnClassifier(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[float], params=None) -> list[float]:
        return [1.0 if months < 6 else 0.0 for months in model_input]

mlflow.models.set_model(ChurnClassifier())
"""


def curves(learning_rate: str) -> dict[str, list[float]]:
    """Metrics that look like a training: too fast is noisy, too slow does not get there."""
    rate = float(learning_rate)
    noise = random.Random(learning_rate)
    steps = range(1, EPOCHS + 1)
    pace, jitter = 9 * (0.003 / rate) ** 0.5, 0.006 * (rate / 0.003) ** 0.5
    train = [0.15 + 0.55 * math.exp(-step / pace) + noise.gauss(0, jitter) for step in steps]
    validation = [0.21 + 0.49 * math.exp(-step / pace) + noise.gauss(0, 2 * jitter) for step in steps]
    auc = [0.91 - 0.33 * math.exp(-step / pace) + noise.gauss(0, jitter / 2) for step in steps]
    return {"train_loss": train, "val_loss": validation, "val_auc": auc}


def log_metrics(client: MlflowClient, run_id: str, metrics: dict[str, list[float]]) -> None:
    now = int(time.time() * 1000)
    for name, values in metrics.items():
        points = [Metric(name, value, now + step * 1000, step) for step, value in enumerate(values, start=1)]
        client.log_batch(run_id, metrics=points)


def in_parts(client: MlflowClient, run_id: str, folder: Path) -> dict[str, object]:
    """A file straight to S3 in parts, and back in parts and through MLflow."""
    file = folder / "parts.bin"
    file.write_bytes(os.urandom(PARTS * PART_BYTES))
    with patch.dict(os.environ, STRAIGHT_TO_S3):
        client.log_artifact(run_id, str(file), "data")
    back = {}
    for way, variables in {"straight": STRAIGHT_TO_S3, "through": THROUGH_MLFLOW}.items():
        (folder / way).mkdir()
        with patch.dict(os.environ, variables):
            back[way] = sha256(Path(client.download_artifacts(run_id, f"data/{file.name}", str(folder / way))))
    return {"sha256": sha256(file), "back": back, "number": PARTS}


def run_name(learning_rate: str) -> str:
    return f"adam-lr{learning_rate}-64u"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    client = MlflowClient()
    seen: dict[str, object] = {"variables": sorted(os.environ), "version": mlflow.__version__}
    metrics = curves(PARAMS["learning_rate"])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        artifact = folder / "features.bin"
        artifact.write_bytes(os.urandom(ARTIFACT_BYTES))
        downloads = folder / "downloads"
        downloads.mkdir()
        code = folder / "churn_classifier.py"
        code.write_text(MODEL_CODE)

        experiment = mlflow.set_experiment(EXPERIMENT)
        for rate in EARLIER_RATES:
            with mlflow.start_run(run_name=run_name(rate), tags=TAGS) as run:
                mlflow.log_params(PARAMS | {"learning_rate": rate})
                log_metrics(client, run.info.run_id, curves(rate))
        with mlflow.start_run(run_name=run_name(PARAMS["learning_rate"]), tags=TAGS, description=DESCRIPTION) as run:
            run_id = run.info.run_id
            mlflow.log_params(PARAMS)
            log_metrics(client, run_id, metrics)
            started = time.monotonic()
            mlflow.log_artifact(str(artifact), "data")
            seen["upload_seconds"] = round(time.monotonic() - started, 2)
            logged = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(code),
                registered_model_name=MODEL,
                pip_requirements=[f"mlflow=={mlflow.__version__}"],
            )

        stored = client.get_run(run_id)
        seen["params_identical"] = stored.data.params == PARAMS
        seen["tags_identical"] = {key: stored.data.tags.get(key) for key in TAGS} == TAGS
        seen["metrics_identical"] = all(
            [point.value for point in sorted(client.get_metric_history(run_id, name), key=lambda point: point.step)] == values
            for name, values in metrics.items()
        )
        started = time.monotonic()
        downloaded = Path(client.download_artifacts(run_id, "data/features.bin", str(downloads)))
        seen["download_seconds"] = round(time.monotonic() - started, 2)
        seen["sha256"], seen["sha256_read_back"] = sha256(artifact), sha256(downloaded)
        seen["parts"] = in_parts(client, run_id, folder)
        version = logged.registered_model_version
        model = mlflow.pyfunc.load_model(f"models:/{MODEL}/{version}")
        seen["predictions"] = list(model.predict([2.0, 24.0]))
        seen["registered"] = client.get_model_version(MODEL, str(version)).run_id == run_id

    seen |= {
        "experiment_id": experiment.experiment_id,
        "run_id": run_id,
        "run_name": stored.info.run_name,
        "user": stored.info.user_id,
        "artifact_uri": stored.info.artifact_uri,
        "model": MODEL,
        "model_version": str(version),
        "values": sum(map(len, metrics.values())),
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
