"""Access rights as letters and as rights of a folder ([RFC4314] 2.1, [MS-OXCPERM] 2.2.7).

The two do not map one to one; LETTERS says how, and why. Rights that have no letter (FOLDER_CONTACT, the free/busy
ones) are left as they are by SETACL. EDIT_OWNED and DELETE_OWNED give nobody anything here (store.permissions) and have
no letter; SETACL takes them away with the rights over all messages.
"""

from __future__ import annotations

from typing import NamedTuple

from store.permissions import ALL, Rights


class Letter(NamedTuple):
    """A right of [RFC4314] 2.1."""

    letter: str
    right: Rights
    """What it takes."""
    reason: str


LETTERS: tuple[Letter, ...] = (
    Letter("l", Rights.FOLDER_VISIBLE, "the same; without it a folder is not there, so no other right is of use"),
    Letter("r", Rights.READ_ANY, "the same"),
    Letter("s", Rights.EDIT_ANY, "one \\Seen for all who read the folder, so to set it is to change the message"),
    Letter("w", Rights.EDIT_ANY, "flags and keywords are properties of a message"),
    Letter("i", Rights.CREATE, "the same: APPEND, and COPY into the folder"),
    Letter("p", Rights.CREATE, "to post is to put a message into the folder, by mail"),
    Letter("k", Rights.CREATE_SUBFOLDER, "the same"),
    Letter("x", Rights.FOLDER_OWNER, "who owns a folder may delete it; there is no right for that alone"),
    Letter("t", Rights.DELETE_ANY, "to mark a message is half of deleting it"),
    Letter("e", Rights.DELETE_ANY, "to remove what is marked is the other half"),
    Letter("a", Rights.FOLDER_OWNER, "the same: the permissions of a folder are its owner's to change"),
)
"""In the order in which they are written."""

VIRTUAL: tuple[tuple[str, str], ...] = (("c", "k"), ("d", "te"))
"""Letters of older clients and what they stand for ([RFC4314] 2.1.1).

`x` is in neither: it is tied to `a`, and who asks for `c` or `d` does not ask to give the folder away.
"""

TIED: tuple[str, ...] = ("l", "r", "sw", "ip", "k", "xa", "te", "c", "d")
"""Letters that come together or not at all, as LISTRIGHTS tells them ([RFC4314] 3.7)."""

NEW = "kxte"
"""What the capability RIGHTS= tells ([RFC4314] 2.2)."""

_BITS = {each.letter: each.right for each in LETTERS}
_OWNED = {Rights.EDIT_ANY: Rights.EDIT_OWNED, Rights.DELETE_ANY: Rights.DELETE_OWNED}
_NONE = Rights(0)


def letters(held: Rights) -> str:
    """The letters of some rights, the obsolete ones at the end."""
    found = "".join(each.letter for each in LETTERS if held & each.right)
    return found + "".join(old for old, parts in VIRTUAL if any(part in found for part in parts))


def rights(text: str) -> Rights:
    """The rights that some letters stand for; all of what is tied to them comes along."""
    spelled = {**{letter: letter for letter in _BITS}, **dict(VIRTUAL)}
    found = _NONE
    for letter in text:
        for part in spelled[letter]:
            found |= _BITS[part]
    return found


def governed(held: Rights) -> Rights:
    """Rights with those over one's own messages that go with them."""
    for right, owned in _OWNED.items():
        if held & right:
            held |= owned
    return held


ALL_LETTERS = letters(ALL)
LETTERED = governed(rights("".join(each.letter for each in LETTERS)))
"""Every right that SETACL sets or takes."""
