"""What all rooms use: values and targets checked, words for slips, the table of known classes, text tables."""
