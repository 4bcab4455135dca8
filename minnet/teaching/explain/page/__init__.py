"""The style and the script of an explanation as HTML."""
