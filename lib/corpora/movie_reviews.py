"""Movie reviews: 10,662 sentences out of reviews, half of them in favour of the film (Pang and Lee 2005).

load_movie_reviews    each sentence with its label, downloaded on first use
authored_reviews      sentences that a program made, where there is no network

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


def authored_reviews() -> list[tuple[str, int]]:
    """(sentence, label) pairs that a program made, 1,152 of them, for a machine without a network: far easier ones."""
    subjects = ("movie", "film", "story", "acting", "music", "ending", "dialogue", "plot")
    frames = [
        "the {subject} was {word}.",
        "the {subject} was really {word}!",
        "for us the {subject} was simply {word}.",
        "i must say that the {subject} was {word}.",
        "my friends and i thought the {subject} was {word}.",
        "from beginning to end the {subject} was {word}.",
    ]
    words = {
        POSITIVE: "fantastic wonderful moving brilliant charming delightful superb gripping fine touching funny great",
        NEGATIVE: "boring awful dull terrible tedious clumsy annoying disappointing lifeless stupid silly bad",
    }
    return [
        (frame.format(subject=subject, word=word), label)
        for label, of_label in words.items()
        for word in of_label.split()
        for subject in subjects
        for frame in frames
    ]
