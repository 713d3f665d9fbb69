"""MIME messages to and from Message objects, after [MS-OXCMAIL]."""
