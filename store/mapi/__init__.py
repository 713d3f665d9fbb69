"""The vocabulary of MAPI objects: types, tags, bags, messages, restrictions, EntryIDs. Pure data and codecs."""
