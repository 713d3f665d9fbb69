"""Settings files: `config/default.toml` with every default, and the file that `oxgate init` writes.

`python -m config.template` writes `config/default.toml` again.
"""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from config.settings import DEFAULT_LISTENERS, Listener, Network, Settings

HEAD = """\
# The settings of oxgate. Each key stands with its default and what it means.
# The environment wins over this file: OXGATE_IMAP__IDLE_TIMEOUT=600 sets idle_timeout of [imap].
# Times are in seconds, sizes in octets, paths relative to this file. `oxgate check-config` checks it.
"""


def render(
    values: Mapping[str, Mapping[str, Any]] | None = None, listeners: Sequence[Listener] = DEFAULT_LISTENERS
) -> str:
    """Write a settings file. With `values`, only those keys are set and the defaults stand beside them as comments."""
    lines = [HEAD]
    for section in dataclasses.fields(Settings):
        if section.name == "listeners":
            lines.append(_listeners(listeners))
            continue
        if section.name == "networks":
            lines.append(_networks())
            continue
        kind = type(getattr(_DEFAULTS, section.name))
        chosen = (values or {}).get(section.name, {})
        lines.append(f"[{section.name}]  # {kind.__doc__}")
        for field in dataclasses.fields(kind):
            lines.extend(textwrap.wrap(field.metadata["doc"], 116, initial_indent="# ", subsequent_indent="# "))
            if field.name in chosen:
                lines.append(f"{field.name} = {_toml(chosen[field.name])}")
            elif values is not None or field.default is None:
                lines.append(f"# {field.name} = {_toml(field.default)}")
            else:
                lines.append(f"{field.name} = {_toml(field.default)}")
        lines.append("")
    return "\n".join(lines)


def _listeners(listeners: Sequence[Listener]) -> str:
    lines = ["# One [[listeners]] for each port:"]
    for field in dataclasses.fields(Listener):
        note = "" if field.name in ("name", "protocol", "port") else f" Default: {_toml(field.default)}."
        lines.append(f"#   {field.name}: {field.metadata['doc']}{note}")
    for one in listeners:
        lines.append("")
        lines.append("[[listeners]]")
        for field in dataclasses.fields(Listener):
            value = getattr(one, field.name)
            if field.name in ("name", "protocol", "port") or value != field.default:
                lines.append(f"{field.name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _networks() -> str:
    """Explain [[networks]] by an example: there is none by default."""
    lines = ["# Other mechanisms for some clients, one [[networks]] for each network:"]
    lines += [f"#   {field.name}: {field.metadata['doc']}" for field in dataclasses.fields(Network)]
    lines += ["#", "# [[networks]]", '# address = "192.0.2.0/24"', '# mechanisms = ["PLAIN", "NTLM"]']
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    match value:
        case None:
            return '""'
        case bool():
            return "true" if value else "false"
        case int() if abs(value) >= 10_000:
            return f"{value:_}"
        case int() | float():
            return str(value)
        case tuple() | list():
            return "[" + ", ".join(_toml(part) for part in value) + "]"
        case _:
            return json.dumps(str(value), ensure_ascii=False)


_DEFAULTS = Settings()


if __name__ == "__main__":
    Path(__file__).with_name("default.toml").write_text(render(), encoding="utf-8")
