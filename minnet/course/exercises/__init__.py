"""Exercises that check themselves: files with gaps to fill, and what is wrong with what is there.

`python -m minnet exercises` copies the files into a folder and checks them. From the top down:

- `course.py` is the command: what is copied, the table, the messages;
- `files.py` makes the student's files, and those with the solutions, from one source, `sheets/`;
- `classes.py` is the command for a whole class, `keys.py` the teacher's key, `own.py` a teacher's
  own exercises, `reports.py` what is handed in;
- `inspection.py` runs the checks; the student's code runs in a process of its own, `apart.py`, with
  limits of time and memory, and `messages.py` is what passes between the two;
- `trials/` says for each gap what is tried and which mistakes are known, `searching.py` finds the
  smallest counterexample with Hypothesis, `judging.py` calls and compares, `wording.py` words it.

Nothing here is imported with minnet itself, and Hypothesis only where something is checked.
"""
