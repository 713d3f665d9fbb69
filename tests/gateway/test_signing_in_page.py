"""docs/signing-in.md names settings, commands and options that exist, and examples that can be loaded."""

from __future__ import annotations

import dataclasses
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from config.settings import Listener, Network, Settings
from gateway.cli.root import oxgate

PAGE = Path(__file__).parents[2] / "docs" / "signing-in.md"
TEXT = PAGE.read_text("utf-8")

SECTIONS = {
    field.name: {each.name for each in dataclasses.fields(type(getattr(Settings(), field.name)))}
    for field in dataclasses.fields(Settings)
    if field.name not in ("listeners", "networks")
}
TABLES = {
    "listeners": {field.name for field in dataclasses.fields(Listener)},
    "networks": {field.name for field in dataclasses.fields(Network)},
}
BLOCKS = [(kind, body) for kind, body in re.findall(r"(?ms)^ *```(\w+)\n(.*?)^ *```", TEXT)]
SPANS = re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^ *```.*?^ *```", "", TEXT))
COMMANDS = [line.strip() for kind, body in BLOCKS if kind == "sh" for line in body.splitlines()]
COMMANDS += [span for span in SPANS if span.startswith("oxgate ")]


@pytest.mark.parametrize("body", [body for kind, body in BLOCKS if kind == "toml"])
def test_examples_of_settings(body: str) -> None:
    for section, values in tomllib.loads(body).items():
        known = SECTIONS.get(section) or TABLES[section]
        for table in values if isinstance(values, list) else [values]:
            assert set(table) <= known, section


def test_settings_in_the_text() -> None:
    named = [span for span in SPANS if re.fullmatch(rf"({'|'.join(SECTIONS)})\.\w+", span)]
    assert len(named) > 20
    for name in named:
        section, _, key = name.partition(".")
        assert key in SECTIONS[section], name
    for section in re.findall(r"`\[(\w+)\]`", TEXT):
        assert section in SECTIONS


@pytest.mark.parametrize("line", sorted({line for line in COMMANDS if line.startswith("oxgate ")}), ids=str)
def test_commands(line: str) -> None:
    """The command is there, and so is each of its options."""
    command: click.Command = oxgate
    context = click.Context(oxgate)
    words = shlex.split(line.partition(" < ")[0])[1:]
    while isinstance(command, click.Group) and words:
        word = "list" if words[0].startswith("-") else words.pop(0)  # `oxgate devices --since 30d`
        inner = command.get_command(context, word)
        assert inner is not None, f"no command {word} in `{line}`"
        command = inner
    options = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    for word in words:
        assert not word.startswith("-") or word.partition("=")[0] in options, f"no option {word} in `{line}`"


def test_links_within_the_page() -> None:
    titles = re.findall(r"(?m)^#+ (.*)$", TEXT)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    for anchor in re.findall(r"\]\(#([^)]+)\)", TEXT):
        assert anchor in anchors, anchor
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).exists(), target
