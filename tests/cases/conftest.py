"""Scenarios of features that are not there yet are run by tests/cases/test_cases.py, which skips them until they load."""

collect_ignore_glob = ["waiting/*"]
