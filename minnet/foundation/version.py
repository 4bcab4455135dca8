"""The version, where every room and the build of the package can read it."""

__version__ = "0.2.0"
