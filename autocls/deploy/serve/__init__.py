"""A trained classifier behind HTTP."""
