"""`oxgate convert`: messages from one format to another, and what could not be kept."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from conversion.errors import ConversionError
from conversion.formats import ENDINGS, Format, read, recognise, write_all
from conversion.receipt import Note, Receipt
from gateway.cli.progress import progress

FORMATS = click.Choice([form.value for form in Format])
LARGEST = 512 * 1024 * 1024
"""Octets of a file that is read."""
SHOWN_KINDS = 20
"""Kinds of notes that a summary shows."""


class Job(NamedTuple):
    """One file to convert, and the path that its name goes below."""

    source: Path
    below: Path


@click.command()
@click.argument("source", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--from", "given", type=FORMATS, help="The format of SOURCE. Default: recognised by what is in it.")
@click.option("--to", "wanted", type=FORMATS, required=True, help="The format to write.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The file to write, or the folder. Default: stdout for a file.",
)
@click.option("--explain", is_flag=True, help="Say what was dropped, altered and guessed, and where.")
@click.option("--json", "as_json", is_flag=True, help="Explain in JSON, one object a file, on stderr.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def convert(
    source: Path, given: str | None, wanted: str, output: Path | None, explain: bool, as_json: bool, force: bool
) -> None:
    """Convert a message, or a folder of messages, from one format to another.

    \b
    eml   a message as MIME              rtf   a body as Rich Text
    msg   a message file of Outlook      html  a body as HTML
    tnef  winmail.dat                    txt   a body as text
    ics   calendar objects               vcf   contacts
    mapi  a Message object as JSON, with every property

    SOURCE is a file, a folder (with all folders in it), or - for stdin. Nothing is written over unless --force is
    given. What has no place in the new format is left out; --explain says what that was.

    \b
    oxgate convert winmail.dat --to eml -o mail.eml
    oxgate convert mail.msg --to mapi | less
    oxgate convert contacts.vcf --to msg -o contacts/
    oxgate convert old-mail/ --from msg --to eml -o converted/ --explain
    """
    source_form = Format(given) if given else None
    target = Format(wanted)
    if source == Path("-"):
        _convert_one(
            sys.stdin.buffer.read(), "-", source_form, target, output, Explainer(explain or as_json, as_json), force
        )
        return
    if not source.exists():
        raise click.ClickException(f"{source} is not there.")
    if source.is_dir():
        _convert_folder(source, source_form, target, output, Explainer(explain or as_json, as_json), force)
        return
    data = _contents(source)
    _convert_one(data, str(source), source_form, target, output, Explainer(explain or as_json, as_json), force)


def _contents(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise click.ClickException(f"{path} has more than {LARGEST >> 20} MB; no message is that large.")
        return path.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror or error}") from error


class Explainer:
    """Tells what conversions could not keep, and sums it up."""

    def __init__(self, wanted: bool, as_json: bool) -> None:
        self._wanted = wanted
        self._as_json = as_json
        self.kinds: Counter[tuple[str, str]] = Counter()

    def tell(self, name: str, receipt: Receipt) -> None:
        """Tell the notes of one file."""
        for note in receipt:
            self.kinds[note.kind.value, note.what] += 1
        if not self._wanted:
            return
        if self._as_json:
            notes = [{"kind": note.kind.value, "place": note.place, "what": note.what} for note in receipt]
            click.echo(json.dumps({"file": name, "notes": notes, "more": receipt.more}, ensure_ascii=False), err=True)
            return
        for note in receipt:
            click.echo(self._line(name, note), err=True)
        if receipt.more:
            click.echo(f"{name}: and {receipt.more} more", err=True)
        if not receipt.count:
            click.echo(f"{name}: nothing was lost.", err=True)

    @staticmethod
    def _line(name: str, note: Note) -> str:
        return f"{name}: {note}"


def _convert_one(
    data: bytes,
    name: str,
    source: Format | None,
    target: Format,
    output: Path | None,
    explainer: Explainer,
    force: bool,
) -> None:
    receipt = Receipt()
    try:
        written = _converted(data, name, source, target, receipt)
    except ConversionError as error:
        raise click.ClickException(f"{name}: {error}") from error
    explainer.tell(name, receipt)
    if output is None:
        if len(written) > 1:
            raise click.ClickException(f"{name} holds {len(written)} messages: give a folder with --output.")
        sys.stdout.buffer.write(written[0])
        sys.stdout.buffer.flush()
        return
    if output.is_dir() or len(written) > 1:
        stem = "message" if name == "-" else Path(name).stem
        for path, octets in zip(_numbered(output / f"{stem}.{target.value}", len(written)), written, strict=True):
            _save(path, octets, force)
    else:
        _save(output, written[0], force)


def _convert_folder(
    folder: Path, source: Format | None, target: Format, output: Path | None, explainer: Explainer, force: bool
) -> None:
    if output is None:
        raise click.ClickException("a folder is converted into a folder: give one with --output.")
    if output.exists() and not output.is_dir():
        raise click.ClickException(f"{output} is a file; give a folder.")
    jobs = list(_jobs(folder, source, output.resolve()))
    if not jobs:
        raise click.ClickException(f"{folder} holds no file of {_kinds(source)}.")
    done, failures = 0, []
    with progress("converting", len(jobs)) as advance:
        for job in jobs:
            receipt = Receipt()
            try:
                written = _converted(_contents(job.source), str(job.source), source, target, receipt)
                path = (output / job.below).with_suffix(f".{target.value}")
                for place, octets in zip(_numbered(path, len(written)), written, strict=True):
                    _save(place, octets, force)
            except (ConversionError, click.ClickException) as error:
                text = error.format_message() if isinstance(error, click.ClickException) else str(error)
                failures.append(text if text.startswith(str(job.source)) else f"{job.source}: {text}")
            else:
                explainer.tell(str(job.source), receipt)
                done += len(written)
            advance(1)
    for text in failures:
        click.echo(text, err=True)
    click.echo(f"{done} messages written to {output}, {len(failures)} files failed.", err=True)
    _summary(explainer)
    if failures:
        raise click.ClickException("what failed is named above; the others are done.")


def _summary(explainer: Explainer) -> None:
    """Say how often what was lost, the most frequent first."""
    if not explainer.kinds:
        return
    click.echo("Not kept as it was:", err=True)
    for (kind, what), count in explainer.kinds.most_common(SHOWN_KINDS):
        click.echo(f"{count:8} {kind:8} {what}", err=True)
    others = len(explainer.kinds) - SHOWN_KINDS
    if others > 0:
        click.echo(f"         and {others} other kinds; --explain tells each.", err=True)


def _jobs(folder: Path, source: Format | None, output: Path) -> Iterator[Job]:
    """Give the files to convert: of the format, or by their names of any that is known."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.resolve().is_relative_to(output):
            continue
        if source is None and path.suffix.lower() not in ENDINGS:
            continue
        if source is not None and ENDINGS.get(path.suffix.lower(), source) is not source:
            continue
        yield Job(path, path.relative_to(folder))


def _kinds(source: Format | None) -> str:
    endings = sorted(ending for ending, form in ENDINGS.items() if source in (None, form))
    return "the kinds " + ", ".join(endings)


def _converted(data: bytes, name: str, source: Format | None, target: Format, receipt: Receipt) -> list[bytes]:
    """Convert one file. Raises ConversionError."""
    form = source or recognise(name, data)
    if form is None:
        raise ConversionError("what this is cannot be told; say it with --from")
    return write_all(read(data, form, receipt=receipt), target, receipt=receipt)


def _numbered(path: Path, count: int) -> list[Path]:
    if count == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, count + 1)]


def _save(path: Path, octets: bytes, force: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb" if force else "xb") as file:
            file.write(octets)
    except FileExistsError:
        raise click.ClickException(f"{path} is there already; --force writes over it.") from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror or error}") from error
