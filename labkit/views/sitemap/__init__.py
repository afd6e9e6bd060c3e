"""The site map: a picture of both sides, what lies between them, and whom clients reach, of one committed instant.

>>> from labkit.views import sitemap                                          # doctest: +SKIP
>>> found = sitemap.read(lab)                                                  # doctest: +SKIP
>>> found.said, sitemap.svg(found)                                             # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.views.sitemap.layout import FORMS, NARROW, WIDE, Layout, layout
from labkit.views.sitemap.model import Link, Map, Thing
from labkit.views.sitemap.pictures import PICTURES, Picture, picture
from labkit.views.sitemap.reading import of_world
from labkit.views.sitemap.still import figure, standalone, svg, svg_file

if TYPE_CHECKING:
    from labkit.lab import Lab

__all__ = [
    "FORMS", "NARROW", "PICTURES", "WIDE", "Layout", "Link", "Map", "Picture", "Thing", "figure", "layout", "of_world",
    "picture", "read", "standalone", "svg", "svg_file",
]  # fmt: skip


def read(lab: Lab) -> Map:
    """The map of a lab's last committed instant."""
    return lab.read(of_world)
