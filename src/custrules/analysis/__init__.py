"""What takes whole programs: they are compared, measured, tried on histories and checked."""
