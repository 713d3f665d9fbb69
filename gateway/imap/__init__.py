"""The IMAP4 front end ([RFC3501], [MS-OXIMAP4])."""
