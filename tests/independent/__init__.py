"""Computations that share no line with the library: what its answers on real data are held against."""
