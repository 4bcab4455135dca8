"""What all rooms use: values checked, words for slips, the table of known classes, text tables."""
