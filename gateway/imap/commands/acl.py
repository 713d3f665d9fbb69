"""SETACL DELETEACL GETACL LISTRIGHTS MYRIGHTS ([RFC4314] 3), and rights in LIST ([RFC8440])."""

from __future__ import annotations

from directory.errors import ProviderError
from directory.model import Principal, PrincipalKind
from gateway.imap.errors import Reply, no, ok
from gateway.imap.place import Place, away
from gateway.imap.protocol import writer
from gateway.imap.protocol.acl_types import Acl, Identified, RightsChange, SetAcl
from gateway.imap.rights import ALL_LETTERS, LETTERED, TIED, governed, letters, rights
from gateway.imap.session import Session
from gateway.sasl.saslprep import saslprep
from gateway.services.sharing import Change, Sharing, guid_of, principal_of, principal_of_guid
from store.permissions import ANONYMOUS, DEFAULT, Rights

ANYONE = "anyone"
EVERYBODY_ELSE = "anonymous"
OWNER = "owner"
"""Stands for the owner of the mailbox, whose rights are all of them, always."""
GROUP = "group:"
"""What identifiers of groups begin with; their address alone will do as well."""


async def my_rights(session: Session, args: Acl) -> Reply:
    """MYRIGHTS ([RFC4314] 3.5, 3.8)."""
    place = await session.place(args.mailbox, selectable=False)
    session.send(await my_rights_line(session, args.mailbox.value, place))
    return ok(b"MYRIGHTS completed.")


async def my_rights_line(session: Session, name: str, place: Place) -> bytes:
    """The untagged MYRIGHTS of a mailbox ([RFC4314] 3.8)."""
    held = await session.read(place.mailbox.rights, place.row.id)
    return b"* MYRIGHTS %b %b\r\n" % (_name(session, name), _letters(letters(held)))


async def get_acl(session: Session, args: Acl) -> Reply:
    """GETACL: the owner, then the members of the folder, for who may change them ([RFC4314] 3.3, 3.6)."""
    place = await session.place(args.mailbox, selectable=False)
    sharing = _sharing(session)
    members = await session.read(place.mailbox.permissions, place.row.id)
    owner: Principal | None = await session.namespaces.ask(sharing.owner_of, place.mailbox)
    found = [(owner.address, ALL_LETTERS)] if owner is not None else []
    for member in members:
        text = letters(member.rights)
        if member.principal in (DEFAULT, ANONYMOUS):
            if text:
                found.append((ANYONE if member.principal == DEFAULT else EVERYBODY_ELSE, text))
        else:
            entry = await session.namespaces.ask(sharing.by_principal, member.principal)
            found.append((_identifier(entry, member.principal), text))
    pairs = b"".join(b" %b %b" % (writer.astring(who.encode()), _letters(text)) for who, text in found)
    session.send(b"* ACL %b%b\r\n" % (_name(session, args.mailbox.value), pairs))
    return ok(b"GETACL completed.")


async def set_acl(session: Session, args: SetAcl) -> Reply:
    """SETACL: sets, adds or takes rights, with all that is tied to them ([RFC4314] 3.1).

    The owner's cannot be changed, and there are no negative rights ([RFC4314] 2).
    """
    place = await session.place(args.mailbox, selectable=False)
    given = rights(args.rights)
    identifier = _prepared(args.identifier)
    if await _means_owner(session, place, identifier):
        await session.read(place.mailbox.demand, place.row.id, Rights.FOLDER_OWNER)
        taken = given if args.change is RightsChange.REMOVE else LETTERED & ~governed(given)
        if taken and args.change is not RightsChange.ADD:
            raise no(b"The owner keeps all rights.", b"CANNOT")
        return ok(b"SETACL completed.")

    def change(held: Rights) -> Rights:
        if args.change is RightsChange.ADD:
            return held | given
        if args.change is RightsChange.REMOVE:
            return held & ~governed(given)
        return held & ~LETTERED | given

    await _change(session, place, identifier, change)
    return ok(b"SETACL completed.")


