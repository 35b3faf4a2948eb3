"""Data sets, losses and training of Blockout's own networks."""
