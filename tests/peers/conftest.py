"""One server for all the real clients."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.attacker import attacked, hung_up
from tests.peers.samba import samba, samba_domain
from tests.peers.server import DOMAIN, PeerServer
from tests.peers.signinoffer import SHARED, Offer, running_offer
from tests.peers.slapd import slapds
from tests.support.authority import Authority

__all__ = ["attacked", "hung_up", "samba", "samba_domain", "slapds"]


@pytest.fixture(scope="session")
def server() -> Iterator[PeerServer]:
    """`oxgate serve` with two workers, started once for the whole run."""
    folder = Path(tempfile.mkdtemp(prefix="oxgate-peers-"))
    peer = PeerServer(folder)
    peer.init()
    peer.start()
    yield peer
    peer.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def user(server: PeerServer) -> str:
    """An account of the test's own."""
    return server.account()


@pytest.fixture(scope="session")
def offer() -> Iterator[Offer]:
    """A server that offers every mechanism for signing in, started once for the whole run."""
    with running_offer() as made:
        yield made


@pytest.fixture
def account(offer: Offer) -> str:
    """An account of the test's own, there."""
    return offer.account()


@pytest.fixture(scope="session")
def delegate(offer: Offer) -> str:
    """An account with full access to the shared mailbox there, which holds three messages."""
    user = offer.account()
    offer.server.oxgate("grant", "full-access", f"{SHARED}@{DOMAIN}", f"{user}@{DOMAIN}")
    offer.seed(f"{user}@{DOMAIN}/{SHARED}")
    return user


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    """A certificate authority for the peers; its folder, which other users may enter, is theirs too."""
    folder = Path(tempfile.mkdtemp(prefix="oxgate-authority-"))
    folder.chmod(0o755)
    yield Authority(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A scratch folder that other users of the machine may enter too."""
    folder = Path(tempfile.mkdtemp(prefix="oxgate-client-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a test with real clients."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.peers)
            item.add_marker(pytest.mark.timeout(180))
