from __future__ import annotations

import random
import statistics
from collections import Counter

import pytest

from nv_one_logger.cli.demo.data import (
    FEATURES,
    SPECIES,
    Sample,
    jittered,
    load_penguins,
    split_for_training,
    with_products,
)


def test_table_has_every_penguin_that_was_measured() -> None:
    samples = load_penguins()
    assert len(samples) == 342  # of 344; two were not measured
    assert Counter(SPECIES[sample.label] for sample in samples) == {"Adelie": 151, "Gentoo": 123, "Chinstrap": 68}
    assert samples[0].features == (39.1, 18.7, 181.0, 3750.0)


def test_split_holds_out_the_same_fraction_of_each_species() -> None:
    split = split_for_training(load_penguins(), 0.3, seed=7)
    assert (len(split.training), len(split.held_out)) == (240, 102)
    assert Counter(sample.label for sample in split.held_out) == {0: 45, 1: 20, 2: 37}


def test_split_shares_no_sample() -> None:
    split = split_for_training(load_penguins(), 0.3, seed=7)
    assert not set(split.training) & set(split.held_out)


def test_split_is_the_same_for_the_same_seed() -> None:
    samples = load_penguins()
    assert split_for_training(samples, 0.3, seed=7) == split_for_training(samples, 0.3, seed=7)
    assert split_for_training(samples, 0.3, seed=7) != split_for_training(samples, 0.3, seed=8)


def test_training_features_are_scaled() -> None:
    split = split_for_training(load_penguins(), 0.3, seed=7)
    columns = list(zip(*(sample.features for sample in split.training)))
    assert len(columns) == len(FEATURES)
    for column in columns:
        assert sum(column) / len(column) == pytest.approx(0, abs=1e-9)
        assert sum(value**2 for value in column) / len(column) == pytest.approx(1)


def test_products_follow_the_features() -> None:
    assert with_products(Sample((2.0, 3.0), 1)) == Sample((2.0, 3.0, 4.0, 6.0, 9.0), 1)


def test_noise_has_the_deviation_asked_for() -> None:
    generator, sample = random.Random(1), Sample((5.0,), 2)
    values = [jittered(sample, 0.1, generator).features[0] for _ in range(2000)]
    assert statistics.mean(values) == pytest.approx(5.0, abs=0.01)
    assert statistics.stdev(values) == pytest.approx(0.1, rel=0.1)
    assert jittered(sample, 0.0, generator) == sample
