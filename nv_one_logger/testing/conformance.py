"""The conformance suite: what every exporter has to do, as tests that its author inherits.

A whole test module::

    from nv_one_logger.testing.conformance import ExporterContract

    class TestAcmeExporter(ExporterContract):
        def make_exporter(self, tmp_path):
            return AcmeExporter(tmp_path / "acme.db")

Each hook that is overridden beyond that switches tests on; docs/testing-plugins.md tells what each one checks. A limit
of a backend is declared by overriding the test and marking it with ``pytest.mark.skip(reason=...)``.
"""

from __future__ import annotations

from nv_one_logger.testing._contract_backend import BackendContract, ConfigurationContract, FlushContract
from nv_one_logger.testing._contract_base import Arrival, arrivals_of
from nv_one_logger.testing._contract_concurrency import ConcurrencyContract
from nv_one_logger.testing._contract_life_cycle import LifeCycleContract, OrderContract
from nv_one_logger.testing._contract_values import UnusualValuesContract

__all__ = ["Arrival", "ExporterContract", "arrivals_of"]


class ExporterContract(
    ConfigurationContract,
    BackendContract,
    FlushContract,
    ConcurrencyContract,
    UnusualValuesContract,
    OrderContract,
    LifeCycleContract,
):
    """Subclass it as ``class TestMyExporter(ExporterContract)`` and implement ``make_exporter``.

    Every test makes exporters of its own, in a folder of its own. Most run twice: through the plugin host, as in
    production, and with direct calls. pytest fixtures that the hooks need, such as a server to connect to, go into an
    autouse fixture of the subclass that stores them on ``self``.
    """
