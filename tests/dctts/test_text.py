import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dctts.errors import TextError
from dctts.lexicon import Lexicon
from dctts.text import decode, encode, encode_words, normalise
from dctts.vocabulary import EOS_ID, PAD_ID, VOCABULARY

LEXICON = Lexicon(
    own={"sentdex": ("S", "EH1", "N", "T", "D", "EH2", "K", "S")},
    dictionary={"hello": "HH AH0 L OW1", "a": "AH0", "dog": "D AO1 G", "b": "B IY1", "world": "W ER1 L D"},
)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        # keithito/tacotron's table, in American order of words
        ("1", "one"),
        ("15", "fifteen"),
        ("24", "twenty-four"),
        ("100", "one hundred"),
        ("101", "one hundred one"),
        ("456", "four hundred fifty-six"),
        ("1000", "one thousand"),
        ("1800", "eighteen hundred"),
        ("2,000", "two thousand"),
        ("3000", "three thousand"),
        ("18000", "eighteen thousand"),
        ("24,000", "twenty-four thousand"),
        ("124,001", "one hundred twenty-four thousand one"),
        ("6.4 sec", "six point four seconds"),
        ("1st", "first"),
        ("22nd", "twenty-second"),
        ("23rd", "twenty-third"),
        ("100th", "one hundredth"),
        ("$1", "one dollar"),
        ("$0.01", "one cent"),
        ("$2.50", "two dollars, fifty cents"),
        ("$5.01", "five dollars, one cent"),
        ("$135.99.", "one hundred thirty-five dollars, ninety-nine cents."),
        ("$40,000", "forty thousand dollars"),
        ("£3.50", "three pounds, fifty pence"),
        ("$2.5 million", "two point five million dollars"),
        ("€10bn", "ten billion euros"),
        # years, decades, dates
        ("in 1995.", "in nineteen ninety-five."),
        ("1907, 2000, 2005, 2024", "nineteen oh-seven, two thousand, two thousand five, twenty twenty-four"),
        ("the 1990s and the '80s", "the nineteen nineties and the eighties"),
        ("March 3, 2021", "march third, twenty twenty-one"),
        ("on Dec. 25th we", "on december twenty-fifth we"),
        ("on 3 March 2021", "on the third of march, twenty twenty-one"),
        ("the 4th of July", "the fourth of july"),
        ("2024-03-01", "march first, twenty twenty-four"),
        ("3/4/2024 or 25/12/2024", "march fourth, twenty twenty-four or december twenty-fifth, twenty twenty-four"),
        ("They march 3 times and may 5 times", "they march three times and may five times"),
        # times
        ("3:30", "three thirty"),
        ("at 3:05 p.m. sharp", "at three oh five p m sharp"),
        ("12:00", "twelve o'clock"),
        ("7pm", "seven p m"),
        ("14:30:15", "fourteen thirty and fifteen seconds"),
        ("a ratio of 3:2", "a ratio of three to two"),
        # fractions, decimals, per cent, signs
        ("1/2 and 3/4", "one half and three quarters"),
        ("2½ cups", "two and a half cups"),
        ("24/7", "twenty-four seven"),
        ("3.14159", "three point one four one five nine"),
        (".5", "point five"),
        ("-5 and −3", "minus five and minus three"),
        ("50% of 7.5%", "fifty percent of seven point five percent"),
        ("2 + 2 = 4", "two plus two equals four"),
        ("3 x 4", "three times four"),
        ("pages 5–10", "pages five to ten"),
        ("1990-1995", "nineteen ninety to nineteen ninety-five"),
        ("v1.2.3", "v one point two point three"),
        ("192.168.0.1", "one nine two dot one six eight dot zero dot one"),
        # digits read one by one
        ("007", "zero zero seven"),
        ("call 555-123-4567", "call five five five, one two three, four five six seven"),
        ("(555) 123-4567", "five five five, one two three, four five six seven"),
        ("12345678901", "one two three four five six seven eight nine zero one"),
        # units
        ("5km, 1 km and 60 mph", "five kilometers, one kilometer and sixty miles per hour"),
        ("20°C, 5 °F", "twenty degrees celsius, five degrees fahrenheit"),
        ("he is 5'10\" tall", "he is five feet ten inches tall"),
        ("30 m²", "thirty meters squared"),
        ("5G and H2O", "five g and h two o"),
        ("5M views", "five million views"),
        ("3 v 3", "three v three"),
        # abbreviations
        ("Mr. Beck", "mister beck"),
        ("Mrs Ng and Dr. No", "missus ng and doctor no"),
        ("St. Paul lives on Main St. now", "saint paul lives on main street now"),
        ("No. 5, vol. 2, fig. 3", "number five, volume two, figure three"),
        ("No. We won't.", "no. we won't."),
        ("fruit, e.g. apples, i.e. food, etc.", "fruit, for example apples, that is food, et cetera."),
        ("King Jr. vs. Smith Inc.", "king junior versus smith incorporated."),
        ("J. R. R. Tolkien", "j r r tolkien"),
        # initialisms
        ("the FBI", "the f b i"),
        ("the U.S. Army", "the u s army"),
        ("in the U.S.", "in the u s."),
        ("NASA's CDs and URLs", "nasa's c d's and u r l's"),
        ("I did NOT say SO", "i did not say so"),
        ("THIS IS ALL SHOUTED FBI", "this is all shouted fbi"),
        ("HTML and MP3", "h t m l and m p three"),
        ("COVID-19", "covid nineteen"),
        # Roman numerals
        ("Chapter IV", "chapter four"),
        ("World War II ended", "world war two ended"),
        ("Henry VIII, Louis XIV", "henry the eighth, louis the fourteenth"),
        ("Elizabeth I.", "elizabeth the first."),
        ("Charles and I went; I saw Charles, I think", "charles and i went; i saw charles, i think"),
        # addresses
        ("https://www.example.com/a_b.", "w w w dot example dot com slash a underscore b."),
        ("mail ada@mill.org!", "mail ada at mill dot org!"),
        ("pythonprogramming.net", "pythonprogramming dot net"),
        ("R&D @ home #1 #neural", "r and d at home number one hashtag neural"),
        ("and/or he/she", "and or he slash she"),
        # letters, quotes, dashes
        ("naïve café, Dvořák & Straße", "naive cafe, dvorak and strasse"),
        ("“Quoted” ‘single’ don’t dogs’ ", "quoted single don't dogs"),
        ("well-known — yes -- no", "well-known - yes - no"),
        ("Wait... what?! No!!", "wait, what? no!"),
        ("(in parentheses) he said", "in parentheses, he said"),
        ("  many\n\n blanks\t,here ", "many blanks, here"),
        ("１２ ﬁne ٣", "twelve fine three"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        # pronunciations inline
        ("a {N UH1 R AH0 L} net", "a {N UH1 R AH0 L} net"),
        ("{n uh1 r ah0 l}, ok", "{N UH1 R AH0 L}, ok"),
        ("{laughs} yes", "laughs, yes"),
        ("", ""),
        ("привет", ""),
        ("...", ""),
    ],
)
def test_normalise_says(written: str, said: str) -> None:
    assert normalise(written) == said


