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
 landmark: lighthouse, ferry house, fish shed, old crane
 spot: behind the fishing nets, under an upturned boat, between the barrels, beside the crane, behind the fish boxes, under the jetty, \
 beside the harbour steps
 sight: the fishing boats come in, the ferry turn round, the gulls quarrel over a fish head, the waves break on the wall
 sound: the gulls, the bell of the ferry, ropes slapping on the masts, the slow creaking of the boats
 smell: salt and tar, fish and seaweed | seat: on a barrel, on the harbour wall, on a coil of rope, on the ferry steps
 creature: gull, crab, harbour cat, cormorant | work: boat builder, net mender, lighthouse keeper, ferry captain
 ground: the wet stones, the planks of the jetty | path: along the harbour wall, past the fish sheds, down the harbour steps

forest | in the forest | into the forest
 landmark: great oak, old well, hunting hut, wooden bridge
 spot: behind a fallen tree, under the ferns, between the roots of an oak, beside the old well, in a hollow log, behind the brambles, \
 under a pine tree
 sight: a woodpecker hammer on a trunk, two squirrels chase each other, the light fall through the branches
 sound: a raven, the tapping of a woodpecker, the rustling of the trees, an owl
 smell: moss and pine, mushrooms and earth | seat: on a tree stump, on a fallen trunk, on a mossy stone
 creature: squirrel, jay, badger, woodpecker | work: forester, charcoal burner, bee keeper, wood carver
 ground: the soft moss, the fallen leaves | path: along the deer track, past the great oak, between the pine trees

farm | at the farm | to the farm
 landmark: barn, windmill, duck pond, hay loft
 spot: behind the hen house, under the hay cart, between the milk cans, beside the pigsty, in the barn, behind the tractor, \
 under the apple ladder
 sight: the hens run after a grain, the cows walk home, the farm cat stalk a leaf, the pigs push at the gate
 sound: the rooster, the mooing of the cows, the squeaking of the pump, the geese
 smell: hay and warm milk, straw and horses | seat: on a hay bale, on the fence, on a milking stool, on an empty crate
 creature: hen, rooster, goat, farm cat | work: farmer, milker, horse dealer, cheese maker
 ground: the straw, the muddy yard | path: across the yard, past the stables, along the hedge

market | at the market | to the market
 landmark: town clock, fountain, bread stall, cheese stall
 spot: under the flower stall, behind the cheese cart, between the egg baskets, beside the fountain, behind the bread stall, \
 under a striped awning, beside the town clock
 sight: the baker juggle three rolls, a pigeon steal a roll, the traders set up their stalls, a clown walk on two hands
 sound: the shouting of the traders, the town clock, a barrel organ, the clatter of the carts
 smell: bread and oranges, cheese and flowers | seat: on the fountain steps, on an empty box, on a bench, on a flour sack
 creature: pigeon, small dog, donkey, sparrow | work: baker, cheese seller, flower seller, clock maker
 ground: the cobbles, the steps of the fountain | path: past the stalls, across the square, down the narrow street

river | by the river | down to the river
 landmark: mill, stone bridge, boat house, old willow
 spot: under the bridge, among the reeds, behind the mill wheel, beside the ferry post, between the willow roots, under a rowing boat, \
 behind the boat house
 sight: the mill wheel turn, a heron catch a fish, the barges glide past, the ducks dive for their dinner
 sound: the mill wheel, the splashing of the ducks, the wind in the willows, the gurgling of the water
 smell: water and mint, mud and reeds | seat: on a flat stone, on the mill steps, on the trunk of a willow, on the bridge
 creature: heron, duck, otter, swan | work: miller, ferry keeper, basket weaver, angler
 ground: the pebbles, the sandy bank | path: along the bank, over the footbridge, past the mill

park | in the park | to the park
 landmark: statue, bandstand, rose bed, chestnut tree
 spot: under the bench, behind the statue, among the rose bushes, beside the duck pond, under the chestnut tree, behind the bandstand, \
 in the hedge
 sight: the ducks line up for bread, the gardener chase a goose, the old men play chess, the band unpack their trumpets
 sound: the brass band, a street singer, the ducks, the laughter from the swings
 smell: damp earth and roasted nuts | seat: on a bench, on the swing, on the edge of the pond, on the steps of the bandstand
 creature: duck, pigeon, blackbird, squirrel | work: gardener, ice cream seller, park keeper, band leader
 ground: the gravel, the short grass | path: round the pond, past the bandstand, along the rose beds

