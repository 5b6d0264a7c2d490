"""Tools over whole programs: what a change would have done (compare), and what a journal comes to month by month (metrics)."""
