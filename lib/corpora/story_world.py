"""The world of the stories: who lives there, the places, the weather and the things. Word lists only, no grammar.

    NAMES        every first name with its gender, "m" or "f": what decides between he and she
    ELDERS       grown-ups of the family, with their gender        SURNAMES, WORK  the neighbours: "Mrs Reed the baker"
    SEASONS      the weathers of each season                       WEATHERS        what each weather looks and feels like
    PLACES       where the stories happen: hiding places, sights, sounds, smells, seats, creatures
    THINGS       what people own: noun -> (materials or None, traits)
    WORDS        the lists that `{word}` in a template draws from

Taught nowhere; lib.corpora.stories tells stories in this world. ASCII only. In the lists, [a|b] is a choice and {word} a
draw from another list, as in the templates.
"""

import re


def _words(text: str) -> list[str]:
    return text.split()


def _phrases(text: str) -> list[str]:
    return [phrase.strip() for phrase in text.replace("\n", " ").split(",") if phrase.strip()]


NAMES: dict[str, str] = {
    **dict.fromkeys(
        _words(
            "Anna Bella Clara Daisy Ella Flora Greta Hazel Ida Julia Kate Lena Mia Nora Olive Paula Rosa Sara Tilda Una "
            "Vera Wilma Zoe Alice Betty Cora Dora Emma Fay Gina Helen Iris Jane Lucy Mabel Nina Polly Ruth Stella Tess "
            "Violet Wendy Yara Amber Bonnie Carla Della Edith Freya Hilda"
        ),
        "f",
    ),
    **dict.fromkeys(
        _words(
            "Adam Ben Carl Daniel Emil Felix George Hugo Ivan Jack Karl Leo Max Noah Oscar Peter Ralph Simon Tom Udo "
            "Victor Walter Zac Albert Bruno Conrad David Edgar Fred Gus Henry Isaac Jonas Kurt Luke Martin Ned Otto Paul "
            "Rory Samuel Theo Vincent Will Yusuf Arthur Boris Colin Dennis Ernest"
        ),
        "m",
    ),
}
ELDERS = {"Grandma": "f", "Grandpa": "m", "Mother": "f", "Father": "m"}
ELDERS |= {f"Aunt {name}": "f" for name in _words("Agnes Berta Carmen Dinah Elsa Frida Gwen Hetty")}
ELDERS |= {f"Uncle {name}": "m" for name in _words("Andrew Barney Cyril Duncan Eric Frank Giles Harold")}
SURNAMES = _words(
    "Reed Hill Brown Marsh Wood Field Stone Brook Lamb Frost Penny Rose Potter Wells Ash Birch Finch Crane Swan Barley "
    "Thorn Moss Dale Ford Parker Pike Bell North Lane Green Rush Quill"
)
ANIMAL_KINDS = _words("fox badger hedgehog otter squirrel hare mouse mole bear beaver rabbit raccoon")