mountain | on the mountain | up the mountain
 landmark: waterfall, summit cross, cable station, stone hut
 spot: behind a big rock, under the cable, beside the shepherd's hut, between two boulders, in a small cave, beside the spring, \
 behind the wood pile
 sight: an eagle circle over the rocks, the goats climb a cliff, the clouds sail through the valley below
 sound: the cow bells, the call of a raven, a waterfall, the echo of the bells
 smell: thyme and stone, snow and pine | seat: on a flat rock, on the bench before the hut, on a wooden stile
 creature: goat, raven, eagle, mountain hare | work: shepherd, mountain guide, hut keeper, cheese maker
 ground: the stony path, the short mountain grass | path: up the steep path, past the waterfall, over the pass

village | in the village | into the village
 landmark: church, smithy, inn, village pump
 spot: behind the church, under the stairs of the inn, beside the pump, in the smithy, between the flower pots, behind the school, \
 under the old lime tree
 sight: the smith hammer a horseshoe, the sparrows fight over a crust, the postman fight with a bicycle, the cats sleep on the wall
 sound: the church bells, the hammer of the smith, the children on the school yard, a cart on the cobbles
 smell: fresh bread and smoke, soap and lilac | seat: on the church steps, on the garden wall, on the bench before the inn
 creature: cat, sparrow, stork, sheepdog | work: smith, innkeeper, teacher, shoemaker
 ground: the cobbles, the dusty lane | path: down the lane, past the smithy, round the church

station | at the railway station | to the railway station
 landmark: signal box, ticket office, water tower, iron bridge
 spot: under the luggage cart, behind the ticket office, beside the signal box, on the last platform, in the waiting room, \
 between two suitcases, under the station clock
 sight: the steam engine roll in, the guard wave a flag, the porters pile up suitcases, the trains leave
 sound: the whistle of a train, the loudspeaker, the hissing of the engine, a hundred footsteps
 smell: smoke and coffee, oil and iron | seat: on a suitcase, on the platform bench, on the luggage cart
 creature: pigeon, station cat, starling, sparrow | work: ticket seller, engine driver, station master, porter
 ground: the platform, the black gravel | path: along the platform, over the iron bridge, past the signal box

