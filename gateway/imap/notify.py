"""What a session wants to hear of without asking ([RFC5465]): the events, and what it was told of each mailbox.

It exists only for a session that has used NOTIFY. Hints say where to look; what there is to tell comes of comparing the
folders with what the client was told of them, so that a lost hint costs latency, never an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntFlag
from typing import NamedTuple

from gateway.imap.protocol.fetch_types import FetchItem
from gateway.imap.protocol.notify_types import EventGroup, Scope
from gateway.imap.selected import Selected
from gateway.imap.wire import Wire
from gateway.services.watch import Subscription, Watch
from store.changes import Change, FolderRow, MessageCreated, Touched
from store.mailbox import Mailbox


class Events(IntFlag):
    """Events that can be asked for ([RFC5465] 5)."""

    MESSAGE_NEW = 1
    MESSAGE_EXPUNGE = 2
    FLAG_CHANGE = 4
    MAILBOX_NAME = 8
    SUBSCRIPTION_CHANGE = 16
    MAILBOX_METADATA_CHANGE = 32
    SERVER_METADATA_CHANGE = 64


MESSAGES = Events.MESSAGE_NEW | Events.MESSAGE_EXPUNGE | Events.FLAG_CHANGE
NAMES = {
    "MESSAGENEW": Events.MESSAGE_NEW,
    "MESSAGEEXPUNGE": Events.MESSAGE_EXPUNGE,
    "FLAGCHANGE": Events.FLAG_CHANGE,
    "MAILBOXNAME": Events.MAILBOX_NAME,
    "SUBSCRIPTIONCHANGE": Events.SUBSCRIPTION_CHANGE,
    "MAILBOXMETADATACHANGE": Events.MAILBOX_METADATA_CHANGE,
    "SERVERMETADATACHANGE": Events.SERVER_METADATA_CHANGE,
}
SUPPORTED = (
    b"MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange"
)


class Seen(NamedTuple):
    """A folder as the client was told of it."""

    name: str
    uidvalidity: int
    uidnext: int
    total: int
    unread: int
    modseq: int
    parent: int | None
    own_name: str
    """The last level of the name."""
    selectable: bool


class Watched(NamedTuple):
    """A mailbox in which folders are watched, and what its folders' names begin with."""

    mailbox: Mailbox
    prefix: str


