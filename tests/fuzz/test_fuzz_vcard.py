"""Damaged vCards: nothing but ConversionError, values of the right types, cards that can be written and read again."""

from __future__ import annotations

from conversion.contentlines import MAX_DEPTH
from conversion.errors import ConversionError
from conversion.receipt import Receipt
from conversion.vcard.lines import VERSIONS
from conversion.vcard.reader import read_vcard, read_vcards
from conversion.vcard.writer import write_vcard
from store.mapi.bag import encode_bag
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag, PropertyTag
from tests.fuzz.damage import try_damaged
from tests.support.corpora import CORPORA

_LONGEST = 20_000
SEEDS = [
    b"""BEGIN:VCARD
VERSION:3.0
N:Doe;John;Q.,R.;Dr.;Jr.
FN:Dr. John Doe\\, Jr.
NICKNAME:Jo,Joe
ORG:Contoso\\, Ltd.;Sales;North
TEL;TYPE=work,pref:+1-206-555-0102
TEL;TYPE=HOME;TYPE=FAX:+1
X-MS-TEL;TYPE=COMPANY:+2
EMAIL;TYPE=internet,pref:jo@example.org
EMAIL;TYPE=x400:g=z;s=z
item1.ADR;TYPE=work,pref:Box;Office;1 Main St\\nFloor 2;Boulder;CO;33041;U.S.
item1.X-ABADR:us
item1.X-ABLabel:_$!<Work>!$_
LABEL;TYPE=home:One\\nTwo
BDAY:1980-03-22
X-MS-ANNIVERSARY;X-APPLE-OMIT-YEAR=1604:1604-02-29
REV:2012-03-05T13:19:33Z
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgAB
KEY;TYPE=X509;ENCODING=b:MAMCAQU=
CATEGORIES:a,b\\,c
NOTE:one\\ntwo
X-MS-TEXT;TYPE=CUSTOM2:two
CLASS:PRIVATE
URL;TYPE=work:http://example.org/a,b
AGENT:BEGIN:VCARD\\nFN:Susan Thomas\\nEND:VCARD\\n
END:VCARD
""",
    b"""BEGIN:VCARD\r
VERSION:2.1\r
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BC=\r
ller;Max\r
TEL;CELL;VOICE:1\r
ADR;HOME;ENCODING=QUOTED-PRINTABLE:;;Hauptstra=DFe=0D=0A2;City;;;\r
PHOTO;ENCODING=BASE64;JPEG:\r
 /9j/4A==\r
\r
AGENT:\r
BEGIN:VCARD\r
FN:x\r
END:VCARD\r
X-MS-OL-DEFAULT-POSTAL-ADDRESS:1\r
END:VCARD\r
""",
    b"""BEGIN:VCARD
VERSION:4.0
KIND:group
FN:Group
MEMBER;X-CN="Doe, Jim":mailto:jim%2Bdoe@example.org
MEMBER:urn:uuid:1
END:VCARD
BEGIN:VCARD
VERSION:4.0
UID:urn:uuid:1
FN:One
GENDER:M;Fellow
IMPP;PREF=1:xmpp:alice@example.com
TEL;VALUE=uri;TYPE="work,voice";PREF=1:tel:+1-418-656-9254;ext=102
EMAIL;PREF=2:a@b
ADR;TYPE=home;CC=US;LABEL="1 Main^nSt":;;1;;;;
BDAY:--0203
ANNIVERSARY:20090808T1430-0500
PHOTO:data:image/png;base64,iVBORw0KGgo=
RELATED;TYPE=agent:data:text/vcard;base64,QkVHSU46VkNBUkQNCkZOOngNCkVORDpWQ0FSRA0K
RELATED;TYPE=spouse;VALUE=text:Sam
END:VCARD
""",
]


def seeds() -> list[bytes]:
    """The seeds, and the samples that are short enough."""
    samples = sorted((CORPORA / "vcard").rglob("*.vcf"))
    return SEEDS + [data for path in samples if len(data := path.read_bytes()) <= _LONGEST]


def _numbered(bag: PropertyBag) -> dict[int, object]:
    return {
        key if isinstance(key, PropertyTag) else PropertyTag.of(0x8000 + number, key.type): value
        for number, (key, value) in enumerate(bag.items())
    }


def check_content(content: MessageContent, depth: int = 0) -> None:
    """Every value fits its type; the depth has an end."""
    assert depth <= MAX_DEPTH
    for bag in (content.properties, *(item.properties for item in content.attachments)):
        encode_bag(_numbered(bag))
    for item in content.attachments:
        if isinstance(item.data, MessageContent):
            check_content(item.data, depth + 1)


def check(data: bytes) -> object:
    """Try one input: read it, write it in each version, read that; the second time nothing is lost any more."""
    receipt = Receipt()
    try:
        contents = read_vcards(data, receipt=receipt)
    except ConversionError:
        return None
    for content in contents[:20]:
        check_content(content)
        for version in VERSIONS:
            first = read_vcard(write_vcard(content, version=version))
            assert first.properties.keys() <= content.properties.keys()
            written, read = Receipt(), Receipt()
            again = read_vcard(write_vcard(first, version=version, receipt=written), receipt=read)
            if not written.count and not read.count:
                assert again.properties == first.properties
    return tuple(sorted({str(note).partition(":")[2][:30] for note in receipt}))[:4]


def test_damaged_cards() -> None:
    try_damaged(check, SEEDS, 60)
