"""Digits → words: amounts of money, dates, times, fractions, units, years, ordinals, telephone numbers."""

import re
from collections.abc import Callable

from num2words import num2words

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = (  # in small letters, march and may are rather verbs
    r"(?P<month>jan(?:uary|\.)?|feb(?:ruary|\.)?|(?-i:Mar(?:ch|\.)?|May)|apr(?:il|\.)?|june?\.?|july?\.?|aug(?:ust|\.)?"
    r"|sept?(?:ember|\.)?|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?)"
)
_NUMBER = r"(?<![0-9])(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?"
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
_MAGNITUDES = {
    **{"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion", "t": "trillion"},
    **{word: word for word in ("hundred", "thousand", "million", "billion", "trillion")},
}
_UNITS = {
    **{"mm": "millimeter", "cm": "centimeter", "m": "meter", "km": "kilometer", "ft": "foot"},
    **{"yd": "yard", "mi": "mile", "mg": "milligram", "g": "gram", "kg": "kilogram", "lb": "pound", "lbs": "pound"},
    **{"oz": "ounce", "ml": "milliliter", "l": "liter", "ms": "millisecond", "s": "second", "sec": "second"},
    **{"min": "minute", "mins": "minute", "h": "hour", "hr": "hour", "hrs": "hour", "hz": "hertz", "khz": "kilohertz"},
    **{"mhz": "megahertz", "ghz": "gigahertz", "kb": "kilobyte", "mb": "megabyte", "gb": "gigabyte", "tb": "terabyte"},
    **{"mph": "mile per hour", "kph": "kilometer per hour", "km/h": "kilometer per hour", "m/s": "meter per second"},
    **{"w": "watt", "kw": "kilowatt", "mw": "megawatt", "kwh": "kilowatt hour", "v": "volt", "db": "decibel"},
    **{"°c": "degree celsius", "°f": "degree fahrenheit", "°": "degree", "fps": "frame per second", "px": "pixel"},
    **{"kbps": "kilobit per second", "mbps": "megabit per second"},
}
_PLURALS = {"foot": "feet", "inch": "inches", "hertz": "hertz", "kilohertz": "kilohertz"}
_PLURALS |= {"megahertz": "megahertz", "gigahertz": "gigahertz"}
_PARTS = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth"}
_PARTS |= {10: "tenth", 12: "twelfth", 16: "sixteenth", 20: "twentieth", 32: "thirty-second", 100: "hundredth"}
_LONGEST = 12
"""Digits a number may have and still be said as a number; beyond, nobody could follow it."""


def cardinal(digits: str) -> str:
    """Say a whole number: "101" → "one hundred one"; what starts with 0 or is very long, digit by digit."""
    digits = digits.replace(",", "")
    if len(digits) > _LONGEST or (len(digits) > 1 and digits[0] == "0"):
        return spell(digits)
    return str(num2words(int(digits))).replace(" and ", " ").replace(",", "")


def ordinal(number: int) -> str:
    """Say a position: 21 → "twenty-first"."""
    return str(num2words(number, to="ordinal")).replace(" and ", " ").replace(",", "")


def spell(digits: str) -> str:
    """Say digit by digit: "007" → "zero zero seven"."""
    return " ".join(str(num2words(int(digit))) for digit in digits if digit.isdigit())


def decimal(number: str) -> str:
    """Say a number with or without decimals: "3.14" → "three point one four"."""
    whole, _, fraction = number.partition(".")
    said = cardinal(whole) if whole else ""
    return f"{said} point {spell(fraction)}".strip() if fraction else said


def year(digits: str) -> str:
    """Say a year: "1907" → "nineteen oh-seven", "2024" → "twenty twenty-four"."""
    return str(num2words(int(digits), to="year")).replace(" and ", " ").replace(",", "")


def say_numbers(text: str) -> str:
    """Write out every digit of an ASCII text; what is written out never contains a digit."""
    text = re.sub(r"(?<=[A-Za-z])-(?=[0-9])|(?<=[0-9])-(?=[A-Za-z])", " ", text)  # covid-19, 5-year plan
    for pattern, say in _RULES:
        text = pattern.sub(lambda match, say=say: f" {say(match)} ", text)  # type: ignore[misc]
    return text


def _money(match: re.Match[str]) -> str:
    one, many, cent, cents = _CURRENCIES[match["currency"]]
    amount, magnitude = match["amount"], (match["magnitude"] or "").lower()
    if magnitude:
        return f"{decimal(amount)} {_MAGNITUDES[magnitude]} {many}"
    whole, _, part = amount.replace(",", "").partition(".")
    if len(part) not in (0, 2) or len(whole) > _LONGEST:
        return f"{decimal(amount)} {many}"
    big = f"{cardinal(whole)} {one if int(whole) == 1 else many}"
    small = f"{cardinal(str(int(part)))} {cent if int(part) == 1 else cents}" if part and int(part) else ""
    if small and not int(whole):
        return small
    return f"{big}, {small}" if small else big