SEASONS = {
    "spring": ["rain", "sun", "wind", "mist"],
    "summer": ["sun", "heat", "thunder"],
    "autumn": ["rain", "wind", "mist", "sun"],
    "winter": ["snow", "frost", "wind"],
}
MONTHS = {
    "spring": _words("March April May"),
    "summer": _words("June July August"),
    "autumn": _words("September October November"),
    "winter": _words("December January February"),
}
# day: "a ... morning"; clause: what could be seen; turn: how it changes towards the evening
WEATHERS: dict[str, dict[str, list[str]]] = {
    "rain": {
        "day": ["rainy", "wet", "grey", "dripping"],
        "clause": _phrases(
            "the rain was drumming on the [roofs|windows|shed roof|doorstep], the gutters were [gurgling|singing|running over], "
            "puddles shone in [every lane|the road|the yard], [low|dark|heavy] clouds hung over the [hill|roofs|church tower|fields], "
            "[big|fat|cold] drops fell from the [trees|roofs|branches|washing line]"
        ),
        "turn": [
            "the rain stopped",
            "the clouds drifted away",
            "the last drops fell",
            "a rainbow stood over the fields",
        ],
    },
    "sun": {
        "day": ["sunny", "bright", "blue", "mild", "golden"],
        "clause": _phrases(
            "the sun was shining on the [roofs|windows|garden walls|fields|church tower], not a cloud was in the sky, "
            "small white clouds sailed over the [hill|fields|roofs|trees], the air was [soft|mild|full of birdsong|clear], "
            "every [window|door|shutter] stood open"
        ),
        "turn": ["the sun went down", "the shadows grew long", "the sky turned pink", "the first star came out"],
    },
    "heat": {
        "day": ["hot", "still", "dusty", "burning"],
        "clause": _phrases(
            "the air was shimmering over the [road|roofs|fields], even the [bees|sparrows|hens|cats] were looking for shade, "
            "the [stones|steps|walls|benches] were too hot to touch, the [grass|lane|meadow] was dry and yellow"
        ),
        "turn": ["a cool breeze came up", "the heat faded", "the sky turned pink", "the first bats came out"],
    },
    "thunder": {
        "day": ["sultry", "dark", "heavy", "thundery"],
        "clause": _phrases(
            "[black|dark|purple] clouds were piling up [behind the hill|over the fields|in the west], "
            "far away the thunder was [rumbling|grumbling|growling], the [swallows|bats|flies] were flying low, "
            "the air was so still that no [leaf|flag|weather vane] moved"
        ),
        "turn": [
            "the storm rolled away",
            "the thunder faded",
            "the air smelled fresh again",
            "the last clouds broke up",
        ],
    },
    "wind": {
        "day": ["windy", "wild", "blustery", "gusty"],
        "clause": _phrases(
            "the wind was rattling the [shutters|windows|gate|shop signs], [leaves|papers|feathers] were flying down the [road|lane], "
            "the trees were [bending|creaking|groaning|waving], the washing was [dancing|flapping|kicking] on the line, "
            "the [weather vane|windmill|shop sign] would not stand still"
        ),
        "turn": ["the wind dropped", "the trees grew quiet", "the last gust died down", "the clouds were blown away"],
    },
    "mist": {
        "day": ["misty", "foggy", "pale", "quiet"],
        "clause": _phrases(
            "the mist hid the [hill|church tower|road|far bank], white fog lay over the [fields|roofs|river|meadow], "
            "every [spider web|branch|fence] was hung with drops, one could hardly see the [next house|end of the lane|gate]"
        ),
        "turn": ["the mist lifted", "the fog grew thin", "the sun broke through", "the hill came out of the mist"],
    },
    "snow": {
        "day": ["snowy", "white", "silent", "cold"],
        "clause": _phrases(
            "the snow lay deep on the [roofs|fields|steps|fences], [big|soft|thick] flakes were falling on the [roofs|yard|lane], "
            "[every fence|every chimney|the old well] wore a white cap, the [road|lane|path] was hidden under the snow"
        ),
        "turn": [
            "the snow turned blue",
            "the first star came out",
            "the flakes stopped falling",
            "the moon shone on the snow",
        ],
    },
    "frost": {
        "day": ["frosty", "icy", "clear", "cold"],
        "clause": _phrases(
            "ice flowers grew on the [windows|panes], the [pond|ditch|rain barrel] was frozen, "
            "every [twig|blade of grass|fence post] was white with frost, icicles hung from the [roof|gutter|well|shed]"
        ),
        "turn": ["the stars came out", "the sky turned green and gold", "the moon rose", "the frost began to glitter"],
    },
}

