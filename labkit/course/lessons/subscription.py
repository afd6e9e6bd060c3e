"""2.2: a subscription, from the free trial to pay-as-you-go."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.answers import Wanted
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.errors import word
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.server_runs(lab, "DC01", "SC01", "HV01")
    yield looks.equal(_("Azure subscription"), lab.azure.subscription, None, looks.SUBSCRIPTION)


def _signed_up(lab: Lab) -> Iterator[Seen]:
    found = lab.azure.subscription
    seen = _("none") if found is None else word("subscription_plan", found.plan)
    yield looks.look(found is not None, _("there is a subscription"), seen, looks.SUBSCRIPTION)
    signed_in = looks.journalled(lab, "azure.sign_in") or looks.journalled(lab, "azure.sign_up")
    seen = _("yes") if signed_in else _("no")
    yield looks.look(signed_in, _("signed in to the management portal once"), seen, looks.SUBSCRIPTION)


def _sign_up(lab: Lab) -> None:
    if not any(fact["kind"] == "account.created" for fact in lab.facts):
        lab.azure.create_account("admin@contoso.com")
    if lab.azure.subscription is None:
        lab.azure.confirm_phone("090-0000-0000")
        lab.azure.give_card("0000-0000-0000-0000")
        lab.azure.subscribe("trial")
    lab.azure.sign_in()


def _credit(lab: Lab) -> object:
    found = lab.azure.subscription
    return Wanted(None if found is None else found.credit_left, units=(mark("yen"), "JPY", "¥"))


def _month_passes(lab: Lab) -> None:
    """The company closes for a month: its guests are off, so that no orders pile up for the lessons after this one."""
    lab.site.stop_server("HV01")
    lab.run("32d")
    lab.site.start_server("HV01")
    lab.run("5min")


def _upgraded(lab: Lab) -> Iterator[Seen]:
    found = lab.azure.subscription
    plan = None if found is None else word("subscription_plan", found.plan)
    wanted = word("subscription_plan", "pay-as-you-go")
    yield looks.equal(_("plan of the subscription"), plan, wanted, looks.SUBSCRIPTION)
    yield looks.subscription_active(lab)


def _upgrade(lab: Lab) -> None:
    lab.azure.upgrade()


LESSON = Lesson(
    slug="subscription",
    number="2.2",
    title=mark("An Azure subscription"),
    heading="Microsoft Azure サブスクリプションの準備",
    track=CONTOSO,
    after="evaluation-site",
    rules=("2.2-1", "2.2-2", "2.2-3"),
    begins=_begins,
    minutes=5,
    steps=(
        Step(
            slug="sign-up",
            title=mark("Sign up for the free trial, and sign in once"),
            hint=mark(
                "Account, phone, card, subscription, sign-in, in this order. Everything you give is invented; the card"
                " begins with 0000."
            ),
            check=_signed_up,
            solution=_sign_up,
        ),
        Step(
            slug="trial-credit",
            title=mark("How many yen of the trial's credit are left?"),
            hint=mark("lab.azure.subscription shows the plan, its end and the credit that is left."),
            answer=_credit,
        ),
        Step(
            slug="upgrade",
            title=mark("Go on with pay-as-you-go"),
            hint=mark(
                "A trial ends after a month, or when its credit is used up: its services are off then. Upgrade it."
            ),
            check=_upgraded,
            solution=_upgrade,
            trouble=_month_passes,
            symptom=mark("A month has passed, and Azure's services are off."),
        ),
    ),
)
