"""Tools for tests: the scenario runner, the pytest plug-in."""