_PLACES = """
harbour | at the harbour | down to the harbour
 spot: behind the fishing nets, under an upturned boat, between the barrels, beside the crane, behind the fish boxes, under the jetty, \
 beside the harbour steps
 sight: the fishing boats come in, the ferry turn round, the gulls quarrel over a fish head, the waves break on the wall
 sound: the gulls, the bell of the ferry, ropes slapping on the masts, the slow creaking of the boats
 smell: salt and tar, fish and seaweed | seat: on a barrel, on the harbour wall, on a coil of rope, on the ferry steps
 creature: gull, crab, harbour cat, cormorant | work: boat builder, net mender, lighthouse keeper, ferry captain
 ground: the wet stones, the planks of the jetty | path: along the harbour wall, past the fish sheds, down the harbour steps

forest | in the forest | into the forest
 spot: behind a fallen tree, under the ferns, between the roots of an oak, beside the old well, in a hollow log, behind the brambles, \
 under a pine tree
 sight: a woodpecker hammer on a trunk, two squirrels chase each other, the light fall through the branches
 sound: a cuckoo, the tapping of a woodpecker, the rustling of the trees, an owl
 smell: moss and pine, mushrooms and earth | seat: on a tree stump, on a fallen trunk, on a mossy stone
 creature: squirrel, jay, deer, woodpecker | work: forester, charcoal burner, bee keeper, wood carver
 ground: the soft moss, the fallen leaves | path: along the deer track, past the great oak, between the pine trees

farm | at the farm | to the farm
 spot: behind the hen house, under the hay cart, between the milk cans, beside the pigsty, in the barn, behind the tractor, \
 under the apple ladder
 sight: the hens run after a beetle, the cows walk home, the farm cat stalk a leaf, the pigs push at the gate
 sound: the rooster, the mooing of the cows, the squeaking of the pump, the geese
 smell: hay and warm milk, straw and horses | seat: on a hay bale, on the fence, on a milking stool, on an empty crate
 creature: goose, rooster, goat, farm cat | work: farmer, milker, horse dealer, cheese maker
 ground: the straw, the muddy yard | path: across the yard, past the stables, along the hedge

market | at the market | to the market
 spot: under the flower stall, behind the cheese cart, between the egg baskets, beside the fountain, behind the bread stall, \
 under a striped awning, beside the town clock
 sight: the baker juggle three rolls, a pigeon steal a cherry, the traders set up their stalls, a clown walk on two hands
 sound: the shouting of the traders, the town clock, a barrel organ, the clatter of the carts
 smell: bread and oranges, cheese and flowers | seat: on the fountain steps, on an empty box, on a bench, on a flour sack
 creature: pigeon, small dog, donkey, sparrow | work: baker, cheese seller, flower seller, clock maker
 ground: the cobbles, the steps of the fountain | path: past the stalls, across the square, down the narrow street

river | by the river | down to the river
 spot: under the bridge, among the reeds, behind the mill wheel, beside the ferry post, between the willow roots, under a rowing boat, \
 behind the boat house
 sight: the mill wheel turn, a heron catch a fish, the barges glide past, the dragonflies dance over the reeds
 sound: the mill wheel, the splashing of the ducks, the wind in the willows, the gurgling of the water
 smell: water and mint, mud and reeds | seat: on a flat stone, on the mill steps, on the trunk of a willow, on the bridge
 creature: heron, duck, otter, swan | work: miller, ferry keeper, basket weaver, angler
 ground: the pebbles, the sandy bank | path: along the bank, over the footbridge, past the mill

park | in the park | to the park
 spot: under the bench, behind the statue, among the rose bushes, beside the duck pond, under the chestnut tree, behind the bandstand, \
 in the hedge
 sight: the ducks line up for bread, the gardener chase a goose, the old men play chess, the band unpack their trumpets
 sound: the brass band, a mower, the ducks, the laughter from the swings
 smell: cut grass, roses and damp earth | seat: on a bench, on the swing, on the edge of the pond, on the steps of the bandstand
 creature: duck, pigeon, blackbird, squirrel | work: gardener, ice cream seller, park keeper, band leader
 ground: the gravel, the short grass | path: round the pond, past the bandstand, along the rose beds

mountain | on the mountain | up the mountain
 spot: behind a big rock, under the cable, beside the shepherd's hut, between two boulders, in a small cave, beside the spring, \
 behind the wood pile
 sight: an eagle circle over the rocks, the goats climb a cliff, the clouds sail through the valley below
 sound: the cow bells, the whistle of a marmot, a waterfall, the echo of the bells
 smell: thyme and stone, snow and pine | seat: on a flat rock, on the bench before the hut, on a wooden stile
 creature: goat, marmot, eagle, mountain hare | work: shepherd, mountain guide, hut keeper, cheese maker
 ground: the stony path, the short mountain grass | path: up the steep path, past the waterfall, over the pass

village | in the village | into the village
 spot: behind the church, under the stairs of the inn, beside the pump, in the smithy, between the flower pots, behind the school, \
 under the old lime tree
 sight: the smith hammer a horseshoe, the swallows build a nest, the postman fight with a bicycle, the cats sleep on the wall
 sound: the church bells, the hammer of the smith, the children on the school yard, a cart on the cobbles
 smell: fresh bread and smoke, soap and lilac | seat: on the church steps, on the garden wall, on the bench before the inn
 creature: cat, swallow, stork, sheepdog | work: smith, innkeeper, teacher, shoemaker
 ground: the cobbles, the dusty lane | path: down the lane, past the smithy, round the church

station | at the railway station | to the railway station
 spot: under the luggage cart, behind the ticket office, beside the signal box, on the last platform, in the waiting room, \
 between two suitcases, under the station clock
 sight: the steam engine roll in, the guard wave a flag, the porters pile up suitcases, the trains leave
 sound: the whistle of a train, the loudspeaker, the hissing of the engine, a hundred footsteps
 smell: smoke and coffee, oil and iron | seat: on a suitcase, on the platform bench, on the luggage cart
 creature: pigeon, station cat, mouse, sparrow | work: ticket seller, engine driver, station master, porter
 ground: the platform, the black gravel | path: along the platform, over the iron bridge, past the signal box

castle | at the old castle | up to the old castle
 spot: behind the broken gate, under the spiral stairs, in the empty well, beside the drawbridge, in the knights' hall, \
 between the fallen stones, behind the kitchen chimney
 sight: the jackdaws fly round the tower, the bats wake up, the ivy move in the wind
 sound: the jackdaws, the wind in the chimney, an echo from the tower, a creaking door
 smell: dust and ivy, cold stone | seat: on a fallen stone, on the tower stairs, on the wall
 creature: jackdaw, bat, lizard, owl | work: castle guide, museum keeper, painter, stone mason
 ground: the old stones, the dusty floor | path: over the drawbridge, up the spiral stairs, through the broken gate
"""