async def delete_acl(session: Session, args: Identified) -> Reply:
    """DELETEACL: removes a member; one that is not there is no error ([RFC4314] 3.2)."""
    place = await session.place(args.mailbox, selectable=False)
    identifier = _prepared(args.identifier)
    if await _means_owner(session, place, identifier):
        raise no(b"The owner keeps all rights.", b"CANNOT")
    await _change(session, place, identifier, lambda held: None)
    return ok(b"DELETEACL completed.")


async def list_rights(session: Session, args: Identified) -> Reply:
    """LISTRIGHTS: the owner always has all; of others, what is tied together ([RFC4314] 3.4, 3.7)."""
    place = await session.place(args.mailbox, selectable=False)
    await session.read(place.mailbox.demand, place.row.id, Rights.FOLDER_OWNER)
    name = _prepared(args.identifier)
    if await _means_owner(session, place, name):
        told = [_letters(ALL_LETTERS)]
    else:
        await _principal(session, name)
        told = [b'""', *(each.encode() for each in TIED)]
    identifier = writer.astring(args.identifier.encode())
    session.send(b"* LISTRIGHTS %b %b %b\r\n" % (_name(session, args.mailbox.value), identifier, b" ".join(told)))
    return ok(b"LISTRIGHTS completed.")


# --- identifiers


def _sharing(session: Session) -> Sharing:
    if session.namespaces.sharing is None:
        raise away()
    return session.namespaces.sharing


def _identifier(entry: Principal | None, principal: bytes) -> str:
    """How a member is called; one that has left the directory by its GUID."""
    if entry is None:
        return guid_of(principal)
    return f"{GROUP}{entry.address}" if entry.kind is PrincipalKind.GROUP else entry.address


def _prepared(identifier: str) -> str:
    """An identifier as it is compared ([RFC4314] 3, 9); Refusal NO where SASLprep allows it not, or leaves nothing."""
    prepared = saslprep(identifier)
    if not prepared:
        raise no(b"There is nobody of that name to have rights.")
    return prepared


async def _find(session: Session, identifier: str) -> Principal | None:
    address = identifier[len(GROUP) :] if identifier.lower().startswith(GROUP) else identifier
    found: Principal | None = await session.namespaces.ask(_sharing(session).by_address, address)
    if found is not None and address != identifier and found.kind is not PrincipalKind.GROUP:
        return None
    return found


async def _means_owner(session: Session, place: Place, identifier: str) -> bool:
    """Whether an identifier is the owner of the mailbox. Refuses negative ones ([RFC4314] 2)."""
    if identifier.startswith("-"):
        raise no(b"There are no negative rights.", b"CANNOT")
    if identifier.lower() == OWNER:
        return True
    if identifier in (ANYONE, EVERYBODY_ELSE):
        return False
    found = await _find(session, identifier)
    return found is not None and found.mailbox_id == place.mailbox.ref.id


async def _principal(session: Session, identifier: str) -> bytes:
    """The principal of an identifier; Refusal NO where there is nobody of that name."""
    if identifier == ANYONE:
        return DEFAULT
    if identifier == EVERYBODY_ELSE:
        return ANONYMOUS
    found = await _find(session, identifier)
    if found is not None and found.kind is not PrincipalKind.CONTACT:
        return principal_of(found)
    left = principal_of_guid(identifier)
    if left is None:
        raise no(b"There is nobody of that name to have rights.")
    return left


async def _change(session: Session, place: Place, identifier: str, change: Change) -> None:
    """Change the rights of a member, in a thread: the directory's index is written too."""
    sharing = _sharing(session)
    principal = await _principal(session, identifier)
    mailbox, row = place
    call = sharing.change_permission
    try:
        await session.services.runner.run(call, mailbox, row.id, principal, change)
    except ProviderError as error:
        raise away() from error


def _name(session: Session, name: str) -> bytes:
    return writer.mailbox_name(name, utf8=session.utf8_names)


def _letters(text: str) -> bytes:
    return text.encode() or b'""'