class Notifier:
    """The events of one session."""

    __slots__ = (
        "_exact",
        "_of_personal",
        "_of_subscribed",
        "_subscriptions",
        "_subtrees",
        "_watch",
        "_wire",
        "barred",
        "delayed",
        "events",
        "follows",
        "groups",
        "items",
        "metadata",
        "names",
        "seen",
        "selected",
        "subscribed",
        "touched",
        "watched",
    )

    def __init__(self, watch: Watch, wire: Wire, groups: Sequence[EventGroup]) -> None:
        self._watch = watch
        self._wire = wire
        self.groups = [group for group in groups if group.scope not in (Scope.SELECTED, Scope.SELECTED_DELAYED)]
        self._subscriptions: dict[int, Subscription] = {}
        self.selected = Events(0)
        """Events of the selected mailbox ([RFC5465] 6.1)."""
        self.delayed = True
        """Its expunges wait for a command ([RFC5465] 6.1.1, 6.1.2)."""
        self.items: tuple[FetchItem, ...] = ()
        for group in groups:
            if group.scope in (Scope.SELECTED, Scope.SELECTED_DELAYED):
                self.selected = events_of(group.events)
                self.delayed = group.scope is Scope.SELECTED_DELAYED
                self.items = group.items
        self.events = Events(0)
        """All events of other mailboxes."""
        self._of_personal = self._of_subscribed = Events(0)
        self._exact: dict[str, Events] = {}
        self._subtrees: dict[str, Events] = {}
        for group in self.groups:
            self._want(group)
        self.follows: Selected | None = None
        """The selected folder whose new messages are told by their items."""
        self.watched: list[Watched] = []
        self.seen: dict[tuple[int, int], Seen] = {}
        """By the mailbox's number and the folder's."""
        self.barred: dict[tuple[int, int], Seen] = {}
        """Others' folders that may not be read now, as they were when they could ([RFC5465] 5.9)."""
        self.names: set[str] = set()
        """All names that there are, those below which others stand too."""
        self.subscribed: set[str] = set()
        self.metadata: dict[str, dict[str, int]] = {}
        """Annotations, by their hashes, by mailbox name, "" for the server, where they are watched."""
        self.touched: set[tuple[int, int]] = set()
        """Where to look: the mailbox's number and the folder's, 0 for the hierarchy."""

    # --- hints

    def listen(self, mailbox_ids: Iterable[int]) -> None:
        """Be woken by changes in these mailboxes, and in no others any more."""
        wanted = set(mailbox_ids)
        for mailbox_id in self._subscriptions.keys() - wanted:
            self._subscriptions.pop(mailbox_id).cancel()
        for mailbox_id in wanted - self._subscriptions.keys():
            self._subscriptions[mailbox_id] = self._watch.subscribe(mailbox_id, self._hinted)

    def cancel(self) -> None:
        """Hear of nothing any more."""
        self.listen(())
        self.unfollow()

    def _hinted(self, touched: Touched) -> None:
        self.touched.add((touched.mailbox_id, touched.folder_id))
        self._wire.wake()

    # --- which events

    def _want(self, group: EventGroup) -> None:
        """Take in what a group asks for, by what is looked up for each mailbox: there may be thousands of both."""
        events = events_of(group.events)
        self.events |= events
        match group.scope:
            case Scope.PERSONAL | Scope.INBOXES:
                self._of_personal |= events
            case Scope.SUBSCRIBED:
                self._of_subscribed |= events
            case _:
                names = self._subtrees if group.scope is Scope.SUBTREE else self._exact
                for each in group.mailboxes:
                    names[each.value] = names.get(each.value, Events(0)) | events

    def events_for(self, name: str, *, personal: bool) -> Events:
        """The events that are wanted of a mailbox that is not selected ([RFC5465] 6.2 to 6.6).

        Inboxes are all personal ones: rules may deliver to any ([RFC5465] 6.3).
        """
        events = self._exact.get(name, Events(0))
        if personal:
            events |= self._of_personal
        if name in self.subscribed:
            events |= self._of_subscribed
        while name and self._subtrees:
            events |= self._subtrees.get(name, Events(0))
            name = name.rpartition("/")[0]
        return events

    # --- the selected folder: gateway.imap.selected.Watcher

    def follow(self, selected: Selected | None) -> None:
        """Follow the folder that is selected now."""
        if selected is self.follows:
            return
        self.unfollow()
        self.follows = selected
        if selected is not None and self.items:
            selected.watchers.append(self)

    def unfollow(self) -> None:
        """Follow the selected folder no more."""
        if self.follows is not None and self in self.follows.watchers:
            self.follows.watchers.remove(self)
        self.follows = None

    async def prepare(self, changes: Sequence[Change], *, last: bool) -> None:
        """Ask for the items of the messages that are new."""
        if self.follows is not None:
            self.follows.ask((change.row.uid for change in changes if isinstance(change, MessageCreated)), self.items)

    def leave(self) -> None:
        """Nothing is told before EXPUNGE."""

    def enter(self) -> None:
        """New messages are told once everything else is (gateway.imap.commands.fresh)."""


def events_of(names: Iterable[str]) -> Events:
    """The events that have these names."""
    events = Events(0)
    for name in names:
        events |= NAMES.get(name, Events(0))
    return events


def seen(row: FolderRow, name: str) -> Seen:
    """What there is to tell of a folder."""
    return Seen(
        name, row.uidvalidity, row.uidnext, row.total, row.unread, row.modseq, row.parent_id, row.name, row.selectable
    )
