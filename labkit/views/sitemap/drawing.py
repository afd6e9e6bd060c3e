"""A site map as plain data to draw: what each thing and link looks like in both forms. The live map is told this."""

from __future__ import annotations

from typing import Any

from labkit.views.sitemap.layout import FORMS, layout
from labkit.views.sitemap.lettering import texts
from labkit.views.sitemap.model import Link, Map, Thing
from labkit.views.sitemap.still import heads, size_of, stroke

Drawing = dict[str, Any]


def drawing(found: Map) -> Drawing:
    """``sizes`` by form, ``things`` and ``links`` by id, their ``order``, ``said``: lists, texts and integers only.

    A thing: ``boxes`` by form (left, top, width, height), ``shape``, ``tone``, ``told``, and ``texts``, each
    (left, top, text, role, size). A link: ``ways`` and ``heads`` by form, ``tone``, ``told``, ``moves``, width, dashes.
    """
    placed = {form: layout(found, form) for form in FORMS}
    things = {thing.id: _thing(thing) for thing in found.things}
    links = {link.id: _link(link) for link in found.links}
    for form, at in placed.items():
        for name, thing in things.items():
            thing["boxes"][form] = list(at.boxes[name])
        for link in found.links:
            links[link.id]["ways"][form] = [list(corner) for corner in at.ways[link.id]]
            links[link.id]["heads"][form] = [[*place, angle] for place, angle in heads(link, at.ways[link.id])]
    return {
        "sizes": {form: [at.width, at.height] for form, at in placed.items()},
        "things": things,
        "links": links,
        "order": [list(things), list(links)],
        "said": found.said,
    }


def changes(before: Drawing, after: Drawing) -> Drawing:
    """What of a drawing is another than before; what is gone is missing in ``order``."""
    found: Drawing = {name: after[name] for name in ("sizes", "order", "said") if after[name] != before[name]}
    for group in ("things", "links"):
        found[group] = {name: one for name, one in after[group].items() if before[group].get(name) != one}
    return found


def _thing(thing: Thing) -> Drawing:
    return {
        "shape": "note" if thing.id.startswith("note/") else thing.shape,
        "tone": thing.tone,
        "told": thing.told,
        "texts": [[*line, size_of(thing, line)] for line in texts(thing)],
        "boxes": {},
    }


def _link(link: Link) -> Drawing:
    width, dashes = stroke(link)
    shown = {"kind": link.kind, "tone": link.tone, "told": link.word, "moves": link.moves}
    return {**shown, "width": width, "dashes": dashes, "ways": {}, "heads": {}}
