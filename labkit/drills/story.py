"""The plain-language summary at the head of a report: what was played, what happened, what was lost, what it means."""

from __future__ import annotations

import functools

from labkit.drills import judge, listing, result, words
from labkit.drills.result import Result
from labkit.engine.errors import listed
from labkit.engine.texts import gettext as _
from labkit.engine.texts import ngettext
from labkit.site.model import SiteFile


def paragraphs(found: Result, site: SiteFile | None) -> list[str]:
    """Two or three paragraphs in the language of the session."""
    if found["error"] is not None:
        return [_played(found, site), _failed(found)]
    return [_played(found, site), _sentences(*_recovered(found), *_lost(found)), _sentences(*_judged(found))]


def _sentences(*texts: str) -> str:
    """Sentences one after the other: with a space between them where the language has one."""
    # Translators: between two sentences
    pair = _("{first} {second}")
    return functools.reduce(lambda first, second: pair.format(first=first, second=second), texts)


def _played(found: Result, site: SiteFile | None) -> str:
    known = found["drill"] in listing.names()
    title = _(listing.describe(found["drill"]).title) if known else found["drill"]
    if site is None:
        return _("The drill '{title}' was to be played on an emulation of the site {site}.").format(
            title=title, site=found["site"]
        )
    count = sum(vm.protected for vm in site.vms)
    text = ngettext(
        "The drill '{title}' was played on an emulation of the site {site} with {count} protected VM, from {begin} to "
        "{end} of virtual time.",
        "The drill '{title}' was played on an emulation of the site {site} with {count} protected VMs, from {begin} to "
        "{end} of virtual time.",
        count,
    )
    begin, end = (found["virtual"][key][:16].replace("T", " ") for key in ("started", "ended"))
    return text.format(title=title, site=found["site"], count=count, begin=begin, end=end)


def _failed(found: Result) -> str:
    error = found["error"]
    where = _("It did not come to its end.")
    if error["step"]:
        where = _("It did not come to its end: it failed in the step '{step}'.").format(step=_step(found))
    rest = _("What this report shows is what had happened until then; nothing that is not shown was tested.")
    return _sentences(where, error["message"], rest)


def _step(found: Result) -> str:
    """Title of the step that failed."""
    steps = listing.describe(found["drill"]).steps if found["drill"] in listing.names() else ()
    titles = {step.name: _(step.title) for step in steps}
    return titles.get(found["error"]["step"], str(found["error"]["step"]))


def _recovered(found: Result) -> list[str]:
    """How long it took, and how old the data was."""
    achieved, sentences, show = found["achieved"], [], result.show_seconds
    targets = {row["name"]: row["target"] for row in found["objectives"]}
    if achieved["outage_s"] is not None:
        text = _(
            "After an outage without warning, the last application answered in Azure {outage} after the outage; of "
            "this, {decision} were assumed for the decision."
        )
        decision = show(found["people"]["decision_delay_s"])
        sentences.append(text.format(outage=show(achieved["outage_s"]), decision=decision))
    if achieved["rto_s"] is not None:
        text = _("From the trigger to the last answer it took {rto} (target: {target}).")
        sentences.append(text.format(rto=show(achieved["rto_s"]), target=show(targets["rto"])))
    else:
        sentences.append(_("Not every application answered again."))
    text = _("The recovered data was at most {rpo} old when the source stopped (target: {target}).")
    sentences.append(text.format(rpo=show(achieved["rpo_s"]), target=show(targets["rpo"])))
    return sentences


def _lost(found: Result) -> list[str]:
    """What was not there, counted from the databases of both sides."""
    orders = [row["lost"]["orders"] for row in found["vms"].values() if row["lost"]["orders"] is not None]
    blocks = sum(row["lost"]["blocks"] for row in found["vms"].values())
    sentences = []
    if not orders:
        sentences.append(_("No application ran whose records could be counted."))
    elif sum(orders) == 0:
        sentences.append(_("Not one order was lost, counted from the databases of both sides."))
    else:
        text = ngettext(
            "{count} order that the site had taken was missing, counted from the databases of both sides.",
            "{count} orders that the site had taken were missing, counted from the databases of both sides.",
            sum(orders),
        )
        sentences.append(text.format(count=sum(orders)))
    if blocks:
        sentences.append(_("{count} blocks of 64 KiB differ from what the site last had.").format(count=blocks))
    return sentences


def _judged(found: Result) -> list[str]:
    """Integrity and verdict."""
    sentences = [
        _("Each recovered disk was compared with the source's at the instant of the recovery point: {result}.").format(
            result=result.integrity(found)
        )
    ]
    missed = [words.objective(row["name"])[0] for row in found["objectives"] if row["verdict"] == judge.MISSED]
    untested = [words.objective(row["name"])[0] for row in found["objectives"] if row["verdict"] == judge.NOT_TESTED]
    if missed:
        sentences.append(_("Missed: {names}.").format(names=listed(missed)))
    else:
        sentences.append(_("All objectives that were tested were met."))
    if untested:
        sentences.append(_("Not tested: {names}.").format(names=listed(untested)))
    return sentences
