"""The checks of store.fsck, by what they look at."""
