"""The SMTP and LMTP front ends ([RFC5321], [RFC2033], [MS-OXSMTP])."""
