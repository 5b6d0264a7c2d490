"""Sphinx configuration of both trees; the Chinese one is built with ``-c docs -t zh docs/zh``."""

from __future__ import annotations

from importlib.metadata import version as installed

chinese = tags.has("zh")  # type: ignore[name-defined]  # noqa: F821 - Sphinx puts it here

project = "custrules"
author = "The custrules developers"
project_copyright = "The custrules developers, MIT licence"
release = version = installed("custrules")
language = "zh_CN" if chinese else "en"
html_title = f"custrules {release}"

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
exclude_patterns = ["README.md"] if chinese else ["_build", "zh"]
nitpicky = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["custrules.css", "zh.css"] if chinese else ["custrules.css"]
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_context = {"other": ("../index.html", "English") if chinese else ("zh/index.html", "中文")}
html_extra_path = [] if chinese else ["llms.txt"]
html_copy_source = False
html_show_sourcelink = False
