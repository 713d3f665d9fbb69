"""The error of the conversion package."""

from __future__ import annotations


class ConversionError(Exception):
    """A conversion cannot be done at all, for instance because its input is of another format.

    Readers of mail never raise it: whatever bytes arrive, a message comes out.
    """
