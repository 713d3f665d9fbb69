"""The production loop, and asyncio's own for what touches TLS and the ends of connections."""

from __future__ import annotations

import asyncio

import uvloop


def pytest_asyncio_loop_factories(config, item):
    factories = {"uvloop": uvloop.new_event_loop}
    if "stls" in item.name or "shutdown" in item.name or "limit" in item.name or "poplib" in item.name:
        factories["asyncio"] = asyncio.new_event_loop
    return factories
