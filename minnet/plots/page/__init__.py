"""The style and the script of the playground."""
