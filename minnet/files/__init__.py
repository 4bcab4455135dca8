"""Files that are safe to load and safe to save, and what a model says of itself."""

DTYPES = ("float16", "float32", "float64", "int64", "uint64", "uint8", "bool")
"""What arrays may be made of: numbers, little-endian, that need no code to read them."""