def _month(name: str) -> str:
    return next(month for month in MONTHS if month.startswith(name.lower().rstrip(".")[:3]))


def _month_day(match: re.Match[str]) -> str:
    said = f"{_month(match['month'])} {ordinal(int(match['day']))}"
    return f"{said}, {year(match['year'])}" if match["year"] else said


def _day_month(match: re.Match[str]) -> str:
    the = "" if match["the"] else "the "
    said = f"{match['the'] or ''}{the}{ordinal(int(match['day']))} of {_month(match['month'])}"
    return f"{said}, {year(match['year'])}" if match["year"] else said


def _numeric_date(match: re.Match[str]) -> str:
    first, second = int(match["first"]), int(match["second"])
    month, day = (first, second) if first <= 12 else (second, first)  # American order unless that is no date
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return " slash ".join(cardinal(part) for part in (match["first"], match["second"], match["year"]))
    return f"{MONTHS[month - 1]} {ordinal(day)}, {year(match['year'])}"


def _iso_date(match: re.Match[str]) -> str:
    return f"{MONTHS[int(match['month']) - 1]} {ordinal(int(match['day']))}, {year(match['year'])}"


def _time(match: re.Match[str]) -> str:
    hour, minute, second, half = int(match["hour"]), int(match["minute"]), match["second"], match["half"]
    said = cardinal(str(hour))
    if minute:
        said += f" oh {cardinal(str(minute))}" if minute < 10 else f" {cardinal(str(minute))}"
    elif not half and not second:
        said += " o'clock" if 0 < hour <= 12 else " hundred hours" if hour else " hours"
    if second:
        said += f" and {_count(str(int(second)), 'second')}"
    return f"{said} {half[0].lower()} m" if half else said


def _hour_half(match: re.Match[str]) -> str:
    return f"{cardinal(match['hour'])} {match['half'][0].lower()} m"


def _telephone(match: re.Match[str]) -> str:
    groups = re.findall(r"[0-9]+", match[0])
    return ("plus " if match[0].startswith("+") else "") + ", ".join(spell(group) for group in groups)


def _count(number: str, unit: str) -> str:
    said = decimal(number)
    if said == "one":
        return f"{said} {unit}"
    head, _, rest = unit.partition(" ")
    if rest == "hour" and head == "kilowatt":
        return f"{said} kilowatt hours"
    return f"{said} {_PLURALS.get(head, head + 's')} {rest}".rstrip()


def _unit(match: re.Match[str]) -> str:
    return _count(match["number"], _UNITS[match["unit"].lower()])


def _fraction(match: re.Match[str]) -> str:
    whole, numerator, denominator = match["whole"], int(match["numerator"]), int(match["denominator"])
    if (numerator, denominator) in ((24, 7), (9, 11)):  # said as two numbers
        said = f"{cardinal(str(numerator))} {cardinal(str(denominator))}"
    elif denominator in _PARTS and 0 < numerator < denominator:
        part = _PARTS[denominator]
        parts = "halves" if denominator == 2 else f"{part}s"
        said = f"{cardinal(str(numerator))} {part if numerator == 1 else parts}"
        if whole and numerator == 1:
            said = f"a {part}"
    else:
        said = f"{cardinal(match['numerator'])} over {cardinal(match['denominator'])}"
    return f"{cardinal(whole)} and {said}" if whole else said


def _decade(match: re.Match[str]) -> str:
    century, tens = match["century"] or "", match["tens"]
    words = {"0": "hundreds", "1": "tens", "6": "sixties"}
    names = ("", "tens", "twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties")
    said = words["0"] if tens == "0" else names[int(tens)]
    if century and tens == "0" and century.endswith("0"):
        return f"{cardinal(century[:-1])} thousands"
    return f"{cardinal(century)} {said}" if century else said


def _version(match: re.Match[str]) -> str:
    parts = match[0].split(".")
    if len(parts) == 4:  # an internet address
        return " dot ".join(spell(part) for part in parts)
    return " point ".join(cardinal(part) for part in parts)


def _whole(match: re.Match[str]) -> str:
    digits = match[0]
    if len(digits) == 4 and 1100 <= int(digits) <= 2099:
        return year(digits)
    return spell(digits) if len(digits) >= 10 else cardinal(digits)  # a bare run this long is no quantity


def _millions(match: re.Match[str]) -> str:
    return f"{decimal(match['number'])} {'million' if match[0].endswith('M') else 'billion'}"


def _feet(match: re.Match[str]) -> str:
    return f"{_count(match['feet'], 'foot')} {_count(match['inches'], 'inch')}"


