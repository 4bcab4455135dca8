"""The detective in a student's own file."""
