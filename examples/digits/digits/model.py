"""The model: trained at startup on the digits that ship with scikit-learn, so that no model file is ever loaded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from digits.shape import SIDE, cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.float64]

# The data set is ordered by writer, so these are mostly different people's handwriting.
TRAINED = slice(0, 1000)
CALIBRATED = slice(1000, 1347)
HELD_OUT = slice(1347, None)


@dataclass(frozen=True, slots=True)
class Model:
    """A trained classifier, its accuracy on held-out digits (0-1), and how long training took."""

    classifier: Any
    accuracy: float
    seconds: float

    def predict(self, values: Pixels) -> tuple[int, float]:
        """Return the digit and its certainty (0-1) for the 64 values of a picture."""
        chances = self.classifier.predict_proba(values.reshape(1, -1))[0]
        digit = int(chances.argmax())
        return digit, float(chances[digit])


def train() -> Model:
    """Train the model; the result is deterministic.

    One support vector machine per digit (one-vs-rest), because their margins express doubt: a scribble is far from
    every digit. Pairwise voting (one-vs-one) recognised digits as well, but was certain about nine scribbles in ten.
    Distorted copies stand in for other people's handwriting. The certainty is calibrated on unseen digits.
    """
    start = time.perf_counter()
    data = load_digits()
    bitmaps = [_enlarged(image) for image in data.images]
    shaped = np.array([cells(bitmap) for bitmap in bitmaps])
    random = np.random.default_rng(0)

    def with_copies(part: slice, copies: int) -> tuple[Pixels, NDArray[np.int64]]:
        more = [cells(_distorted(bitmap, random)) for _ in range(copies) for bitmap in bitmaps[part]]
        return np.concatenate([shaped[part], np.array(more)]), np.tile(data.target[part], copies + 1)

    machines = OneVsRestClassifier(SVC(C=5, gamma=0.0015)).fit(*with_copies(TRAINED, 3))
    classifier = CalibratedClassifierCV(FrozenEstimator(machines), method="sigmoid").fit(*with_copies(CALIBRATED, 2))
    accuracy = float(classifier.score(shaped[HELD_OUT], data.target[HELD_OUT]))
    return Model(classifier, accuracy, time.perf_counter() - start)


def _enlarged(image: Pixels) -> Pixels:
    """Return 8 x 8 counts scaled up to the ink (0-1) of a 32 x 32 picture."""
    large = Image.fromarray((image / 16).astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(large, dtype=np.float64), 0, 1)


def _distorted(bitmap: Pixels, random: np.random.Generator) -> Pixels:
    """Return the ink slightly rotated, slanted and stretched, and shrunk so that nothing is cut off."""
    angle, slant, width = random.normal(0, 0.06), random.normal(0, 0.09), random.uniform(0.85, 1.15)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = 1.25 * turn @ np.array([[1, slant], [0, 1]]) @ np.diag([width, 1])
    middle = np.full(2, (SIDE - 1) / 2)
    (a, b), (d, e) = matrix
    c, f = middle - matrix @ middle
    image = Image.fromarray(np.rint(bitmap * 255).astype(np.uint8))
    moved = image.transform((SIDE, SIDE), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BICUBIC)
    return np.asarray(moved, dtype=np.float64) / 255
