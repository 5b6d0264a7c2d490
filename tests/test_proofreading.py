"""Texts of messages are read for what their trigger forbids, in both languages."""

from __future__ import annotations

from typing import Any

import pytest
from cases.covering import covers

import custrules as cr

PROGRAM = cr.loads("""
program: p
zone: Asia/Shanghai
currency: CNY
profile: {birthday: {type: birthday}}
policies:
  - {id: festivals, kind: care.trigger, occasion: {festival: [spring_festival, mid_autumn]}, category: daily, purpose: greeting, channels: [sms],
     template: wish, taboo: [promotion], sign: [store, adviser]}
  - {id: season, kind: care.trigger, occasion: {solar_term: [立春]}, category: daily, purpose: greeting, channels: [sms], template: season,
     taboo: [promotion, new_arrivals]}
  - {id: miss_you, kind: care.trigger, occasion: {absent: visit, for: 60 days}, category: daily, purpose: greeting, channels: [sms], template: miss,
     taboo: [prying]}
  - {id: birthday, kind: care.trigger, occasion: birthday, category: birthday, purpose: greeting, channels: [sms], template: wish}
  - {id: qingming, kind: care.trigger, occasion: {festival: [qingming]}, category: daily, purpose: greeting, channels: [sms], template: quiet,
     solemn: true}
""")


def codes(trigger: str, text: str, lang: str = "zh", **more: Any) -> list[str]:
    return [found.code for found in cr.proofread(PROGRAM, trigger, text, lang, **more)]


@covers("TABOO-FESTIVAL-PROMO")
@pytest.mark.parametrize(
    ("text", "lang"),
    [("中秋快乐！凭此短信领券满减。{store} {adviser}", "zh"), ("Happy Mid-Autumn! Take 20% off today. {store}, {adviser}", "en")],
)
def test_a_festival_greeting_carries_no_promotion(text: str, lang: str) -> None:
    assert codes("festivals", text, lang) == ["care.text_taboo"]


def test_a_greeting_alone_is_fine() -> None:
    assert codes("festivals", "中秋节快乐，阖家团圆。{store} {adviser}") == []
    assert codes("festivals", "A happy Mid-Autumn from {adviser} of {store}.", "en") == []


def test_a_message_on_the_season_names_no_new_arrivals() -> None:
    assert codes("season", "立春了，注意早晚温差。本店新款已到。") == ["care.text_taboo"]
    assert codes("season", "Spring is here, and so is our new collection.", "en") == ["care.text_taboo"]


def test_long_time_no_see_does_not_pry() -> None:
    assert codes("miss_you", "好久不见，您为什么没来？") == ["care.text_taboo"]
    assert codes("miss_you", "Where have you been?", "en") == ["care.text_taboo"]
    assert codes("miss_you", "好久不见，甚是想念。") == []


@covers("TABOO-DUANWU-TONE")
def test_wording_that_some_mind_is_a_warning_with_a_better_one() -> None:
    (found,) = cr.proofread(PROGRAM, "birthday", "端午节快乐", "zh")
    assert (found.code, found.severity, found.params["better"]) == ("care.text_discouraged", "warning", "端午安康")
    assert "端午安康" in cr.render(found, "zh")


@covers("TABOO-BIRTHDAY-COUPON-OK")
def test_a_birthday_may_bring_a_coupon_where_its_trigger_forbids_none() -> None:
    assert codes("birthday", "生日快乐，送您一张优惠券") == []


def test_a_solemn_day_is_wished_to_nobody_as_a_happy_one() -> None:
    assert codes("qingming", "清明节快乐") == ["care.text_cheer"]
    assert codes("qingming", "Happy Tomb-Sweeping Day", "en") == ["care.text_cheer"]
    assert codes("qingming", "清明时节，缅怀先人。") == []


def test_a_signature_has_a_place_for_each_of_its_parts() -> None:
    (found,) = cr.proofread(PROGRAM, "festivals", "新年好。{store}", "zh")
    assert (found.code, found.params["missing"]) == ("care.text_unsigned", "{adviser}")


def test_english_words_are_whole_words() -> None:
    assert codes("festivals", "We wholesale tea. {store} {adviser}", "en") == []
    assert codes("festivals", "Our SALE. {store} {adviser}", "en") == ["care.text_taboo"]


def test_words_of_your_own_are_looked_for_too() -> None:
    assert codes("festivals", "会员日福利 {store} {adviser}", words={"promotion": ["福利"]}) == ["care.text_taboo"]


def test_no_trigger_and_no_language_are_refused() -> None:
    for trigger, lang in (("nobody", "zh"), ("birthday", "de")):
        with pytest.raises(cr.AnalysisError):
            cr.proofread(PROGRAM, trigger, "x", lang)
