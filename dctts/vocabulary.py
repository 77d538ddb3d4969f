"""The one table of symbols: letters, ARPAbet with stress, and punctuation. Its order is saved in every checkpoint."""

PAD = "<pad>"
"""Fills a batch; always id 0."""
EOS = "<eos>"
"""Ends every text, so that the attention has a last place to go to."""
PUNCTUATION = (",", ".", "?", "!", ";", ":", "-", "'")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
CONSONANTS = (
    *("B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N"),
    *("NG", "P", "R", "S", "SH", "T", "TH", "V", "W", "Y", "Z", "ZH"),
)
VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
PHONES = (*CONSONANTS, *(vowel + stress for vowel in VOWELS for stress in "012"))
"""ARPAbet as in the CMU dictionary: 24 consonants, 15 vowels with no (0), primary (1) or secondary (2) stress."""

VOCABULARY: tuple[str, ...] = (PAD, EOS, " ", *PUNCTUATION, *LETTERS, *(f"@{phone}" for phone in PHONES))
"""Symbol of each id; a phone is written `@AH0`, so that it is never taken for letters."""
PAD_ID = VOCABULARY.index(PAD)
EOS_ID = VOCABULARY.index(EOS)