_NOT_IN_NUMBER = r"(?<![0-9A-Za-z.,:/])"
_LONG_UNITS = "|".join(
    sorted((re.escape(unit) for unit in _UNITS if len(unit) > 1 or unit == "°"), key=len, reverse=True)
)
_UNIT_NAMES = rf"{_LONG_UNITS}|(?-i:[mgsh]|[lLvVwW](?!\s*[0-9]))"  # 5 g is grams, 5G is not; 3 v 3 is no voltage
_HALF = r"(?P<half>[ap]\.?m\b\.?)"
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), say)
    for pattern, say in (
        (r"(?<![0-9])(?P<feet>[0-9]{1,2})'\s?(?P<inches>[0-9]{1,2})\"", _feet),
        (
            rf"(?P<currency>[$£€¥₹])\s?(?P<amount>{_NUMBER})(?![0-9])"
            r"(?:\s?(?P<magnitude>hundred|thousand|million|billion|trillion|bn|mn|[kmbt])\b)?",
            _money,
        ),
        (r"(?<![0-9])(?P<amount>[0-9]+)\s?¢", lambda match: _count(match["amount"], "cent")),
        (
            r"(?<![0-9-])(?P<year>[12][0-9]{3})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12][0-9]|3[01])(?![0-9-])",
            _iso_date,
        ),
        (r"(?<![0-9/])(?P<first>[0-9]{1,2})/(?P<second>[0-9]{1,2})/(?P<year>[12][0-9]{3})(?![0-9/])", _numeric_date),
        (
            rf"\b{_MONTH}\s+(?P<day>[12][0-9]|3[01]|0?[1-9])(?:st|nd|rd|th)?\b(?![:.,/][0-9])"
            r"(?:,?\s+(?P<year>[12][0-9]{3})\b(?![0-9,:]))?",
            _month_day,
        ),
        (
            rf"(?P<the>\bthe\s+)?(?<![0-9.,:/])\b(?P<day>[12][0-9]|3[01]|[1-9])(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?![a-z])"
            r"(?:,?\s+(?P<year>[12][0-9]{3})\b(?![0-9,:]))?",
            _day_month,
        ),
        (
            r"(?<![0-9+(-])(?:\+[0-9]{1,3}[ .-]?)?(?:\([0-9]{3}\)\s?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}(?![0-9-])",
            _telephone,
        ),
        (r"(?<![0-9+-])[0-9]{3}-[0-9]{4}(?![0-9-])", _telephone),
        (r"\+[0-9]{1,3}(?:[ -][0-9]{2,4}){2,5}(?![0-9-])", _telephone),
        (
            rf"{_NOT_IN_NUMBER}(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?(?![0-9:])"
            rf"(?:\s?{_HALF})?",
            _time,
        ),
        (rf"{_NOT_IN_NUMBER}(?P<hour>1[0-2]|0?[1-9])\s?{_HALF}", _hour_half),
        (r"(?<![0-9A-Za-z])(?:'(?=[1-9]0s))?(?P<century>1[0-9]|20)?(?P<tens>[0-9])0'?s\b", _decade),
        (rf"(?P<number>{_NUMBER})(?-i:M|B|bn)\b", _millions),
        (rf"(?P<number>{_NUMBER})\s?(?P<unit>{_UNIT_NAMES})(?![A-Za-z'])(?!\.[A-Za-z])", _unit),
        (rf"(?P<number>{_NUMBER})\s?%", lambda match: f"{decimal(match['number'])} percent"),
        (
            r"(?<![0-9./])(?:(?P<whole>[0-9]+)\s+)?(?P<numerator>[0-9]{1,4})\s?/\s?(?P<denominator>[0-9]{1,4})(?![0-9/])",
            _fraction,
        ),
        (r"(?<![0-9.])[0-9]+(?:\.[0-9]+){2,}", _version),
        (r"(?<![0-9.,])(?P<number>[0-9]{1,3}(?:,[0-9]{3})*)(?:st|nd|rd|th)\b", lambda m: _position(m["number"])),
        (r"(?<=[0-9])\s?-\s?(?=[0-9])", lambda match: "to"),
        (r"(?<=[0-9])\s?[x×*]\s?(?=[0-9])", lambda match: "times"),
        (r"(?<=[0-9])\^(?=[0-9])", lambda match: "to the power of"),
        (r"(?<=[0-9]):(?=[0-9])", lambda match: "to"),
        (r"(?<![A-Za-z0-9])-(?=[0-9.])", lambda match: "minus"),
        (r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|(?<![0-9])[0-9]*\.[0-9]+", lambda match: decimal(match[0])),
        (r"[0-9]+", _whole),
    )
)


def _position(number: str) -> str:
    return ordinal(int(number.replace(",", ""))) if len(number) <= _LONGEST else cardinal(number)