castle | at the old castle | up to the old castle
 landmark: gate tower, drawbridge, chapel, round tower
 spot: behind the broken gate, under the spiral stairs, in the empty well, beside the drawbridge, in the knights' hall, \
 between the fallen stones, behind the kitchen chimney
 sight: the jackdaws fly round the tower, the pigeons circle, the ivy move in the wind
 sound: the jackdaws, the wind in the chimney, an echo from the tower, a creaking door
 smell: dust and ivy, cold stone | seat: on a fallen stone, on the tower stairs, on the wall
 creature: jackdaw, spider, castle cat, owl | work: castle guide, museum keeper, painter, stone mason
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
    "crop": _words("pumpkin cabbage turnip marrow cauliflower beetroot"),
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
        "in such a hurry, so excited, thinking so hard about {treat}, so busy with {his} shoelaces, "
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
    "bird": _words("robin sparrow blackbird wren starling lark crow"),
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
    "size": _words("small big old new pretty plain strange fine"),
    "weekday": _words("Monday Tuesday Wednesday Thursday Friday Saturday"),
    "treat_bare": _phrases(
        "{fruit} cake, {fruit} pie, {nut} biscuits, {veg} soup, {fruit} buns, {fruit} jam, {nut} waffles, {fruit} pudding, "
        "{fruit} pancakes, {nut} rolls, {veg} pasties, {fruit} tart, {nut} bread"
    ),
    "treat_one": _phrases(
        "a {fruit} bun, a {nut} roll, a {veg} pasty, a slice of {fruit} cake, a {nut} biscuit, a piece of {fruit} tart, "
        "a pancake with {fruit} jam, a big {veg} sandwich, a slice of {nut} bread"
    ),
    "find": _phrases(
        "a bent [nail|fork|spoon|hook], a rusty [tin|nail|spoon|lock], half a [comb|biscuit|pencil|walnut shell], "
        "a lost [glove|sock|shoe lace|hair pin], an old [boot|newspaper|ticket|bottle], a {colour} [feather|bead|pebble|bottle top], "
        "a broken [cup|comb|saucer|clay pipe], a snail shell, a [smooth|flat|round|striped] stone, the [stub|end] of a {colour} [candle|crayon]"
    ),
    "find1": _words("stick stone feather jar bottle pebble acorn chestnut string box tin cork"),
    "door": _phrases(
        "house with the {colour} shutters, cottage with the {colour} door, hut with the {colour} roof, "
        "house with the {colour} chimney, cottage with the {colour} fence"
    ),
    "memory": _phrases(
        "the winter of the great snow, the year when the {landmark} lost its roof, "
        "the night when a {animal} got into {room}, the day when {number} {animals} broke out of the stable, "
        "a {colour} ship that never came home, a {animal} that could count to {number}, the summer when it rained {treat_bare}, "
        "a thief who stole nothing but {flowers}, a {colour} hen that laid {number} eggs a day, the great flood, "
        "the night when the {landmark} burned, a king who ate nothing but {treat_bare}, the great storm, a {animal} that walked over the ice, the night when {number} stars fell on the {landmark}"
    ),
    "animal": _words("fox cow goat camel donkey hen pig frog bear elephant monkey calf pony parrot"),
    "animals": _words("tigers lions geese goats bears monkeys donkeys camels elephants parrots dragons pigs sheep"),
    "post": _phrases("fence post, gate post, railing, tree trunk, garden fence, post"),
    "pole": _phrases("stick, broomstick, rake, fishing rod, bean pole, oar, walking stick, hay fork"),
    "tree": _words("birch oak chestnut maple elm poplar willow beech pine ash"),
    "roofs": _words("roofs chimneys walls gardens hedges"),
    "turned": _phrases("turned over, looped the loop, dipped, danced"),
    "small": _phrases("pea, bean, cherry stone, hazelnut, thumbnail, coin, lentil, ladybird"),
    "number_small": _words("two three four"),
    "wet": _words("frog fish duck otter"),
    "icy": _phrases("ice, snow, icicles, a frozen fish, iron, two snowballs"),
    "hot": _phrases("a stove, an oven, a frying pan, a baked potato, a tea kettle, a toasted bun"),
    "cold": _words("cold frozen poor blue stiff"),
    "squelched": _words("squelched squeaked gurgled splashed"),
    "boots": _words("boots hands knees shoes"),
    "soon": _phrases("soon, before long, all at once, by and by"),
    "fast": _phrases("drum, hammer, sewing machine, clock, little engine, rattle"),
    "soft": _words("butter dough wool pudding wax jelly"),
    "louder": _phrases("louder, a little louder, more firmly"),
    "round": _words("round bright shiny black curious sleepy"),
    "doing": _phrases(
        "mending a {colour} chair, sweeping the steps, peeling potatoes, painting a {colour} door, feeding the {bird}s, "
        "reading the newspaper, cleaning a {colour} lamp, sorting buttons, stitching a {colour} sail, "
        "eating {treat}, sharpening a knife, oiling a gate, knitting a {colour} sock, polishing a {vessel}"
    ),
    "cloth": _words("cloth towel sheet apron rag napkin"),
    "tool_thing": _phrases("hammer, nails, string, saw, tape, lamp"),
    "relative": _words("grandmother grandfather uncle aunt cousin brother sister"),
    "road": _words("road street lane square yard"),
    "hideout": _phrases("kitchen door, coal box, big cupboard, curtain, flour barrel, wood box, long coats"),
    "pan": _words("pan bowl jar tin plate basket pot"),
    "night_sound": _phrases(
        "the ticking of the clock, the wind in the chimney, the dripping of the tap, the snoring of {e.name}, a dog far away"
    ),
    "nutlike": _words("nut knot lock jar"),
    "hard_work": _phrases(
        "carrying stones, digging a well, milking {number} cows, counting the stars, chopping wood, ironing {number} shirts"
    ),
    "small_tall": _phrases("egg cup, thumb, teaspoon, shoe, matchbox, mug"),
    "tall": _phrases("garden gate, chair, rain barrel, table, broom, donkey"),
    "big_thing": _phrases("a cartwheel, a barrel, a fat pig, a bathtub, a washing basket, a sleeping {animal}"),
    "king": _words("king queen sultan mayor prince"),
    "hidden": _phrases("the carpet, the sofa, the coal, a heap of washing, the doormat, the bed, a pile of old newspapers"),
    "round_thing": _words("ball apple orange potato onion lemon"),
    "outside": _phrases("under the window, on the wood pile, on the cold steps, on the rain barrel, under the bench"),
    "treat_cat": _phrases("warm milk, cream, fish, supper, {veg} soup"),
    "treat_milk": _phrases("a bowl of warm milk, a saucer of cream, a piece of fish, some {nut} biscuits with milk"),
    "worth": _phrases("worth {number} coins, worth a lot to me, worth more than {treat}, worth {number} hundred {fruit} cakes"),
    "stone_thing": _words("brick stone horseshoe anchor"),
    "heap": _words("straw leaves washing hay sacks"),
    "cap": _words("cap bag jacket book"),
    "present_wish": _phrases("a quiet day, a good sleep, {treat}, a little sunshine, {flowers} on the table"),
    "merry": _words("merry jolly easy lively"),
    "sore_hands": _words("red tired dirty rough"),
    "shelf": _phrases("over the stove, on the window sill, above the kitchen door, next to the clock, between two pots of {flowers}"),
    "month": [month for months in MONTHS.values() for month in months],
    "sorrow": _phrases("the rain, the cold, the crows, the dust, the noise, {number} bad dreams, a bad mood"),
    "wrong2": _phrases(
        "did just the same in front of {number} {place.creature}s, did it again and lost a {colour} button, "
        "did the same and landed on {find}, did it again and said a word that {e.name} must not hear"
    ),
    "part2": _words("morning evening"),
}

