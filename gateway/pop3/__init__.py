"""The POP3 front end ([RFC1939], [MS-OXPOP3])."""
