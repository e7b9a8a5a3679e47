from __future__ import annotations

import gc
import weakref
from typing import Dict

from nv_one_logger.core.span import Span
from nv_one_logger.host.former import MAX_PLUGINS, FormerPlugins


class Plugin:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class SlottedPlugin:
    __slots__ = ()


def started(*names: str) -> Dict[Span, int]:
    return {Span.create(name): number for number, name in enumerate(names)}


def test_plugin_that_comes_back_shares_what_it_knew() -> None:
    former, plugin, known = FormerPlugins(), Plugin(), started("open")
    former.remember(plugin, known)
    assert former.recall(plugin) is known
    assert former.recall(plugin) is None


def test_an_equal_plugin_is_another_one() -> None:
    former, plugin = FormerPlugins(), Plugin()
    former.remember(plugin, started("open"))
    assert former.recall(Plugin()) is None


def test_spans_that_ended_meanwhile_are_forgotten() -> None:
    former, plugin, known = FormerPlugins(), Plugin(), started("ended", "open")
    former.remember(plugin, known)
    next(iter(known)).stop()
    recalled = former.recall(plugin)
    assert recalled is not None
    assert [span.name for span in recalled] == ["open"]


def test_plugins_are_not_kept_alive() -> None:
    former, plugin = FormerPlugins(), Plugin()
    former.remember(plugin, started("open"))
    reference = weakref.ref(plugin)
    del plugin
    gc.collect()
    assert reference() is None
    assert former.recall(Plugin()) is None


def test_plugin_that_cannot_be_referred_to_weakly_is_remembered_too() -> None:
    former, plugin, known = FormerPlugins(), SlottedPlugin(), started("open")
    former.remember(plugin, known)
    assert former.recall(plugin) is known


def test_only_the_latest_are_remembered() -> None:
    former, plugins = FormerPlugins(), [Plugin() for _ in range(MAX_PLUGINS + 1)]
    for plugin in plugins:
        former.remember(plugin, {})
    assert former.recall(plugins[0]) is None
    assert former.recall(plugins[1]) == {}
