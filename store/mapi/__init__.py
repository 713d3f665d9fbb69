"""The vocabulary of MAPI objects: types, tags, bags, messages, restrictions, entry identifiers. Pure data and codecs."""
