"""The pytest plug-in: imports nothing of ours until a scenario file is met."""
