"""HTML as mail uses it: to text that people read, from text, and made harmless for display."""
