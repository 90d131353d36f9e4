"""Movie reviews: 10,662 sentences out of reviews, half of them in favour of the film (Pang and Lee 2005).

load_movie_reviews    each sentence with its label, downloaded on first use

Critics wrote them, for Rotten Tomatoes; a sentence is positive if its review was marked as "fresh". All words are in
small letters, with spaces around signs. Unlike the course's own corpora it is not in data/: `lib.downloads` fetches it
when it is asked for.
"""

from lib.downloads import fetch

NEGATIVE, POSITIVE = 0, 1
FILES = {NEGATIVE: "movie_reviews/rt-polarity.neg", POSITIVE: "movie_reviews/rt-polarity.pos"}
EACH = 5_331


def load_movie_reviews() -> list[tuple[str, int]]:
    """(sentence, label) pairs: 5,331 with 0, negative, then 5,331 with 1, positive. Shuffle them before use."""
    reviews = []
    for label, name in FILES.items():
        # subtle: as latin-1, which they are said to be, dashes and dots would be control characters, and one a line end
        text = fetch(name).read_bytes().decode("cp1252")
        sentences = [line.strip() for line in text.removesuffix("\n").split("\n")]
        if len(sentences) != EACH:
            raise ValueError(f"{name} has {len(sentences)} sentences instead of {EACH}")
        reviews += [(sentence, label) for sentence in sentences]
    return reviews
