"""A fit: the loop, its batches, what is checked before it, and who takes part in it."""
