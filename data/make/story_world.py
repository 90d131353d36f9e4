"""The world of the stories, read from the word lists: the places, the weather, the things and what may happen.

    SEASONS, MONTHS   the weathers and the months of each season
    WEATHERS          what each weather looks like
    PLACES            where the stories happen: hiding places, sights, sounds, smells, seats, creatures
    THINGS            what people own: noun -> (materials, traits)
    TRADES            what people swap, and why one needs it
    RECORDS           what fills the slots of a plot: plot -> its records, of which a story draws one
    WORDS             the lists that `{word}` in a template draws from

data.make.stories tells stories in this world, about the people of data/names.tsv.
"""

from data.make.tables import lists, read, records, sections, table

_SEASONS = table("story_seasons.tsv")
SEASONS = {row["season"]: row["weathers"].split() for row in _SEASONS}
MONTHS = {row["season"]: row["months"].split() for row in _SEASONS}
WEATHERS = {name: lists(looks) for name, looks in sections("story_weathers.txt").items()}
PLACES = {name: {"name": [name]} | lists(place) for name, place in sections("story_places.txt").items()}
THINGS = {
    row["thing"]: (row["materials"].split(", ") if row["materials"] else [], row["traits"])
    for row in table("story_things.tsv")
}
TRADES = lists(read("story_trades.txt"))
RECORDS = {plot: records(text) for plot, text in sections("story_records.txt").items()}
WORDS = lists(read("story_words.txt"))
