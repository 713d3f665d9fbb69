"""Who may hand in mail with which reverse-path ([RFC6409] 6.1)."""

from __future__ import annotations

from directory.grants import may_send_as, may_send_on_behalf
from directory.model import Principal
from directory.provider import DirectoryProvider
from gateway.runtime.worker import StoreRunner


class SubmissionPolicy:
    """Checks the reverse-path of a signed-in user."""

    def __init__(self, *, provider: DirectoryProvider, runner: StoreRunner) -> None:
        self._provider = provider
        self._runner = runner

    async def may_send(self, user: Principal, reverse_path: str) -> bool:
        """Say whether the reverse-path is the user's own address, an alias, or one that a grant gives it.

        The null path is anybody's: it says only that no report is wanted ([RFC5321] 4.5.5). Raises
        DirectoryUnavailable.
        """
        folded = reverse_path.casefold()
        if not folded or any(folded == own.casefold() for own in user.addresses):
            return True
        return await self._runner.read(self._granted, user, reverse_path)

    def _granted(self, user: Principal, reverse_path: str) -> bool:
        owner = self._provider.by_address(reverse_path)
        if owner is None:
            return False
        return may_send_as(self._provider, user, owner) or may_send_on_behalf(self._provider, user, owner)
