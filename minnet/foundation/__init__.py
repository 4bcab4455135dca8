"""What all rooms use: values and targets checked, words for slips, known classes, tables."""
