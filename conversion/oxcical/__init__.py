"""iCalendar to and from calendar objects ([MS-OXCICAL]), and the binary structures of these ([MS-OXOCAL])."""
