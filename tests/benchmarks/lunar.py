"""Lunar dates: a day as a lunar date, and a lunar date as a day, against one month added by python-dateutil."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from benchmarks.timing import Contender
from custrules.calendars.lunar import FIRST_DAY, LAST_DAY, to_lunar, to_solar

BASELINE = "python-dateutil: a day + relativedelta(months=1)"


def days(count: int, seed: int = 7) -> list[date]:
    """Days of two hundred years, in no order."""
    dice = random.Random(seed)
    return [FIRST_DAY + timedelta(days=dice.randint(0, (LAST_DAY - FIRST_DAY).days)) for _ in range(count)]


def there_and_back(given: list[date]) -> Contender:
    return Contender(lambda day: to_solar(to_lunar(day)), given)


def contenders(given: list[date]) -> Mapping[str, Contender]:
    """The baseline adds a month that is there already, as fast as python-dateutil can."""
    month = relativedelta(months=1)
    return {
        BASELINE: Contender(lambda day: day + month, given),
        "custrules: a day as a lunar date": Contender(to_lunar, given),
        "custrules: a lunar date as a day": Contender(to_solar, [to_lunar(day) for day in given]),
    }
