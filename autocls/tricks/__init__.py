"""The trick catalogue: one file per family of slots, one class per trick."""