AWKWARD = st.text(alphabet=st.sampled_from(list("aAbIVXxms.,-'\"{}[]()/:;!? 0129$%#@&°½²’—…\n~st€")), max_size=30)


@given(st.one_of(st.text(max_size=60), AWKWARD))
def test_any_text_is_written_out_in_symbols_of_the_vocabulary_and_stays_so(text: str) -> None:
    try:
        said = normalise(text)
    except TextError:
        assert "{" in text  # only a pronunciation can be wrong
        return
    assert normalise(said) == said
    outside_braces = "".join(piece.split("}")[-1] for piece in said.split("{"))
    assert set(outside_braces) <= set(VOCABULARY)


def test_a_very_long_text_is_normalised_in_linear_time() -> None:
    text = "Dr. Smith paid $5.01 at 3:30pm, e.g. on www.example.com... " * 500
    assert normalise(text).count("five dollars") == 500


@pytest.mark.parametrize("awkward", ["9" * 20000, "1," * 20000, "a." * 20000, "{" * 20000, "-" * 20000, " " * 20000])
def test_awkward_runs_neither_crash_nor_hang(awkward: str) -> None:
    normalise(awkward)


@pytest.mark.parametrize(
    ("written", "hint"), [("{N UH R}", "UH1"), ("{N9 UH1}", "no stress"), ("{NUH UH1}", "did you mean"), ("{FBI}", "")]
)
def test_a_phone_that_does_not_exist_is_named_with_what_to_write(written: str, hint: str) -> None:
    with pytest.raises(TextError, match="not an ARPAbet phone") as caught:
        normalise(written)
    assert hint in (caught.value.hint or "")


