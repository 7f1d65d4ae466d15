"""Words → components, the best first: over names, titles, categories, kinds, tools and descriptions.

Where a word of the query stands says what it is worth (`_WORTH`). A word that no name has is also looked for as its
nearest neighbours among the words that there are: it may be mistyped. A component has to have half of the words at
least, and one that has more of them comes first.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import name_key
from cct_cloudflare.components.package import Item

MAX_QUERY = 200
_MAX_WORDS = 12

_WORD = re.compile(r"[^\W_]+")
#: What a word is worth in each field, in the order of `_Fields`: as a whole word, as the beginning of one, inside one.
_WORTH = {
    "names": (70.0, 55.0, 40.0),
    "category": (45.0, 35.0, 20.0),
    "tools": (40.0, 25.0, 10.0),
    "kind": (30.0, 20.0, 0.0),
    "description": (25.0, 18.0, 8.0),
}
_WHOLE_NAME = 200.0
_KINDS = {kind: f"{kind} {kind.folder}" for kind in Kind}
#: How long a word must be to say something as the beginning, or as a part, of another one.
_LEAST_BEGINNING = 2
_LEAST_INSIDE = 3
#: Shorter words have too many neighbours; a longer one may have two mistakes.
_LEAST_MISTYPED = 4
_LEAST_TWICE_MISTYPED = 6
_MOST_NEIGHBOURS = 8
_WORTH_OF_NEIGHBOUR = {1: 0.8, 2: 0.6}
#: Somebody's description has the word as it was typed, which may be the same mistake.
_WORTH_BESIDE_ITSELF = 0.3
_WORTH_WITHOUT_S = 0.9
#: `codereviewer` finds `code-reviewer`.
_JOINED = str.maketrans("", "", "-_. ")
_FILLERS = re.compile(r"a|an|and|as|at|by|for|from|i|in|is|it|me|my|of|on|or|that|the|to|with")


@dataclass(frozen=True, slots=True)
class Match:
    """`score` compares the matches of one search and means nothing else."""

    item: Item
    score: float


def search(items: Iterable[Item], query: str, limit: int | None = None) -> list[Match]:
    """The items that fit, best first; for a query without a word none is better, and they come in their own order."""
    items = list(items)
    words = _words(query)
    if not words or not items:
        return [Match(item, 0.0) for item in items[:limit]]
    listed = _fields(items)
    corpus = _Corpus(listed)
    hits = [corpus.hits(terms) for word in words if (terms := corpus.terms(word))]
    rarity = [_rarity(len(worths), len(listed)) for worths in hits]
    counts = Counter(place for worths in hits for place in worths)
    least = max(1, (len(hits) + 1) // 2)
    whole = _compact(query)
    found: list[tuple[int, Match]] = []
    for place, count in sorted(counts.items()):
        if count >= least:
            fields = listed[place]
            score = sum(worths.get(place, 0.0) * rare for worths, rare in zip(hits, rarity, strict=True))
            if count == len(hits) and fields.is_called(whole):
                score += _WHOLE_NAME
            # Of two names that have a word, the shorter one is more about it.
            found.append((count, Match(fields.item, round(score - len(fields.item.leaf) / 10, 1))))
    found.sort(key=lambda entry: (-entry[0], -entry[1].score, entry[1].item.name))
    return [match for _, match in found[:limit]]


def _rarity(count: int, of: int) -> float:
    """From 1, for a word that all have, to 2: what few have says more about them."""
    return 1 + math.log(of / max(count, 1)) / math.log(of + 1)


class _Term:
    """A word to look for, and what finding it is worth beside the word that was asked for."""

    def __init__(self, word: str, worth: float = 1.0) -> None:
        self.word = word
        self.worth = worth
        self.begins = re.compile(rf"\b{re.escape(word)}(\b)?")

    def begins_in(self, text: str) -> bool:
        # A pattern takes many times as long to find that a word is not there.
        return self.word in text and self.begins.search(text) is not None


class _Fields:
    """An item as it is searched: every text folded as names are, one line for each field."""

    __slots__ = ("head", "item", "text")

    def __init__(self, item: Item, head: str, description: str) -> None:
        self.item = item
        self.head = head
        self.text = f"{head}\n{description}"

    def worth(self, term: _Term) -> float:
        best = 0.0
        for (whole, beginning, inside), text in zip(_WORTH.values(), self.text.split("\n"), strict=True):
            if whole <= best or term.word not in text:
                continue
            found = [match.group(1) is not None for match in term.begins.finditer(text)]
            if any(found):
                best = max(best, whole)
            elif found and len(term.word) >= _LEAST_BEGINNING:
                best = max(best, beginning)
            elif len(term.word) >= _LEAST_INSIDE:
                best = max(best, inside)
        return best * term.worth

    def is_called(self, compact: str) -> bool:
        return compact in (_compact(self.item.leaf), _compact(self.item.name), _compact(self.item.title))


class _Corpus:
    """All texts together: which words there are, and where."""

    def __init__(self, listed: Sequence[_Fields]) -> None:
        self._listed = listed
        self._text = "\n".join(fields.text for fields in listed)
        # Where each text ends, with the line break after it.
        self._ends = list(accumulate(len(fields.text) + 1 for fields in listed))
        self._heads = "\n".join(fields.head for fields in listed)

    def terms(self, word: str) -> list[_Term]:
        """What `word` may mean; nothing where it means nothing here."""
        terms = [_Term(word)]
        if len(word) >= _LEAST_MISTYPED and word.endswith("s"):
            terms.append(_Term(word[:-1], _WORTH_WITHOUT_S))
        if len(word) >= _LEAST_MISTYPED and not any(term.begins_in(self._heads) for term in terms):
            is_there = any(term.begins_in(self._text) for term in terms)
            # That much of a longer word (`script` of `javascript`) is no mistake.
            if is_there or len(word) < _LEAST_TWICE_MISTYPED or word not in self._text:
                terms += self._neighbours(word, _WORTH_BESIDE_ITSELF if is_there else 1.0)
        return [term for term in terms if term.word in self._text]

    def hits(self, terms: Iterable[_Term]) -> dict[int, float]:
        """What has one of the terms, by its place in the list, and what the best one there is worth."""
        best: dict[int, float] = {}
        for term in terms:
            for place in self._places(term.word):
                worth = self._listed[place].worth(term)
                if worth > best.get(place, 0.0):
                    best[place] = worth
        return best

    def _places(self, word: str) -> Iterator[int]:
        # No word has a line break in it, so that it lies within one text.
        at = self._text.find(word)
        while at >= 0:
            place = bisect_right(self._ends, at)
            yield place
            at = self._text.find(word, self._ends[place])

    def _neighbours(self, word: str, worth: float) -> list[_Term]:
        from jellyfish import damerau_levenshtein_distance

        most = 2 if len(word) >= _LEAST_TWICE_MISTYPED else 1
        told = ((damerau_levenshtein_distance(word, other), other) for other in self._words_like(len(word), most))
        near = sorted((distance, other) for distance, other in told if 0 < distance <= most)
        return [_Term(other, worth * _WORTH_OF_NEIGHBOUR[distance]) for distance, other in near[:_MOST_NEIGHBOURS]]

    def _words_like(self, length: int, most: int) -> set[str]:
        """All words of a length, or of `most` letters more or less."""
        # Splitting at blanks first leaves a fraction for the pattern to look at.
        rough = {part for part in self._text.split() if len(part) >= length - most}
        return {word for word in _WORD.findall("\n".join(rough)) if abs(len(word) - length) <= most}


def _fields(items: Sequence[Item]) -> list[_Fields]:
    # Folded all at once: ten thousand texts are folded in a tenth of the time.
    heads, descriptions = _folded(map(_head, items)), _folded(_lines((item.description,)) for item in items)
    return list(map(_Fields, items, heads, descriptions))


def _head(item: Item) -> str:
    category, _, leaf = item.name.rpartition("/")
    names = f"{leaf} {item.title} {leaf.translate(_JOINED)}"
    return _lines((names, category, " ".join(item.tools), _KINDS[item.kind]))


def _lines(texts: Sequence[str]) -> str:
    """The texts, a line each."""
    whole = "\n".join(texts)
    if whole.count("\n") == len(texts) - 1:
        return whole
    return "\n".join(text.replace("\n", " ") for text in texts)


def _folded(texts: Iterable[str]) -> list[str]:
    texts = list(texts)
    whole = "\0".join(texts)
    if whole.count("\0") != max(len(texts) - 1, 0):
        whole = "\0".join(text.replace("\0", " ") for text in texts)
    return name_key(whole).split("\0")


def _words(query: str) -> list[str]:
    words = list(dict.fromkeys(_WORD.findall(name_key(query[:MAX_QUERY]))))[:_MAX_WORDS]
    return [word for word in words if not _FILLERS.fullmatch(word)] or words


def _compact(text: str) -> str:
    """`Code Reviewer`, `code-reviewer` and `codereviewer` are one name."""
    return "".join(_WORD.findall(name_key(text)))
