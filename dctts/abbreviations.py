"""Abbreviations, initialisms, Roman numerals, addresses of pages and mail → words. Works on ASCII text, case kept."""

import re
from collections.abc import Callable

from dctts.spoken_numbers import cardinal, ordinal


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ANY_CASE = {"mr": "mister", "mrs": "missus", "dr": "doctor", "messrs": "messers"}
"""Never words of their own, so their full stop is optional (British usage)."""
_BEFORE_NAME = {
    **{
        "Prof": "professor",
        "Gen": "general",
        "Col": "colonel",
        "Capt": "captain",
        "Sgt": "sergeant",
        "Lt": "lieutenant",
    },
    **{
        "Maj": "major",
        "Cpl": "corporal",
        "Rev": "reverend",
        "Hon": "honorable",
        "Sen": "senator",
        "Rep": "representative",
    },
    **{
        "Gov": "governor",
        "Pres": "president",
        "Fr": "father",
        "Sr": "sister",
        "St": "saint",
        "Mt": "mount",
        "Ft": "fort",
    },
    **{"Ms": "miz", "Adm": "admiral", "Insp": "inspector", "Det": "detective"},
}
_AFTER_NAME = {
    **{
        "St": "street",
        "Ave": "avenue",
        "Rd": "road",
        "Blvd": "boulevard",
        "Ln": "lane",
        "Hwy": "highway",
        "Sq": "square",
    },
    **{
        "Jr": "junior",
        "Sr": "senior",
        "Esq": "esquire",
        "Inc": "incorporated",
        "Ltd": "limited",
        "Corp": "corporation",
    },
    **{"Co": "company", "Bros": "brothers", "Dept": "department", "Univ": "university", "Assn": "association"},
}
_BEFORE_NUMBER = {
    **{"no": "number", "nos": "numbers", "vol": "volume", "vols": "volumes", "ch": "chapter", "fig": "figure"},
    **{
        "figs": "figures",
        "p": "page",
        "pp": "pages",
        "sec": "section",
        "art": "article",
        "eq": "equation",
        "ca": "about",
    },
    **{"c": "about", "approx": "approximately", "max": "maximum", "min": "minimum", "ed": "edition", "op": "opus"},
}
_PLAIN = {
    **{"e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus", "approx.": "approximately"},
    **{"dept.": "department", "est.": "established", "et al.": "and others", "cf.": "compare", "viz.": "namely"},
    **{"w/o": "without", "w/": "with ", "Ph.D.": "P H D", "PhD": "P H D", "a.k.a.": "A K A", "n.b.": "N B"},
}
_ENDS_SENTENCE = frozenset({"etc.", "et al."})
_ACRONYMS = _words(
    """NASA NATO UNESCO UNICEF OPEC AIDS ASAP LASER RADAR SCUBA SONAR SWAT YOLO NAFTA FIFA UEFA IKEA LEGO FEMA HIPAA
    NASDAQ ASCII JPEG WIFI GIF RAM ROM SIM PIN ZIP COVID MIDI NERF MAGA"""
)
"""Said as words, though short and in capitals."""
_SPELT = _words("IEEE USSR YMCA YWCA NCAA NAACP UCLA ACLU MOMA")
"""Said letter by letter, though long and with vowels."""
_SHOUTED = _words(
    """A I AM AN AS AT BE BY DO GO HE HI IF IN IS IT ME MY NO OF OH OK ON OR SO TO UP WE ALL AND ANY ARE ASK BAD BIG BUT
    BUY CAN CUT DAD DAY DID DIE EAT END FAR FEW FOR FUN GET GOD GOT GUN GUY HAD HAS HER HEY HIM HIS HIT HOT HOW ITS JOB
    LET LOT LOW MAN MAY MEN MOM NEW NOT NOW OFF OLD ONE OUR OUT OWN PAY PUT RED RUN SAD SAW SAY SEE SET SHE SIR SIT SIX
    SON TEN THE TOO TOP TRY TWO USE WAR WAS WAY WHO WHY WIN WON YES YET YOU"""
)
"""Words of up to three letters that stay words when somebody shouts them; "US" is taken for the country."""
_ROMAN = {
    **{"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10, "XI": 11, "XII": 12},
    **{"XIII": 13, "XIV": 14, "XV": 15, "XVI": 16, "XVII": 17, "XVIII": 18, "XIX": 19, "XX": 20, "XXI": 21, "XXII": 22},
    **{"XXIII": 23},
}
_NUMERAL = "|".join(sorted(_ROMAN, key=len, reverse=True))
_CLEAR_NUMERAL = "II|III|VI|VII|VIII|IX|XI|XII|XIII|XIV|XV|XVI"
_DIVISIONS = (
    "Chapter|Part|Book|Volume|Vol|Act|Scene|Section|Article|Appendix|War|Phase|Type|Class|Stage|Level|Bowl|Title|Canto"
)
_RULERS = (
    "Henry|George|Louis|Elizabeth|Edward|Richard|Charles|William|James|Paul|Benedict|Catherine|Napoleon|Mary|Philip|"
    "Alexander|Nicholas|Frederick|Pius|Leo|Otto|Ivan|Peter|Gregory|Innocent|Clement|Urban|Francis|Ferdinand|Wilhelm|"
    "Ramesses|Ptolemy|Darius|Cyrus|Xerxes|Constantine|Theodosius|Christian|Gustav|Carl|Karl|Umberto|Victor|Robert"
)
_DOMAIN = r"(?:com|org|net|edu|gov|mil|io|co|ai|dev|app|info|me|tv|fm|uk|us|de|fr|eu|ca|au|ch|nl|be|ly|gl)"
_SIGNS = {
    **{".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", "?": "question mark", "=": "equals"},
    **{"&": "and", "#": "hash", ":": "colon", "%": "percent", "+": "plus", "~": "tilde"},
}


def expand_addresses(text: str) -> str:
    """Say web and mail addresses: "ada@mill.org" → "ada at mill dot org"."""
    for pattern in _ADDRESSES:
        text = pattern.sub(_say_address, text)
    return text


def expand_abbreviations(text: str) -> str:
    """Write out titles, streets, Roman numerals and the usual short forms; what follows each decides."""
    for pattern, say in _RULES:
        text = pattern.sub(say, text)
    return text


def spell_initialisms(text: str) -> str:
    """Put blanks between letters that are said one by one: "the FBI's U.S. office" → "the F B I's U S office".

    A text written in capitals throughout is shouted, not spelt.
    """
    text = re.sub(r"\b(?:[A-Za-z]\.){2,}(?:[A-Za-z]\b)?(?P<end>\s*$)?", _dotted, text)
    text = re.sub(r"\b([B-HJ-Z])\.(?=\s[A-Z])", r"\1", text)  # the initial of a name ends no sentence
    words = re.findall(r"\b[A-Za-z]{2,}\b", text)
    if len(words) > 2 and sum(word.isupper() for word in words) > 0.6 * len(words):
        return text
    return re.sub(r"\b[A-Z]{2,5}(?=s?\b|'s\b|[0-9])(?P<plural>s\b)?", _initials, text)


def _say_address(match: re.Match[str]) -> str:
    address, tail = match[0], ""
    while address[-1] in ".,?!;:)'":
        address, tail = address[:-1], address[-1] + tail
    address = re.sub(r"^[a-z]+://", "", address, flags=re.IGNORECASE).rstrip("/")
    address = re.sub(r"^www\.", "w w w.", address, flags=re.IGNORECASE)
    spoken = "".join(f" {_SIGNS[sign]} " if sign in _SIGNS else sign for sign in address)
    return f" {spoken}{tail} "


def _dotted(match: re.Match[str]) -> str:
    letters = " ".join(match[0].replace(".", " ").split())
    return letters + ". " if match["end"] is not None and match[0].rstrip().endswith(".") else letters


def _initials(match: re.Match[str]) -> str:
    letters = match[0][:-1] if match["plural"] else match[0]
    if letters in _ACRONYMS or (letters in _SHOUTED and not match["plural"]):
        return match[0]
    if letters not in _SPELT and len(letters) > 3 and re.search("[AEIOUY]", letters):
        return match[0]
    return " ".join(letters) + ("'s" if match["plural"] else "")


def _plain(match: re.Match[str]) -> str:
    said = next(said for short, said in _PLAIN.items() if short.lower() == match["short"].lower())
    ends = match["short"].lower() in _ENDS_SENTENCE and match["ends"] is not None
    return said + ("." if ends else "")


def _table(words: dict[str, str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def _look_up(words: dict[str, str]) -> Callable[[re.Match[str]], str]:
    folded = {word.lower(): said for word, said in words.items()}
    return lambda match: folded[match["short"].lower()]


_ADDRESSES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bhttps?://[^\s,;!\"<>(){}]+",
        r"(?<![a-z0-9._+-])[a-z0-9][a-z0-9._+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)+\b",
        r"\bwww\.[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[^\s,;!\"<>(){}]*)?",
        rf"(?<![a-z0-9.@-])[a-z0-9][a-z0-9-]+(?:\.[a-z0-9-]+)*\.{_DOMAIN}\b(?!\.[a-z0-9])(?:/[^\s,;!\"<>(){{}}]*)?",
    )
)
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(rf"(?<![\w.])(?P<short>{_table(_PLAIN)})(?P<ends>(?=\s*$|\s+[A-Z]))?(?!\w)", re.IGNORECASE), _plain),
    (re.compile(rf"(?<![\w.'-])(?P<short>{_table(_ANY_CASE)})\b(?!')\.?", re.IGNORECASE), _look_up(_ANY_CASE)),
    (
        re.compile(rf"(?<![\w.'-])(?P<short>{_table(_BEFORE_NUMBER)})\.\s?(?=[0-9])", re.IGNORECASE),
        lambda match: _look_up(_BEFORE_NUMBER)(match) + " ",
    ),
    (re.compile(r"(?<=[A-Za-z0-9,] )(?P<short>St|Sr)\b\.(?!\s+[A-Z][a-z])"), _look_up(_AFTER_NAME)),
    (re.compile(rf"(?<![\w.'-])(?P<short>{_table(_BEFORE_NAME)})\b\.(?=\s+[A-Z])"), _look_up(_BEFORE_NAME)),
    (
        re.compile(rf"(?<![\w.'-])(?P<short>{_table(_AFTER_NAME)})\b\.(?P<ends>(?=\s*$))?"),
        lambda match: _look_up(_AFTER_NAME)(match) + ("." if match["ends"] is not None else ""),
    ),
    (
        re.compile(rf"\b(?P<division>{_DIVISIONS})\.?\s+(?P<numeral>{_NUMERAL})\b(?!')", re.IGNORECASE),
        lambda match: _division(match),
    ),
    (
        re.compile(
            rf"\b(?P<name>{_RULERS})\s+(?P<numeral>(?:{_NUMERAL})(?<!\bI)|I(?=[.,;:?!')]|$|\s+(?:of|was|reigned|died|became)\b))(?![\w])"
        ),
        lambda match: f"{match['name']} the {ordinal(_ROMAN[match['numeral']])}",
    ),
    (
        re.compile(rf"(?<=[a-z])\s+(?P<numeral>{_CLEAR_NUMERAL})\b(?!['.]\w)"),
        lambda match: f" {cardinal(str(_ROMAN[match['numeral']]))}",
    ),
    (re.compile(r"#\s?(?=[0-9])"), lambda match: "number "),
    (re.compile(r"#(?=[A-Za-z])"), lambda match: "hashtag "),
    (re.compile(r"\b(?i:and/or)\b"), lambda match: "and or"),
)


def _division(match: re.Match[str]) -> str:
    numeral = match["numeral"]
    if not numeral.isupper() or (numeral == "I" and not match["division"][0].isupper()):
        return match[0]
    return f"{match['division']} {cardinal(str(_ROMAN[numeral]))}"