def _place(block: str) -> dict[str, list[str]]:
    head, *fields = re.split(r"\n", block.strip().replace(" | ", "\n").replace("|", "\n"))
    at, to, *fields = fields
    place = {"name": [head.strip()], "at": [at.strip()], "to": [to.strip()]}
    for field in fields:
        key, values = field.split(":")
        place[key.strip()] = _phrases(values)
    return place


PLACES = {place["name"][0]: place for place in map(_place, _PLACES.strip().split("\n\n"))}

_HARD = _phrases("silver, brass, wooden, tin, copper")
# noun -> (materials, or None for colours only; traits). Traits: s fits a pocket, w the wind takes it, b shines,
# d a dog would carry it off, f floats, p can be played with by two, r can tear, t made of cloth or wool
THINGS: dict[str, tuple[list[str] | None, str]] = {
    "kite": (None, "wpr"),
    "ball": (None, "dfp"),
    "toy boat": (["wooden", "tin"], "fp"),
    "whistle": (_HARD, "sb"),
    "compass": (["brass", "silver", "copper"], "sb"),
    "marble": (["glass", "clay"], "sb"),
    "button": (_HARD, "sb"),
    "bell": (["silver", "brass", "copper"], "sb"),
    "medal": (["silver", "brass", "copper"], "sb"),
    "ring": (["silver", "brass", "copper"], "sb"),
    "key": (["iron", "brass", "silver"], "sb"),
    "mouth organ": (["tin", "silver"], "sb"),
    "magnifying glass": (["brass", "silver"], "sb"),
    "spinning top": (["wooden", "tin"], "sp"),
    "toy train": (["wooden", "tin"], "p"),
    "drum": (["wooden", "tin"], "p"),
    "wooden horse": (None, "dp"),
    "tin soldier": (None, "sp"),
    "puppet": (["wooden", "woollen"], "dprt"),
    "teddy bear": (["woollen", "velvet"], "dprt"),
    "rag doll": (None, "dprt"),
    "scarf": (["woollen", "silk"], "wdrt"),
    "hat": (["straw", "felt"], "wdf"),
    "cap": (["woollen", "leather"], "wdt"),
    "mitten": (["woollen", "leather"], "sdt"),
    "handkerchief": (["silk", "linen"], "swrt"),
    "ribbon": (["silk", "velvet"], "swt"),
    "shawl": (["woollen", "silk"], "wrt"),
    "notebook": (["leather"], "wr"),
    "picture book": (None, "r"),
    "photo album": (["leather"], "r"),
    "paper fan": (None, "swr"),
    "lantern": (["brass", "tin", "copper"], "b"),
    "pen": (["silver", "wooden"], "sb"),
    "paint box": (["wooden", "tin"], "p"),
    "purse": (["leather", "velvet"], "sd"),
    "basket": (["straw"], "fd"),
    "flute": (["wooden", "silver"], "b"),
    "paper boat": (None, "wf"),
    "music box": (["wooden", "silver"], "bp"),
    "pocket watch": (["silver", "brass"], "sb"),
    "brooch": (["silver", "glass", "copper"], "sb"),
    "balloon": (None, "w"),
    "spoon": (["silver", "wooden"], "sb"),
    "flag": (["silk", "linen"], "wrt"),
    "jigsaw puzzle": (None, "p"),
    "skipping rope": (None, "dp"),
    "slipper": (["felt", "leather"], "dt"),
}

