"""Message classes from the MIME structure ([MS-OXCMAIL] 2.1.3.2.1)."""

from __future__ import annotations

import pytest

from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from store.mapi import tags


def report(kind: str, part: str, content: str) -> str:
    return (
        f"Content-Type: multipart/report; report-type={kind}; boundary=b\n\n--b\n\ntext\n"
        f"--b\nContent-Type: message/{part}\n\n{content}\n--b--\n"
    )


def statuses(*actions: str) -> str:
    blocks = "".join(f"\nFinal-Recipient: rfc822;a@x\nAction: {action}\nStatus: 5.1.1\n" for action in actions)
    return report("delivery-status", "delivery-status", "Reporting-MTA: dns;x\n" + blocks)


def receipt(disposition: str) -> str:
    content = f"Final-Recipient: rfc822;a@x\nDisposition: manual-action/MDN-sent-manually; {disposition}\n"
    return report("disposition-notification", "disposition-notification", content)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Subject: x\n\ny", "IPM.Note"),
        ("Content-Type: text/html\n\ny", "IPM.Note"),
        # [RFC3464] 2.3.3: the worst action decides
        (statuses("failed"), "REPORT.IPM.Note.NDR"),
        (statuses("delivered", "Failed"), "REPORT.IPM.Note.NDR"),
        (statuses("delivered"), "REPORT.IPM.Note.DR"),
        (statuses("delivered", "delayed"), "REPORT.IPM.Note.Delayed.DR"),
        (statuses("relayed"), "REPORT.IPM.Note.Relayed.DR"),
        (statuses("expanded"), "REPORT.IPM.Note.Expanded.DR"),
        (statuses("odd"), "REPORT.IPM.Note.NDR"),
        # [RFC8098] 3.2.6
        (receipt("displayed"), "REPORT.IPM.Note.IPNRN"),
        (receipt("deleted"), "REPORT.IPM.Note.IPNNRN"),
        (report("disposition-notification", "disposition-notification", "nothing"), "IPM.Note"),
        (report("feedback-report", "feedback-report", "x"), "IPM.Note"),
        (report("delivery-status", "other", "x"), "IPM.Note"),
        # [RFC8551] 3
        ("Content-Type: application/pkcs7-mime; name=smime.p7m\n\nx", "IPM.Note.SMIME"),
        ("Content-Type: application/x-pkcs7-mime\n\nx", "IPM.Note.SMIME"),
        ('Content-Type: application/octet-stream; name="smime.p7m"\n\nx', "IPM.Note.SMIME"),
        ("Content-Type: application/octet-stream; name=a.bin\n\nx", "IPM.Note"),
        (
            'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\n\n--b\n\nx\n--b--',
            "IPM.Note.SMIME.MultipartSigned",
        ),
        (
            "Content-Type: multipart/signed; protocol=application/pgp-signature; boundary=b\n\n--b\n\nx\n--b--",
            "IPM.Note.SMIME.MultipartSigned",
        ),
        ("Content-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b--", "IPM.Note.SMIME.MultipartSigned"),
    ],
)
def test_classes(text: str, name: str) -> None:
    """[MS-OXCMAIL] 2.1.3.2.1, [MS-OXOSMIME] 2.1"""
    content = read_mime(render(text.replace("\n", "\r\n").encode()), received=0)
    assert content.properties[tags.PidTagMessageClass] == name


GUID = "{D04B23F4-B443-453A-ABC6-3D08B5A9A334}"


@pytest.mark.parametrize(
    ("content_class", "body", "name"),
    [
        (f"InfoPathForm.{GUID}.Expense", "Content-Type: text/html\n\nx", "IPM.InfoPathForm.Expense"),
        ("InfoPathForm.Expense", "Content-Type: text/html\n\nx", "IPM.InfoPathForm.Expense"),
        (f"InfoPathForm.{GUID}.E", "Content-Type: application/pkcs7-mime\n\nx", "IPM.InfoPathForm.E.SMIME"),
        ("InfoPathForm.a b", "Content-Type: text/html\n\nx", "IPM.Note"),
        ("rpmsg.message", "Content-Type: application/x-microsoft-rpmsg-message\n\nx", "IPM.Note"),
        ("missedcall", "\nx", "IPM.Note.Microsoft.Missed.Voice"),
        ("fax", "\nx", "IPM.Note"),
        ("voice", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: audio/wav\n\nx\n--b--\n",
         "IPM.Note.Microsoft.Voicemail.UM"),
        ("fax-ca", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/tiff\n\nx\n--b--\n",
         "IPM.Note.Microsoft.Fax.CA"),
        ("urn:content-class:custom.Own", "\nx", "IPM.Note.Custom.Own"),
        ("unknown", "\nx", "IPM.Note"),
    ],
)  # fmt: skip
def test_content_classes(content_class: str, body: str, name: str) -> None:
    """[MS-OXCMAIL] 2.2.3.2.15, 2.2.3.2.15.1, 2.2.3.2.15.2"""
    content = read_mime(render(f"Content-Class: {content_class}\n{body}".replace("\n", "\r\n").encode()), received=0)
    assert content.properties[tags.PidTagMessageClass] == name
    form = content.properties.get(tags.PidLidInfoPathFormName)
    assert form == (content_class if name.startswith("IPM.InfoPath") else None)
