"""The design of the heart predecessor: FastAPI, a model for pydantic, a DataFrame, scikit-learn on the event loop.

Two things differ, in its favour or there would be nothing to compare: categories have UCI's codes, so that it doesn't
refuse half of the table, and a batch may hold more than 100 rows. It keeps no metrics here.
"""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path
from typing import Annotated, Any

import joblib  # type: ignore[import-untyped]
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field


class Patient(BaseModel):
    """One row."""

    age: Annotated[int, Field(ge=29, le=77)]
    sex: Annotated[int, Field(ge=0, le=1)]
    cp: Annotated[int, Field(ge=1, le=4)]
    trestbps: Annotated[int, Field(ge=94, le=200)]
    chol: Annotated[int, Field(ge=126, le=564)]
    fbs: Annotated[int, Field(ge=0, le=1)]
    restecg: Annotated[int, Field(ge=0, le=2)]
    thalach: Annotated[int, Field(ge=71, le=202)]
    exang: Annotated[int, Field(ge=0, le=1)]
    oldpeak: Annotated[float, Field(ge=0, le=6.2)]
    slope: Annotated[int, Field(ge=1, le=3)]
    ca: Annotated[int, Field(ge=0, le=4)]
    thal: Annotated[int, Field(ge=3, le=7)]


class Patients(BaseModel):
    """A batch."""

    patients: Annotated[list[Patient], Field(min_length=1)]


class Prediction(BaseModel):
    """What is said of one row."""

    prediction: int
    prediction_label: str
    probability_no_disease: float
    probability_disease: float
    confidence: float
    timestamp: str


def application(directory: Path) -> FastAPI:
    """The application of one `model.joblib`, fitted on a DataFrame."""
    app = FastAPI(title="Heart Disease Prediction API")
    estimator = joblib.load(directory / "model.joblib")

    def predict(patients: list[Patient]) -> list[Prediction]:
        frame = pd.DataFrame([patient.model_dump() for patient in patients])
        timestamp = datetime.datetime.now(datetime.UTC).isoformat()
        return [
            Prediction(
                prediction=int(disease > no_disease),
                prediction_label="Disease" if disease > no_disease else "No Disease",
                probability_no_disease=no_disease,
                probability_disease=disease,
                confidence=max(no_disease, disease),
                timestamp=timestamp,
            )
            for no_disease, disease in estimator.predict_proba(frame).tolist()
        ]

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "healthy"}

    @app.post("/predict", response_model=Prediction)
    async def one(patient: Patient) -> Prediction:
        return predict([patient])[0]

    @app.post("/predict/batch")
    async def batch(request: Patients) -> dict[str, Any]:
        predictions = predict(request.patients)
        return {"predictions": predictions, "count": len(predictions)}

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model_dir", type=Path, required=True)
    parser.add_argument("--http_port", type=int, required=True)
    options = parser.parse_args()
    uvicorn.run(application(options.model_dir), host="127.0.0.1", port=options.http_port)
