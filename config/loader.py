"""TOML and environment to Settings. Nothing is guessed and nothing is skipped: all errors come at once, each with its
dotted name and how to mend it.

A value of the environment wins over the file: `OXGATE_IMAP__IDLE_TIMEOUT=600` sets `imap.idle_timeout`, and
`OXGATE_LISTENERS__IMAP__PORT=1143` the port of the listener whose name is `imap`.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from config.rules import cross_check
from config.settings import DEFAULT_LISTENERS, Listener, Network, Settings

PREFIX = "OXGATE_"
LISTS = ("listeners", "networks")
"""The settings that are lists of tables."""


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


class Problem(NamedTuple):
    """One thing wrong: the dotted name of the setting (empty: the file itself), and what to do about it."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.name else self.text


class SettingsError(Exception):
    """The settings cannot be used. `problems` lists everything that is wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read a settings file (None: defaults only), lay the environment over it, and check the whole.

    Raises:
        SettingsError: with every problem found.
    """
    data: dict[str, Any] = {}
    folder = Path.cwd()
    if path is not None:
        folder = path.absolute().parent
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            text = f"there is no settings file {path}; make one with `oxgate init DIR --domain D`, or use --config"
            raise SettingsError([Problem("", text)]) from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError([Problem("", f"{path} cannot be read: {error}")]) from None
        except tomllib.TOMLDecodeError as error:
            raise SettingsError([Problem("", f"{path} is not TOML: {error}")]) from None
    return from_data(data, environ, folder)


def from_data(data: Mapping[str, Any], environ: Mapping[str, str], folder: Path) -> Settings:
    """Build Settings from parsed TOML and an environment; relative paths are taken below `folder`.

    Raises:
        SettingsError: with every problem found.
    """
    builder = _Builder(folder)
    settings = builder.settings(data, environ)
    if not builder.problems:
        builder.problems.extend(Problem(name, text) for name, text in cross_check(settings))
    if builder.problems:
        raise SettingsError(builder.problems)
    return settings


