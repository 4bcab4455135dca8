"""What a class works through: exercises, the zoo of mistakes, figures of books."""
