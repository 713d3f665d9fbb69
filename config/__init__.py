"""Typed settings and the strict loader that fills them."""
