"""The exercises with their solutions, each a file that stands by itself and needs NumPy alone.

What stands between `# gap begins` and `# gap ends` is cut out of the student's copy.
"""
