"""The bug zoo: classic mistakes, ready to be planted, found and explained."""
