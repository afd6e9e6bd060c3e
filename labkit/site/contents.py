"""What a site file brings along in other files, images and traces: looked at, and taken into a new lab file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from labkit.engine.progress import Progress
from labkit.engine.store import Store
from labkit.site import images, traces
from labkit.site.model import SiteFile


class Contents(NamedTuple):
    """What a lab file holds of them already, before the lab begins; by VM and disk."""

    images: images.Contents
    traces: traces.Recordings


NONE = Contents({}, {})


def resolved(site: SiteFile) -> SiteFile:
    """A site in which all is known that its images and traces tell."""
    return traces.resolved(images.resolved(site))


def without_folders(site: SiteFile) -> SiteFile:
    """A site as a lab keeps it, with names of files and no folders."""
    return traces.without_folders(images.without_folders(site))


def any_of(site: SiteFile) -> bool:
    """Whether a site brings anything along."""
    return bool(images.wanted(site) or traces.wanted(site))


def bring_in(path: Path, site: SiteFile, progress: Progress) -> Contents:
    """Make a lab file at ``path`` that holds all images and traces of a resolved site, and nothing else yet.

    All of it or no file at all. ``progress(done, total)``: bytes of all files. ``LabError``: 900310-900349 an image,
    900346 too little room, 900360-900374 a trace, 900001, 900002, 900006 the lab file.
    """
    with Store.filling(path) as store:
        bytes_of_images = images.room(path, site)
        total = bytes_of_images + (traces.file_sizes(site) if traces.wanted(site) else 0)
        found = images.fill(store, site, lambda done, _: progress(done, total))
        kept = traces.bring_in(store, site, lambda done, _: progress(bytes_of_images + done, total))
    return Contents(found, kept)
