"""Title and text as latent topics: TF-IDF, then a truncated singular value decomposition.

Source: Deerwester et al., "Indexing by Latent Semantic Analysis", JASIS 1990.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgeprune.data.movies.film import Film
from edgeprune.errors import UserInputError

TOPICS: Final = 64
_WORDS: Final = 2000
_LEAST_FILMS: Final = 3
_ITERATIONS: Final = 12
_LEAST_TOPIC: Final = 1e-4  # of the strongest one's square
_WORD: Final = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class TextualFeatures:
    """Words and what each adds to every topic, fitted on training films.

    Attributes:
        words: the most frequent ones.
        rarity: (words,) inverse document frequency.
        topics: (words, topics).
    """

    words: tuple[str, ...]
    rarity: NDArray[np.float64]
    topics: NDArray[np.float64]

    @classmethod
    def fit(cls, films: Iterable[Film]) -> TextualFeatures:
        """Choose words and find topics.

        Raises:
            UserInputError: no word is in enough films.
        """
        texts = [_words_of(film) for film in films]
        found = Counter(word for words in texts for word in set(words))
        frequent = [word for word, count in found.most_common(_WORDS) if count >= _LEAST_FILMS]
        if not frequent:
            raise UserInputError(
                "the films' title and text are empty or share no word: leave out the group "
                "textual by naming others, such as :social+numerical"
            )
        words = tuple(sorted(frequent))
        rarity = np.log(len(texts) / np.array([found[word] for word in words])) + 1.0
        bare = cls(words, rarity, np.zeros((len(words), 0)))
        topics = _leading_vectors(bare._weights(texts), min(TOPICS, len(words)))
        return cls(words, rarity, topics)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the features."""
        return (*(f"topic_{number}" for number in range(self.topics.shape[1])), "text_words")

    def transform(self, films: Sequence[Film]) -> NDArray[np.float64]:
        """(films, features); a film without text has zeros."""
        texts = [_words_of(film) for film in films]
        lengths = np.log1p([len(words) for words in texts])
        return np.column_stack([self._weights(texts) @ self.topics, lengths])

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        topics = np.round(self.topics, 8).tolist()
        return {"words": list(self.words), "rarity": self.rarity.tolist(), "topics": topics}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> TextualFeatures:
        """The inverse of `as_plain`, to eight decimals."""
        return cls(tuple(values["words"]), np.array(values["rarity"]), np.array(values["topics"]))

    def _weights(self, texts: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """(texts, words) TF-IDF of length 1."""
        column = {word: number for number, word in enumerate(self.words)}
        table = np.zeros((len(texts), len(column)), dtype=np.float32)
        for row, words in enumerate(texts):
            for word, count in Counter(w for w in words if w in column).items():
                table[row, column[word]] = (1.0 + np.log(count)) * self.rarity[column[word]]
        length = np.linalg.norm(table, axis=1, keepdims=True)
        table /= np.maximum(length, 1e-12)
        return table


def _leading_vectors(rows: NDArray[np.float32], count: int) -> NDArray[np.float64]:
    """(columns, at most count) right singular vectors, by subspace iteration on `rows.T @ rows`."""
    square = (rows.T @ rows).astype(np.float64)
    start = np.random.default_rng(0).standard_normal((len(square), min(count + 16, len(square))))
    basis = np.linalg.qr(start)[0]
    for _ in range(_ITERATIONS):
        basis = np.linalg.qr(square @ basis)[0]
    values, mixing = np.linalg.eigh(basis.T @ square @ basis)
    # A topic that no film has would be rounding errors, blown up when it is scaled.
    kept = [i for i in values.argsort()[::-1][:count] if values[i] > _LEAST_TOPIC * values.max()]
    vectors = basis @ mixing[:, kept]
    # Either sign is right; one is chosen, so that every machine gives the same.
    signs: NDArray[np.float64] = np.sign(vectors[np.abs(vectors).argmax(0), range(len(kept))])
    return np.asarray(vectors * signs)


def _words_of(film: Film) -> list[str]:
    return _WORD.findall(film.text.lower())