# what people swap: who has it wants it no more, who lacks it says why ("my" becomes his or her where it is told)
TRADES: dict[str, list[str]] = {
    "rope": ["my boat has come loose", "my goat runs away every night", "the old swing has broken"],
    "lantern": ["my lamp has gone out for good", "the cellar is as dark as a sack", "the way home has no light"],
    "blanket": ["my bed is too cold", "the {animal} in the stable is shivering", "the wind blows right through my wall"],
    "bucket": ["my roof lets in the rain", "the well has lost its pail", "the {flowers} have had no water for days"],
    "basket": ["my cat has had {number} kittens", "the {fruit} cake has to be carried to my sister", "the eggs roll off my table"],
    "bell": ["nobody hears the knocking at my gate", "my cow gets lost in the fog", "my cat catches every {bird}"],
    "hammer": ["the shelf in my room has come down", "my fence has fallen over", "a nail is sticking out of my chair"],
    "mirror": ["my parrot is lonely", "the dark corner in my room gets no light", "the {bird} in the cage wants company"],
    "ladder": ["the ripe {fruit} tree is far too high", "a {bird} has fallen out of the nest in my {tree}", "my roof has a hole in it"],
    "whistle": ["my dog no longer listens", "the football match has no referee", "the geese run away from my voice"],
    "alarm clock": ["my rooster has stopped crowing", "the school bell has cracked", "the early train leaves without me"],
    "umbrella": ["the rain drips onto my books", "the {flowers} are burning up in the sun", "there is no roof on my cart"],
    "kettle": ["my tea pot has a crack", "{number} guests are coming for tea", "my feet need a hot bath"],
    "spade": ["my carrots are stuck in the earth", "the path to my door is blocked", "my dog has buried the door key"],
    "broom": ["my floor is full of feathers", "{number} spiders have moved into my kitchen", "the steps are covered with leaves"],
    "drum": ["nobody hears when my soup is ready", "the band has lost its beat", "the parade begins in {number} minutes"],
    "flower pot": ["my lemon tree has grown out of its cup", "the {flowers} need a home", "my window sill looks so empty"],
    "pillow": ["my bench is as hard as stone", "my {animal} cannot sleep", "the seat of my cart is full of splinters"],
    "saddle": ["my pony has a sore back", "the long road has made my donkey {sad}"],
    "scarecrow": ["the crows eat all my peas", "my hens are afraid of the hawk"],
    "toy boat": ["my little brother is ill and bored", "my bath is so dull", "the pond at the school is empty"],
    "wheel": ["my cart has lost one", "the wheelbarrow has fallen to pieces", "my go-kart stands on three legs"],
    "hat": ["the sun burns on my head", "my scarecrow is getting wet", "my play has a king without a crown"],
    "chair": ["there are {number} guests and too few seats", "my old one has fallen apart", "the piano is too high for my cousin"],
}