class _Builder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.sections: dict[str, type[Any]] = {
            name: kind for name, kind in _hints(Settings).items() if name not in LISTS
        }

    def settings(self, data: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
        overrides = self.overrides(environ)
        values: dict[str, Any] = {}
        for name in data:
            if name not in LISTS and name not in self.sections:
                self.unknown(name, [*self.sections, *LISTS])
        for name, kind in self.sections.items():
            table = data.get(name, {})
            if not isinstance(table, Mapping):
                self.problems.append(Problem(name, f"is a section: write [{name}] and its keys below"))
                table = {}
            values[name] = self.section(name, kind, table, overrides.pop(name, {}))
        values["listeners"] = self.listeners(data.get("listeners"), overrides.pop("listeners", {}))
        values["networks"] = self.networks(data.get("networks", []))
        for name in overrides:
            self.unknown(name, [*self.sections, *LISTS], PREFIX + name.upper() + "__")
        return Settings(**values)

    def overrides(self, environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for name in sorted(environ):
            section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
            if name.startswith(PREFIX) and separator:
                found.setdefault(section, {})[key] = environ[name]
        return found

    def listeners(self, tables: Any, overrides: dict[str, str]) -> tuple[Listener, ...]:
        made: list[Listener] = []
        split: dict[str, dict[str, str]] = {}
        for key, text in overrides.items():
            name, _, field = key.partition("__")
            split.setdefault(name, {})[field] = text
        if tables is None:
            rows: list[Any] = [
                {f.name: getattr(one, f.name) for f in dataclasses.fields(one)} for one in DEFAULT_LISTENERS
            ]
        else:
            rows = self.tables("listeners", tables)
        for label, table in self.labelled("listeners", rows, ("name", "protocol", "port")):
            mine = split.pop(label.lower().replace("-", "_"), {})
            made.append(
                self.section(f"listeners[{label}]", Listener, table, mine, required=("name", "protocol", "port"))
            )
        known = [one.name for one in made]
        for name in split:
            self.unknown(f"listeners[{name}]", known, f"{PREFIX}LISTENERS__{name.upper()}", wanted=name)
        return tuple(made)

    def networks(self, tables: Any) -> tuple[Network, ...]:
        """Read the [[networks]]; the environment cannot name one."""
        required = ("address", "mechanisms")
        return tuple(
            self.section(f"networks[{label}]", Network, table, {}, required)
            for label, table in self.labelled("networks", self.tables("networks", tables), required)
        )

    def tables(self, name: str, raw: Any) -> list[Any]:
        if isinstance(raw, list):
            return raw
        self.problems.append(Problem(name, f"is a list: write [[{name}]] above each"))
        return []

    def labelled(self, name: str, rows: list[Any], required: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield what an error calls each table (the first key that is required), and the table."""
        for number, table in enumerate(rows):
            if not isinstance(table, Mapping):
                self.problems.append(Problem(f"{name}[{number}]", f"is a table: write [[{name}]] and its keys below"))
                continue
            label = str(table.get(required[0]) or number)
            for key in required:
                if key not in table:
                    text = f"is missing: every {name.removesuffix('s')} needs one"
                    self.problems.append(Problem(f"{name}[{label}].{key}", text))
            yield label, table

    def section(
        self,
        name: str,
        kind: type[Any],
        table: Mapping[str, Any],
        overrides: Mapping[str, str],
        required: tuple[str, ...] = (),
    ) -> Any:
        hints = _hints(kind)  # type: ignore[arg-type]  # mypy does not see that a class is hashable
        fields = {field.name: field for field in dataclasses.fields(kind)}
        values: dict[str, Any] = {}
        for key in [*table, *(key for key in overrides if key not in table)]:
            dotted = f"{name}.{key}"
            if key not in fields:
                self.unknown(dotted, list(fields), wanted=key)
                continue
            if key in overrides:
                raw, origin = _from_text(overrides[key], hints[key]), " (the environment says so)"
            else:
                raw, origin = table[key], ""
            value, problem = _convert(raw, hints[key], self.folder)
            if problem is None:
                found = (check(value) for check in fields[key].metadata["checks"])
                problem = next((text for text in found if text), None)
            if problem is not None:
                self.problems.append(Problem(dotted, problem + origin))
            else:
                values[key] = value
        for key, field in fields.items():
            if key not in values and isinstance(field.default, Path):
                values[key] = self.folder / field.default
        return kind(**values)

    def unknown(self, name: str, candidates: list[str], shown: str = "", wanted: str = "") -> None:
        near = difflib.get_close_matches(wanted or name, candidates, n=1, cutoff=0.6)
        hint = ""
        if near:
            hint = f'; did you mean "{near[0]}"?'
        elif wanted:
            elsewhere = [
                f"{section}.{field.name}"
                for section, kind in self.sections.items()
                for field in dataclasses.fields(kind)
                if field.name == wanted
            ]
            hint = f'; did you mean "{elsewhere[0]}"?' if elsewhere else f"; known here: {', '.join(candidates)}"
        else:
            hint = f"; known: {', '.join(candidates)}"
        origin = f" (from {shown})" if shown else ""
        self.problems.append(Problem(name, f"is no setting{origin}{hint}"))


def _from_text(text: str, hint: Any) -> Any:
    """Read an environment value: texts and paths as they are, the rest as TOML, lists also with commas alone."""
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if str in options or Path in options:
        return text
    if typing.get_origin(hint) is tuple and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _convert(raw: Any, hint: Any, folder: Path) -> tuple[Any, str | None]:
    """Give the value in its type, or what is wrong with it."""
    if isinstance(hint, types.UnionType):  # only `Path | None`, where empty means none
        return (None, None) if raw == "" else _convert(raw, typing.get_args(hint)[0], folder)
    if typing.get_origin(hint) is tuple:
        if isinstance(raw, list | tuple) and all(isinstance(part, str) for part in raw):
            return tuple(raw), None
        return None, f'must be a list of texts such as ["a", "b"], not {_show(raw)}'
    if hint is Path:
        return (
            (folder / Path(raw).expanduser(), None)
            if isinstance(raw, str)
            else (None, f"must be a path, not {_show(raw)}")
        )
    if hint is bool:
        return (raw, None) if isinstance(raw, bool) else (None, f"must be true or false, not {_show(raw)}")
    if hint is int:
        good = isinstance(raw, int) and not isinstance(raw, bool)
        return (raw, None) if good else (None, f"must be a whole number, not {_show(raw)}")
    if hint is float:
        good = isinstance(raw, int | float) and not isinstance(raw, bool)
        return (float(raw), None) if good else (None, f"must be a number, not {_show(raw)}")
    return (raw, None) if isinstance(raw, str) else (None, f"must be a text in quotes, not {_show(raw)}")


def _show(raw: Any) -> str:
    text = f'"{raw}"' if isinstance(raw, str) else str(raw).lower() if isinstance(raw, bool) else str(raw)
    return text if len(text) <= 60 else text[:57] + "..."
