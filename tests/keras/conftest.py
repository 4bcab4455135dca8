"""The programs are run by `test_programs.py`, each in a process of its own."""

collect_ignore = ["programs"]
