"""Three published vocabularies beside each other, for notebook 08: `python benchmarks/vocabularies.py`.

GPT-2's, cl100k_base and o200k_base, read by tiktoken. Needs the network, or a folder TIKTOKEN_CACHE_DIR in which their
files lie under the names that tiktoken gives them (the sha1 of their addresses); tiktoken checks their sums. Multi30k
and Tiny Shakespeare come from `lib.downloads`, or from COURSE_MIRROR.

Recorded in data/vocabularies.json: how many tokens each has, and how many blanks its longest run of them; the length of
article 1 of the Universal Declaration of Human Rights in several languages, of 1,000 captions of Multi30k in three, of
1,000 sentences of our grammar in two; the bytes a token of our stories and of Shakespeare, also for the tokenizer that
notebook 08 learns; and how they cut some texts.
"""

import tiktoken

from lib.corpora import files
from lib.corpora.italian import load_pairs
from lib.corpora.multi30k import load_multi30k
from lib.corpora.shakespeare import load_shakespeare
from lib.corpora.stories import load_stories
from lib.tokenizer import train_tokenizer

RESULTS = "vocabularies.json"
VOCABULARIES = ("gpt2", "cl100k_base", "o200k_base")
ARTICLE_1 = {  # United Nations, 1948, and its translations
    "English": "All human beings are born free and equal in dignity and rights. They are endowed with reason and "
    "conscience and should act towards one another in a spirit of brotherhood.",
    "German": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen "
    "begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
    "Italian": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di "
    "coscienza e devono agire gli uni verso gli altri in spirito di fratellanza.",
    "Russian": "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью "
    "и должны поступать в отношении друг друга в духе братства.",
    "Greek": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι "
    "με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης.",
    "Hindi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। उन्हें बुद्धि और अन्तरात्मा की देन "
    "प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए।",
    "Japanese": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。"
    "人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。",
    "Chinese": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。",
}
CUT = (
    " SolidGoldMagikarp",
    " strawberry",
    "strawberry",
    "1912 12345 1234567",
    "antidisestablishmentarianism",
    "La ragazza mangia la mela.",
    "😀",
    " " * 16 + "return total",
)


def measured() -> dict:
    vocabularies = {name: tiktoken.get_encoding(name) for name in VOCABULARIES}

    def lengths(texts: list[str], **more) -> dict[str, int]:
        return {
            name: sum(len(one.encode_ordinary(text)) for text in texts) for name, one in (vocabularies | more).items()
        }

    stories = load_stories()
    ours = train_tokenizer(stories[:1000], 2048, special=["<PAD>", "<SOS>", "<EOS>", "<UNK>"])
    pairs = load_pairs("test")[:1000]
    german, french = (load_multi30k(language, "test") for language in ("de", "fr"))
    real = {"our stories": stories[7000:7300], "Shakespeare": [load_shakespeare()]}
    return {
        "sizes": {
            name: {
                "tokens": len(one.token_byte_values()),
                "special": len(one.special_tokens_set),
                "most blanks": max(len(token) for token in one.token_byte_values() if set(token) == {ord(" ")}),
            }
            for name, one in vocabularies.items()
        },
        "article 1": {
            name: {"characters": len(text), "bytes": len(text.encode())} | lengths([text])
            for name, text in ARTICLE_1.items()
        },
        "multi30k": {
            "English": lengths([english for english, _ in german], ours=ours),
            "German": lengths([other for _, other in german], ours=ours),
            "French": lengths([other for _, other in french], ours=ours),
        },
        "grammar": _by_vocabulary(
            {
                "English": lengths([pair.english for pair in pairs]),
                "Italian": lengths([pair.italian for pair in pairs]),
            }
        ),
        "bytes a token": _by_vocabulary({name: _bytes_a_token(t, lengths(t, ours=ours)) for name, t in real.items()}),
        "cuts": {
            text: {
                name: [one.decode_single_token_bytes(i).decode(errors="replace") for i in one.encode_ordinary(text)]
                for name, one in vocabularies.items()
            }
            for text in CUT
        },
    }


def _bytes_a_token(texts: list[str], counts: dict[str, int]) -> dict[str, float]:
    size = sum(len(text.encode()) for text in texts)
    return {name: round(size / count, 2) for name, count in counts.items()}


def _by_vocabulary(table: dict[str, dict]) -> dict[str, dict]:
    """{text: {vocabulary: number}} as {vocabulary: {text: number}}."""
    return {name: {text: row[name] for text, row in table.items()} for name in next(iter(table.values()))}


if __name__ == "__main__":
    found = measured()
    files.record_results(RESULTS, "python benchmarks/vocabularies.py", found)
    for part in ("sizes", "multi30k", "grammar", "bytes a token"):
        print(part, found[part])
    for language, row in found["article 1"].items():
        print(f"{language:10}", {name: row[name] for name in VOCABULARIES})