WORDS: dict[str, list[str]] = {
    "colour": _words("red blue green yellow white black brown orange purple pink grey golden"),
    "motif": _words(
        "star ship swan sun moon lion rose crown fish tree owl bee heart snail horse fox bear anchor cloud dragon rooster tulip"
    ),
    "fruit": _words(
        "apple plum cherry pear lemon raspberry strawberry blackberry orange apricot blueberry peach rhubarb"
    ),
    "nut": _words("almond hazelnut walnut honey ginger cinnamon chocolate oat butter vanilla"),
    "veg": _words("carrot onion potato pumpkin bean pea tomato leek mushroom cabbage"),
    "crop": _words("pumpkin sunflower cabbage marrow tomato melon turnip cucumber"),
    "treat": _phrases(
        "a slice of {fruit} cake, a piece of {fruit} pie, some {nut} biscuits, a bowl of {veg} soup, two {fruit} buns, "
        "a jar of {fruit} jam, a pancake with {fruit} jam, a plate of {nut} waffles, a mug of hot {fruit} juice, "
        "bread with {fruit} jam, a baked apple with {nut} cream, a {veg} pasty, a warm {nut} roll, some {fruit} pudding, "
        "a cheese and {veg} sandwich"
    ),
    "flowers": _phrases(
        "roses, tulips, daisies, poppies, lilies, bluebells, marigolds, violets, cornflowers, buttercups, pansies"
    ),
    "hurry": _phrases(
        "in such a hurry, so excited, thinking so hard about {treat}, still half asleep, so busy with {his} shoelaces, "
        "humming so loudly, so full of plans, looking forward so much to {treat}"
    ),
    "kept": _phrases(
        "on the kitchen table, on the hook by the door, on the stairs, under the bed, on the window sill, beside the stove, "
        "on the garden bench, behind the front door, on the chair in the hall, next to the bread bin"
    ),
    "home": _phrases(
        "over the stove, on the window sill, beside {his} bed, above the kitchen door, on the highest shelf, "
        "on a nail by the door, in a box under {his} bed, next to the clock, on {his} bedside table"
    ),
    "softly": _words("softly quietly gently slowly carefully kindly calmly"),
    "glad": _phrases("glad, happy, proud, cheerful, light at heart, pleased, merry, content"),
    "sad": _phrases("sad, sorry, gloomy, miserable, downcast, unhappy"),
    "tired": _phrases("tired, weary, sleepy, footsore, worn out"),
    "number": _words("three four five six seven eight nine ten twelve"),
    "bird": _words("robin sparrow blackbird wren magpie thrush starling swallow finch"),
    "evening": _phrases(
        "that evening, in the evening, when the lamps were lit, after supper, before bedtime, when the day was over, "
        "at the end of the day, by the time the lamps were lit, when it was nearly dark"
    ),
    "later": _phrases(
        "a little later, soon, after a while, before long, a moment later, some minutes later, then, at last, in the end"
    ),
    "room": _phrases(
        "the kitchen, the attic, the parlour, the cellar, the hall, the bedroom, the wash house, the pantry"
    ),
    "vessel": _words("jug vase bowl lamp mirror teapot plate clock candlestick cup jar"),
    "pet": _phrases("Biscuit, Pepper, Button, Muffin, Patches, Whiskers, Socks, Pickle, Smoky, Crumb, Nutmeg, Tinker"),
    "size": _words("small big round long old new pretty plain strange fine"),
}