def test_the_vocabulary_has_each_symbol_once_and_padding_first() -> None:
    assert len(set(VOCABULARY)) == len(VOCABULARY)
    assert VOCABULARY[0] == "<pad>"
    assert PAD_ID == 0
    assert sum(symbol.startswith("@") for symbol in VOCABULARY) == 24 + 3 * 15


def test_words_become_phones_and_unlisted_words_letters() -> None:
    assert decode(encode("Hello sentdex's zzz!", lexicon=LEXICON)) == (
        "{HH AH0 L OW1} {S EH1 N T D EH2 K S IH0 Z} zzz!"
    )


def test_ids_end_with_end_of_text_and_padding_is_never_among_them() -> None:
    ids = encode("Hello, world.", lexicon=LEXICON)
    assert ids[-1] == EOS_ID
    assert PAD_ID not in ids
    assert ids.count(EOS_ID) == 1


def test_without_lexicon_a_text_is_spelt_but_inline_phones_stay() -> None:
    assert decode(encode("Hello {N UH1 R AH0 L}!")) == "hello {N UH1 R AH0 L}!"


def test_each_word_span_covers_exactly_its_symbols() -> None:
    encoded = encode_words("Hello, {N UH1} zzz's - world.", lexicon=LEXICON)
    assert [(word.text, decode(encoded.ids[word.start : word.stop])) for word in encoded.words] == [
        ("hello", "{HH AH0 L OW1}"),
        ("{N UH1}", "{N UH1}"),
        ("zzz's", "zzz's"),
        ("world", "{W ER1 L D}"),
    ]


def test_the_letter_a_of_an_initialism_is_not_the_article() -> None:
    assert decode(encode("the BA", lexicon=LEXICON)) == "the {B IY1} {EY1}"
    assert decode(encode("a dog", lexicon=LEXICON)) == "{AH0} {D AO1 G}"


@pytest.mark.parametrize("make", [random.Random, np.random.default_rng])
def test_training_mixes_phones_and_letters_word_by_word_and_repeats_with_the_seed(make: type) -> None:
    text = "hello " * 400
    ids = encode(text, lexicon=LEXICON, phoneme_probability=0.5, rng=make(1))
    assert ids == encode(text, lexicon=LEXICON, phoneme_probability=0.5, rng=make(1))
    assert 140 < decode(ids).count("{HH") < 260
    assert decode(ids).count("{HH") + decode(ids).count("hello") == 400


def test_a_probability_of_zero_spells_every_word() -> None:
    assert decode(encode("hello", lexicon=LEXICON, phoneme_probability=0)) == "hello"


@pytest.mark.parametrize("probability", [0.5, -0.1, 1.1])
def test_a_probability_that_cannot_be_used_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        encode("hello", phoneme_probability=probability)


@pytest.mark.parametrize("text", ["", "   ", "?!...", "日本語", "'"])
def test_a_text_with_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(TextError, match="nothing to say"):
        encode(text)
