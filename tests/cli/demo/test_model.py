from __future__ import annotations

import math
import random
from typing import List

import pytest

from nv_one_logger.cli.demo.data import Sample, load_penguins, split_for_training
from nv_one_logger.cli.demo.model import SoftmaxRegression, batches

SAMPLES = [Sample((0.0, 1.0), 0), Sample((1.0, 0.0), 1), Sample((2.0, -1.0), 1)]


def mean_loss(model: SoftmaxRegression, samples: List[Sample]) -> float:
    return -sum(math.log(model.probabilities(sample)[sample.label]) for sample in samples) / len(samples)


def test_probabilities_add_up_to_one_even_for_huge_features() -> None:
    model = SoftmaxRegression(2, 3)
    assert sum(model.probabilities(Sample((1e6, -1e6), 0))) == pytest.approx(1)


def test_step_follows_the_numerical_gradient() -> None:
    model, step = SoftmaxRegression(2, 2, seed=3), 1e-3
    before = [list(row) for row in model.weights]
    model.train_batch(SAMPLES, learning_rate=step, l2=0.0)
    for label, row in enumerate(before):
        for index, weight in enumerate(row):
            slope = (loss_at(before, label, index, weight + 1e-6) - loss_at(before, label, index, weight - 1e-6)) / 2e-6
            assert (weight - model.weights[label][index]) / step == pytest.approx(slope, abs=1e-6)


def loss_at(weights: List[List[float]], label: int, index: int, value: float) -> float:
    model = SoftmaxRegression(2, 2)
    model.weights = [list(row) for row in weights]
    model.weights[label][index] = value
    return mean_loss(model, SAMPLES)


def test_loss_returned_is_that_before_the_step() -> None:
    model = SoftmaxRegression(2, 2, seed=3)
    expected = mean_loss(model, SAMPLES)
    assert model.train_batch(SAMPLES, learning_rate=0.1) == pytest.approx(expected)
    assert mean_loss(model, SAMPLES) < expected


def test_penguins_are_learned() -> None:
    data = split_for_training(load_penguins(), 0.3, seed=7)
    model, generator = SoftmaxRegression(4, 3), random.Random(7)
    for _ in range(50):
        for batch in batches(data.training, 60, generator):
            model.train_batch(batch, 0.02)
    assert model.count_correct(data.held_out) / len(data.held_out) > 0.9


def test_state_restores_the_model() -> None:
    model, other = SoftmaxRegression(2, 2, seed=1), SoftmaxRegression(2, 2, seed=2)
    other.load_state(model.state())
    assert other.weights == model.weights
    assert other.weights[0] is not model.weights[0]


def test_batches_hold_every_sample_once() -> None:
    found = list(batches(SAMPLES, 2, random.Random(1)))
    assert [len(batch) for batch in found] == [2, 1]
    assert sorted(sample.features for batch in found for sample in batch) == sorted(s.features for s in SAMPLES)
