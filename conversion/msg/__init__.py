"""Message files of Outlook, .msg and .oft ([MS-OXMSG]), and the compound files that they are ([MS-CFB])."""
