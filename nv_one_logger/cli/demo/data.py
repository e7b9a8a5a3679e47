"""The demo's data set: penguins to be told apart by their measurements."""

from __future__ import annotations

import csv
import io
import pkgutil
import random
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Dict, List, Sequence, Tuple, cast

__all__ = [
    "FEATURES",
    "SPECIES",
    "DataSplit",
    "Sample",
    "load_penguins",
    "jittered",
    "split_for_training",
    "with_products",
]

SPECIES = ("Adelie", "Chinstrap", "Gentoo")
FEATURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")


@dataclass(frozen=True)
class Sample:
    """One penguin: its features, and its species as an index into ``SPECIES``."""

    features: Tuple[float, ...]
    label: int


@dataclass(frozen=True)
class DataSplit:
    """What the model learns from, and what it is measured on and never sees while learning."""

    training: Tuple[Sample, ...]
    held_out: Tuple[Sample, ...]


def load_penguins() -> List[Sample]:
    """Read the shipped table (see ``penguins.md`` beside it); the two penguins without measurements are left out."""
    # pkgutil rather than importlib.resources, whose functions differ between Python 3.8 and 3.13.
    # (It returns None for exotic loaders only, and raises when the file is missing.)
    content = cast(bytes, pkgutil.get_data(__package__, "penguins.csv"))
    rows = csv.DictReader(io.StringIO(content.decode("utf-8")))
    return [_sample(row) for row in rows if all(row[feature] != "NA" for feature in FEATURES)]


def _sample(row: Dict[str, str]) -> Sample:
    return Sample(tuple(float(row[feature]) for feature in FEATURES), SPECIES.index(row["species"]))


def split_for_training(samples: Sequence[Sample], held_out_fraction: float, seed: int) -> DataSplit:
    """Hold out the same fraction of each species, and scale every measurement to mean 0 and deviation 1.

    The scale is taken from the training part alone, so that the held-out part stays unseen.
    """
    generator = random.Random(seed)
    training: List[Sample] = []
    held_out: List[Sample] = []
    for label in range(len(SPECIES)):
        group = [sample for sample in samples if sample.label == label]
        generator.shuffle(group)
        boundary = round(len(group) * held_out_fraction)
        held_out.extend(group[:boundary])
        training.extend(group[boundary:])
    means, deviations = _moments(training)

    def scaled(part: List[Sample]) -> Tuple[Sample, ...]:
        return tuple(
            Sample(tuple((x - m) / d for x, m, d in zip(sample.features, means, deviations)), sample.label)
            for sample in part
        )

    return DataSplit(scaled(training), scaled(held_out))


def with_products(sample: Sample) -> Sample:
    """Append the products of the features by two, with which a linear model draws curved boundaries."""
    pairs = combinations_with_replacement(sample.features, 2)
    return Sample((*sample.features, *(one * other for one, other in pairs)), sample.label)


def jittered(sample: Sample, deviation: float, generator: random.Random) -> Sample:
    """Return a copy as if measured anew: normal noise of ``deviation`` on every feature, which prevents overfitting."""
    return Sample(tuple(value + generator.gauss(0.0, deviation) for value in sample.features), sample.label)


def _moments(samples: Sequence[Sample]) -> Tuple[List[float], List[float]]:
    columns = list(zip(*(sample.features for sample in samples)))
    means = [sum(column) / len(column) for column in columns]
    squares = [sum((x - mean) ** 2 for x in column) / len(column) for column, mean in zip(columns, means)]
    return means, [square**0.5 for square in squares]
