"""MIME as bytes with offsets: structure, headers, addresses, charsets, and what IMAP shows of them."""
