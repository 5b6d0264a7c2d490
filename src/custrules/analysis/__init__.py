"""Tools over whole programs: what a change would have done, what a journal comes to month by month, what a check finds."""
