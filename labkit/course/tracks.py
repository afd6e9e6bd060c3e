"""The labs of the course: which lessons share one, and where it comes from."""

from __future__ import annotations

from labkit.course.model import Track

CONTOSO = Track("contoso", "contoso", "start")  # STEP 2 to 4: one lab from bare servers to the last bill
TOUR = Track("tour", "contoso", "protected")  # 1.3: a site somebody else has protected
REQUIREMENTS = Track("requirements", "requirements", "prepared")  # 1.4: VMs that cannot be protected as they are
TWO_SITES = Track("two-sites", "two-sites", "prepared")  # 1.1, 1.2: a second site of the company's own
FAQ_SETUP = Track("faq-setup", "contoso", "start")
FAQ = Track("faq", "contoso", "protected")
