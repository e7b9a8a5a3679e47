"""Softmax regression in plain Python, trained by stochastic gradient descent; no telemetry, no dependency."""

from __future__ import annotations

import math
import random
from typing import Dict, Iterator, List, Sequence

from nv_one_logger.cli.demo.data import Sample

__all__ = ["SoftmaxRegression", "batches"]


class SoftmaxRegression:
    """Multinomial logistic regression: the probability of each class is the softmax of a linear score.

    The loss is the mean cross-entropy (natural logarithm) plus ``l2 / 2`` times the squared weights; the gradient of
    the former for one sample is ``(probability - truth) * feature`` (Bishop, Pattern Recognition and Machine Learning,
    section 4.3.4).

    Args:
        features: Number of features of a sample.
        classes: Number of classes.
        seed: Of the small random weights it starts from.
    """

    def __init__(self, features: int, classes: int, seed: int = 0) -> None:
        generator = random.Random(seed)
        # The last weight of each class is its bias.
        self.weights = [[generator.gauss(0.0, 0.01) for _ in range(features + 1)] for _ in range(classes)]

    def probabilities(self, sample: Sample) -> List[float]:
        """Return the probability of each class."""
        scores = [_dot(row, sample.features) for row in self.weights]
        # The largest score is taken off so that exp() cannot overflow; it cancels in the quotient.
        largest = max(scores)
        powers = [math.exp(score - largest) for score in scores]
        total = sum(powers)
        return [power / total for power in powers]

    def train_batch(self, batch: Sequence[Sample], learning_rate: float, l2: float = 1e-4) -> float:
        """Make one step of gradient descent; return the mean cross-entropy of the batch before the step."""
        gradient = [[0.0] * len(row) for row in self.weights]
        loss = 0.0
        for sample in batch:
            probabilities = self.probabilities(sample)
            loss -= math.log(max(probabilities[sample.label], 1e-300))
            for label, row in enumerate(gradient):
                error = probabilities[label] - (label == sample.label)
                for index, value in enumerate(sample.features):
                    row[index] += error * value
                row[-1] += error
        scale = learning_rate / len(batch)
        self.weights = [
            [weight - scale * slope - learning_rate * l2 * weight for weight, slope in zip(row, slopes)]
            for row, slopes in zip(self.weights, gradient)
        ]
        return loss / len(batch)

    def count_correct(self, samples: Sequence[Sample]) -> int:
        """Return how many of the samples get the highest probability for their own class."""
        return sum(_position_of_largest(self.probabilities(sample)) == sample.label for sample in samples)

    def state(self) -> Dict[str, List[List[float]]]:
        """Return everything that a checkpoint must hold, as plain JSON values."""
        return {"weights": [list(row) for row in self.weights]}

    def load_state(self, state: Dict[str, List[List[float]]]) -> None:
        """Take over what :meth:`state` returned."""
        self.weights = [list(row) for row in state["weights"]]


def batches(samples: Sequence[Sample], size: int, generator: random.Random) -> Iterator[List[Sample]]:
    """Return the samples in random order, ``size`` at a time; the last batch may be smaller."""
    shuffled = list(samples)
    generator.shuffle(shuffled)
    for start in range(0, len(shuffled), size):
        yield shuffled[start : start + size]


def _dot(row: Sequence[float], features: Sequence[float]) -> float:
    # zip() stops before the bias, the last element of the row.
    return sum(weight * value for weight, value in zip(row, features)) + row[-1]


def _position_of_largest(values: Sequence[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)
