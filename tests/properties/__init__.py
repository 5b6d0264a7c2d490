"""Properties that hold for every program and every history, and the wrong rules that each of them finds out."""
