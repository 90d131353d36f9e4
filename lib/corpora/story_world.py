"""The world of the stories: who lives there, the places, the weather and the things. Word lists only, no grammar.

    NAMES        every first name with its gender, "m" or "f": what decides between he and she
    ELDERS       grown-ups of the family, with their gender        SURNAMES, WORK  the neighbours: "Mrs Reed the baker"
    SEASONS      the weathers of each season                       WEATHERS        what each weather looks like
    PLACES       where the stories happen: hiding places, sights, sounds, smells, seats, creatures
    THINGS       what people own: noun -> (materials or None, traits)
    WORDS        the lists that `{word}` in a template draws from

lib.corpora.stories tells stories in this world. ASCII only. In the lists, [a|b] is a choice and {word} a draw from
another list, as in the templates. This file is long because it is lists.
"""

import re


def _words(text: str) -> list[str]:
    return text.split()


def _lists(text: str) -> dict[str, list[str]]:
    """Lists written as text, one a line: "name: a, b, c"; an indented line goes on."""
    lines = re.sub(r"\n\s+", " ", text.strip()).split("\n")
    named = (line.split(": ", 1) for line in lines)
    return {name: words.split(", ") for name, words in named}


NAMES: dict[str, str] = {
    **dict.fromkeys(
        _words(
            "Anna Bella Clara Daisy Ella Flora Greta Hazel Ida Julia Kate Lena Mia Nora Olive Paula Rosa Sara "
            "Tilda Una Vera Wilma Zoe Alice Betty Cora Dora Emma Fay Gina Helen Iris Jane Lucy Mabel Nina Polly "
            "Ruth Stella Tess Violet Wendy Yara Amber Bonnie Carla Della Edith Freya Hilda Ingrid Josie Kitty "
            "Linda Martha Nelly Opal Pia Queenie Rita Sophie Tara Ursula Vicky Winnie Xenia Yvonne Zelda Ada "
            "Beth Celia Doris Elena Fanny Grace Hanna"
        ),
        "f",
    ),
    **dict.fromkeys(
        _words(
            "Adam Ben Carl Daniel Emil Felix George Hugo Ivan Jack Karl Leo Max Noah Oscar Peter Ralph Simon "
            "Tom Udo Victor Walter Zac Albert Bruno Conrad David Edgar Fred Gus Henry Isaac Jonas Kurt Luke "
            "Martin Ned Otto Paul Rory Samuel Theo Vincent Wilbert Yusuf Arthur Boris Colin Dennis Ernest Finn "
            "Gregor Hector Igor Jasper Keith Lewis Milo Nico Oliver Percy Quentin Rufus Stefan Tobias Ulrich "
            "Viktor Warren Xaver Yann Zeno Alfie Basil Cedric"
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
_WEATHERS = """
rain
day: rainy, wet, grey, dripping
clause: the rain was drumming on the [roofs|windows|shed roof|doorstep], the gutters were [gurgling|singing|running
  over], puddles shone in [every lane|the road|the yard], [low|dark|heavy] clouds hung over the [hill|roofs|church
  tower|fields], [big|fat|cold] drops fell from the [trees|roofs|branches|washing line]
wild: [big|fat|cold] drops fell from the [trees|branches|leaves], [low|dark|heavy] clouds hung over [the hill|the
  trees|everything], it was [raining|pouring|drizzling] [softly|without end|as if from buckets]
turn: the rain stopped, the clouds drifted away, the last drops fell, a rainbow stood over the fields

sun
day: sunny, bright, blue, mild, golden
clause: the sun was shining on the [roofs|windows|garden walls|fields|church tower], not a cloud was in the sky, small
  white clouds sailed over the [hill|fields|roofs|trees], the air was [soft|mild|full of birdsong|clear], every
  [window|door|shutter] stood open
wild: not a cloud was in the sky, the air was [soft|mild|clear|full of voices], [small|round|white] clouds sailed over
  the [hill|trees]
turn: the sun went down, the shadows grew long, the sky turned pink, the first star came out

heat
day: hot, still, dusty, burning
clause: the air was shimmering over the [road|roofs|fields], even the [bees|sparrows|hens|cats] were looking for
  shade, the [stones|steps|walls|benches] were too hot to touch, the [grass|lane|meadow] was dry and yellow
wild: the air was shimmering over the [stones|grass], even the [bees|sparrows|flies] were looking for shade, the
  [stones|rocks] were too hot to touch
turn: a cool breeze came up, the heat faded, the sky turned pink, the first bats came out

thunder
day: sultry, dark, heavy, thundery
clause: [black|dark|purple] clouds were piling up [behind the hill|over the fields|in the west], far away the thunder
  was [rumbling|grumbling|growling], the [swallows|bats|flies] were flying low, the air was so still that no
  [leaf|flag|weather vane] moved
wild: [black|dark|purple] clouds were piling up [behind the hill|in the west], far away the thunder was
  [rumbling|grumbling|growling], the air was so still that no leaf moved
turn: the storm rolled away, the thunder faded, the air smelled fresh again, the last clouds broke up

wind
day: windy, wild, blustery, gusty
clause: the wind was rattling the [shutters|windows|gate|shop signs], [leaves|papers|feathers] were flying down the
  [road|lane], the trees were [bending|creaking|groaning|waving], the washing was [dancing|flapping|kicking] on the
  line, the [weather vane|windmill|shop sign] would not stand still
wild: the trees were [bending|creaking|groaning|waving], [leaves|feathers|twigs] were flying [past|everywhere|through
  the air], the wind was [howling|whistling|singing] in the branches
turn: the wind dropped, the trees grew quiet, the last gust died down, the clouds were blown away

mist
day: misty, foggy, pale, quiet
clause: the mist hid the [hill|church tower|road], white fog lay over the [fields|roofs|river|meadow], every
  [spider web|branch|fence] was hung with drops, one could hardly see the [next house|end of the lane|gate]
wild: the mist hid the [hill|trees|path], every [spider web|branch|twig] was hung with drops, one could hardly see
  [the next tree|the path|a hand before the face]
turn: the mist lifted, the fog grew thin, the sun broke through, the hill came out of the mist

snow
day: snowy, white, silent, cold
clause: the snow lay deep on the [roofs|fields|steps|fences], [big|soft|thick] flakes were falling on the
  [roofs|yard|lane], [every fence|every chimney|the old well] wore a white cap, the [road|lane|path] was hidden under
  the snow
wild: [big|soft|thick] flakes were falling [without a sound|on the trees|on the path], the [path|grass] was hidden
  under the snow, every [tree|stone|post] wore a white cap
turn: the snow turned blue, the first star came out, the flakes stopped falling, the moon shone on the snow

frost
day: frosty, icy, clear, cold
clause: ice flowers grew on the [windows|panes], the [pond|ditch|rain barrel] was frozen, every [twig|blade of
  grass|fence post] was white with frost, icicles hung from the [roof|gutter|well|shed]
wild: every [twig|blade of grass|stone] was white with frost, the puddles were frozen, icicles hung from the
  [branches|rocks]
turn: the stars came out, the sky turned green and gold, the moon rose, the frost began to glitter
"""
WEATHERS = {
    name: _lists(fields) for name, fields in (block.split("\n", 1) for block in _WEATHERS.strip().split("\n\n"))
}

_PLACES = """
harbour | at the harbour | down to the harbour
landmark: lighthouse, ferry house, fish shed, old crane
spot: behind the fishing nets, under an upturned boat, between the barrels, beside the crane, behind the fish boxes,
  under the jetty, beside the harbour steps
sight: the fishing boats come in, the ferry turn round, the gulls quarrel over a fish head, the waves break on the
  wall
sound: the gulls, the bell of the ferry, ropes slapping on the masts, the slow creaking of the boats
smell: salt and tar, fish and seaweed
seat: on a barrel, on the harbour wall, on a coil of rope, on the ferry steps
creature: gull, crab, harbour cat, cormorant
work: boat builder, net mender, lighthouse keeper, ferry captain
ground: the wet stones, the planks of the jetty
path: along the harbour wall, past the fish sheds, down the harbour steps

forest | in the forest | into the forest
landmark: great oak, old well, hunting hut, wooden bridge
spot: behind a fallen tree, under the ferns, between the roots of an oak, beside the old well, in a hollow log, behind
  the brambles, under a pine tree
sight: a woodpecker hammer on a trunk, two squirrels chase each other, the light fall through the branches
sound: a raven, the tapping of a woodpecker, the rustling of the trees, an owl
smell: moss and pine, mushrooms and earth
seat: on a tree stump, on a fallen trunk, on a mossy stone
creature: squirrel, jay, badger, woodpecker
work: forester, charcoal burner, bee keeper, wood carver
ground: the soft moss, the fallen leaves
path: along the deer track, past the great oak, between the pine trees

farm | at the farm | to the farm
landmark: barn, windmill, duck pond, hay loft
spot: behind the hen house, under the hay cart, between the milk cans, beside the pigsty, in the barn, behind the
  tractor, under the apple ladder
sight: the hens run after a grain, the cows walk home, the farm cat stalk a leaf, the pigs push at the gate
sound: the rooster, the mooing of the cows, the squeaking of the pump, the geese
smell: hay and warm milk, straw and horses
seat: on a hay bale, on the fence, on a milking stool, on an empty crate
creature: hen, rooster, goat, farm cat
work: farmer, milker, horse dealer, cheese maker
ground: the straw, the muddy yard
path: across the yard, past the stables, along the hedge

market | at the market | to the market
landmark: town clock, fountain, bread stall, cheese stall
spot: under the flower stall, behind the cheese cart, between the egg baskets, beside the fountain, behind the bread
  stall, under a striped awning, beside the town clock
sight: the baker juggle three rolls, a pigeon steal a roll, the traders set up their stalls, a clown walk on two hands
sound: the shouting of the traders, the town clock, a barrel organ, the clatter of the carts
smell: bread and oranges, cheese and flowers
seat: on the fountain steps, on an empty box, on a bench, on a flour sack
creature: pigeon, small dog, donkey, sparrow
work: baker, cheese seller, flower seller, clock maker
ground: the cobbles, the steps of the fountain
path: past the stalls, across the square, down the narrow street

river | by the river | down to the river
landmark: mill, stone bridge, boat house, old willow
spot: under the bridge, among the reeds, behind the mill wheel, beside the ferry post, between the willow roots, under
  a rowing boat, behind the boat house
sight: the mill wheel turn, a heron catch a fish, the barges glide past, the ducks dive for their dinner
sound: the mill wheel, the splashing of the ducks, the wind in the willows, the gurgling of the water
smell: water and mint, mud and reeds
seat: on a flat stone, on the mill steps, on the trunk of a willow, on the bridge
creature: heron, duck, otter, swan
work: miller, ferry keeper, basket weaver, angler
ground: the pebbles, the sandy bank
path: along the bank, over the footbridge, past the mill

park | in the park | to the park
landmark: statue, bandstand, rose bed, chestnut tree
spot: under the bench, behind the statue, among the rose bushes, beside the duck pond, under the chestnut tree, behind
  the bandstand, in the hedge
sight: the ducks line up for bread, the gardener chase a goose, the old men play chess, the band unpack their trumpets
sound: the brass band, a street singer, the ducks, the laughter from the swings
smell: damp earth and roasted nuts
seat: on a bench, on the swing, on the edge of the pond, on the steps of the bandstand
creature: duck, pigeon, blackbird, squirrel
work: gardener, ice cream seller, park keeper, band leader
ground: the gravel, the short grass
path: round the pond, past the bandstand, along the rose beds

mountain | on the mountain | up the mountain
landmark: waterfall, summit cross, cable station, stone hut
spot: behind a big rock, under the cable, beside the shepherd's hut, between two boulders, in a small cave, beside the
  spring, behind the wood pile
sight: an eagle circle over the rocks, the goats climb a cliff, the clouds sail through the valley below
sound: the cow bells, the call of a raven, a waterfall, the echo of the bells
smell: thyme and stone, snow and pine
seat: on a flat rock, on the bench before the hut, on a wooden stile
creature: goat, raven, eagle, mountain hare
work: shepherd, mountain guide, hut keeper, cheese maker
ground: the stony path, the short mountain grass
path: up the steep path, past the waterfall, over the pass

village | in the village | into the village
landmark: church, smithy, inn, village pump
spot: behind the church, under the stairs of the inn, beside the pump, in the smithy, between the flower pots, behind
  the school, under the old lime tree
sight: the smith hammer a horseshoe, the sparrows fight over a crust, the postman fight with a bicycle, the cats sleep
  on the wall
sound: the church bells, the hammer of the smith, the children on the school yard, a cart on the cobbles
smell: fresh bread and smoke, soap and lilac
seat: on the church steps, on the garden wall, on the bench before the inn
creature: cat, sparrow, stork, sheepdog
work: smith, innkeeper, teacher, shoemaker
ground: the cobbles, the dusty lane
path: down the lane, past the smithy, round the church

station | at the railway station | to the railway station
landmark: signal box, ticket office, water tower, iron bridge
spot: under the luggage cart, behind the ticket office, beside the signal box, on the last platform, in the waiting
  room, between two suitcases, under the station clock
sight: the steam engine roll in, the guard wave a flag, the porters pile up suitcases, the trains leave
sound: the whistle of a train, the loudspeaker, the hissing of the engine, a hundred footsteps
smell: smoke and coffee, oil and iron
seat: on a suitcase, on the platform bench, on the luggage cart
creature: pigeon, station cat, starling, sparrow
work: ticket seller, engine driver, station master, porter
ground: the platform, the black gravel
path: along the platform, over the iron bridge, past the signal box

castle | at the old castle | up to the old castle
landmark: gate tower, drawbridge, chapel, round tower
spot: behind the broken gate, under the spiral stairs, in the empty well, beside the drawbridge, in the knights' hall,
  between the fallen stones, behind the kitchen chimney
sight: the jackdaws fly round the tower, the pigeons circle, the ivy move in the wind
sound: the jackdaws, the wind in the chimney, an echo from the tower, a creaking door
smell: dust and ivy, cold stone and moss
seat: on a fallen stone, on the tower stairs, on the wall
creature: jackdaw, spider, castle cat, owl
work: castle guide, museum keeper, painter, stone mason
ground: the old stones, the dusty floor
path: over the drawbridge, up the spiral stairs, through the broken gate
"""


def _place(block: str) -> dict[str, list[str]]:
    head, fields = block.split("\n", 1)
    return {key: [value] for key, value in zip(("name", "at", "to"), head.split(" | "), strict=True)} | _lists(fields)


PLACES = {place["name"][0]: place for place in map(_place, _PLACES.strip().split("\n\n"))}

_HARD = ["silver", "brass", "wooden", "tin", "copper"]
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
    "beret": (["woollen", "felt"], "wdt"),
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
    "belt": (["leather", "woollen"], "dt"),
    "tin drum": (None, "p"),
    "yo-yo": (["wooden", "tin"], "sp"),
    "trumpet": (["brass", "silver", "tin"], "bp"),
    "tambourine": (["wooden", "silver"], "p"),
    "telescope": (["brass", "copper"], "b"),
    "thimble": (["silver", "brass"], "sb"),
    "hand mirror": (["silver", "brass"], "b"),
    "letter opener": (["brass", "silver"], "sb"),
    "locket": (["silver", "brass"], "sb"),
    "teaspoon": (["silver", "tin"], "sb"),
    "chess piece": (["wooden", "glass"], "s"),
    "glove puppet": (["woollen", "velvet"], "dprt"),
    "cushion": (["velvet", "silk"], "dprt"),
    "waistcoat": (["woollen", "velvet"], "dt"),
    "bow tie": (["silk", "velvet"], "swt"),
    "sun hat": (["straw", "linen"], "wdft"),
    "paper dragon": (None, "wpr"),
    "picture": (None, "wr"),
    "wooden duck": (None, "dfp"),
    "bath toy": (["wooden", "tin"], "fp"),
    "hoop": (["wooden", "iron"], "fp"),
    "football": (["leather"], "dfp"),
    "satchel": (["leather", "linen"], "dt"),
    "pencil case": (["leather", "wooden"], "d"),
    "sewing kit": (["leather", "tin"], "s"),
    "fountain pen": (["silver"], "sb"),
    "snow globe": (["glass"], "bp"),
    "paperweight": (["glass", "brass"], "sb"),
    "door knocker": (["brass", "iron"], "b"),
    "tea cosy": (["woollen", "velvet"], "dt"),
}

WORDS = _lists("""
colour: red, blue, green, yellow, white, black, brown, orange, purple, pink, grey, golden, silver-grey, turquoise,
  cream-coloured, scarlet, violet
motif: star, ship, swan, sun, moon, lion, rose, crown, fish, tree, owl, bee, heart, snail, horse, fox, bear, anchor,
  cloud, dragon, rooster, tulip, whale, butterfly, pear, compass rose, mermaid, thistle, acorn, peacock, turtle,
  lighthouse, windmill, wolf, beetle, parrot
fruit: apple, plum, cherry, pear, lemon, raspberry, strawberry, blackberry, orange, apricot, blueberry, peach,
  rhubarb, gooseberry, fig, cranberry, elderberry, quince, coconut, redcurrant, grape
nut: almond, hazelnut, walnut, honey, ginger, cinnamon, chocolate, oat, butter, vanilla, caramel, poppy seed, sesame,
  coconut, maple, pistachio, nutmeg
veg: carrot, onion, potato, pumpkin, bean, pea, tomato, leek, mushroom, cabbage, spinach, parsnip, pepper, asparagus,
  lentil, beetroot, celery
crop: pumpkin, cabbage, turnip, marrow, cauliflower, beetroot
treat: a slice of {fruit} cake, a piece of {fruit} pie, some {nut} biscuits, a bowl of {veg} soup, two {fruit} buns, a
  jar of {fruit} jam, a pancake with {fruit} jam, a plate of {nut} waffles, two {fruit} dumplings, bread with {fruit}
  jam, a baked apple with {nut} cream, a {veg} pasty, a warm {nut} roll, some {fruit} pudding, a cheese and {veg}
  sandwich
flowers: roses, tulips, daisies, poppies, lilies, bluebells, marigolds, violets, cornflowers, buttercups, pansies,
  snowdrops, primroses, asters, sunflowers, carnations, forget-me-nots, peonies
hurry: in such a hurry, so excited, thinking so hard about {treat}, so busy with {his} shoelaces, humming so loudly,
  so full of plans, looking forward so much to {treat}
kept: on the kitchen table, on the hook by the door, on the stairs, under the bed, on the window sill, beside the
  stove, on the garden bench, behind the front door, on the chair in the hall, next to the bread bin
home: over the stove, on the window sill, beside {his} bed, above the kitchen door, on the highest shelf, on a nail by
  the door, in a box under {his} bed, next to the clock, on {his} bedside table
softly: softly, quietly, gently, slowly, carefully, kindly, calmly
glad: glad, happy, proud, cheerful, light at heart, pleased, merry, content, delighted, relieved, grateful, satisfied
sad: sad, sorry, gloomy, miserable, downcast, unhappy, troubled, glum, worried, disappointed
tired: tired, weary, sleepy, footsore, worn out
number: three, four, five, six, seven, eight, nine, ten, twelve
bird: robin, sparrow, blackbird, wren, starling, lark, crow
evening: that evening, in the evening, when the lamps were lit, after supper, before bedtime, when the day was over,
  at the end of the day, by the time the lamps were lit, when it was nearly dark
later: a little later, soon, after a while, before long, a moment later, some minutes later, then, at last, in the end
room: the kitchen, the attic, the parlour, the cellar, the hall, the bedroom, the wash house, the pantry
vessel: jug, vase, bowl, lamp, mirror, teapot, plate, clock, candlestick, cup, jar, saucer, soup bowl, flower vase,
  sugar bowl, barometer, snow globe, tray
pet: Biscuit, Pepper, Button, Muffin, Patches, Whiskers, Socks, Pickle, Smoky, Crumb, Nutmeg, Tinker, Marble, Pumpkin,
  Domino, Velvet, Peanut, Clover, Snowball, Mustard, Tiger, Bramble
size: small, big, old, new, pretty, plain, strange, fine, tiny, shabby, elegant, curious, handsome, odd, splendid,
  simple, crooked, lucky
weekday: Monday, Tuesday, Wednesday, Thursday, Friday, Saturday
treat_bare: {fruit} cake, {fruit} pie, {nut} biscuits, {veg} soup, {fruit} buns, {fruit} jam, {nut} waffles, {fruit}
  pudding, {fruit} pancakes, {nut} rolls, {veg} pasties, {fruit} tart, {nut} bread
treat_one: a {fruit} bun, a {nut} roll, a {veg} pasty, a slice of {fruit} cake, a {nut} biscuit, a piece of {fruit}
  tart, a pancake with {fruit} jam, a big {veg} sandwich, a slice of {nut} bread
find: a bent [nail|fork|spoon|hook], a rusty [tin|nail|spoon|lock], half a [comb|biscuit|pencil|walnut shell], a lost
  [glove|sock|shoe lace|hair pin], an old [boot|newspaper|ticket|bottle], a {colour} [feather|bead|pebble|bottle top],
  a broken [cup|comb|saucer|clay pipe], a snail shell, a [smooth|flat|round|striped] stone, the [stub|end] of a
  {colour} [candle|crayon], a torn [map|glove|poster|kite tail], a wooden [spoon|button|peg|wheel], a
  [dusty|cracked|forgotten] [mirror|bottle|lamp|picture frame], an empty [matchbox|sardine tin|snuff box|bird nest], a
  [horseshoe|thimble|bottle cork|door handle|doll's shoe|pine cone|walnut]
find1: stick, stone, feather, jar, bottle, pebble, acorn, chestnut, string, box, tin, cork
door: house with the {colour} shutters, cottage with the {colour} door, hut with the {colour} roof, house with the
  {colour} chimney, cottage with the {colour} fence
memory: the winter of the great snow, the year when the {landmark} lost its roof, the night when a {animal} got into
  {room}, the day when {number} {animals} broke out of the stable, a {colour} ship that never came home, a {animal}
  that could count to {number}, the summer when it rained {treat_bare}, a thief who stole nothing but {flowers}, a
  {colour} hen that laid {number} eggs a day, the great flood, the night when the {landmark} burned, a king who ate
  nothing but {treat_bare}, the great storm, a {animal} that walked over the ice, the night when {number} stars fell
    on the {landmark}, a captain who kept {number} {animals} on board, a postman who read every letter to a {animal},
  the year
  when {number} {animals} moved into the {landmark}, a baker who put {find} into every loaf, the longest night of
  {month}, a {colour} balloon that carried off a {animal}, the wedding where nobody remembered the {treat_bare}
animal: fox, cow, goat, camel, donkey, hen, pig, frog, bear, elephant, monkey, calf, pony, parrot, kangaroo, zebra,
  penguin, walrus, hamster, turkey, tortoise, giraffe
animals: tigers, lions, geese, goats, bears, monkeys, donkeys, camels, elephants, parrots, dragons, pigs, sheep,
  penguins, zebras, giraffes, turkeys, camels, whales, lizards
post: fence post, gate post, railing, tree trunk, garden fence, post
pole: stick, broomstick, rake, fishing rod, bean pole, oar, walking stick, hay fork, umbrella handle, curtain rod,
  paddle, flagpole, hockey stick
tree: birch, oak, chestnut, maple, elm, poplar, willow, beech, pine, ash, cherry tree, hazel, larch, walnut tree, fir
roofs: roofs, chimneys, walls, gardens, hedges
turned: turned over, looped the loop, dipped, danced
small: pea, bean, cherry stone, hazelnut, thumbnail, coin, lentil, ladybird, grain of rice, button, bumblebee, raisin,
  tooth, pinhead
number_small: two, three, four
wet: frog, fish, duck, otter
icy: ice, snow, icicles, a frozen fish, iron, two snowballs, marble, a cellar floor, a brass bell
hot: a stove, an oven, a frying pan, a baked potato, a tea kettle, a toasted bun, a cooking pot, an iron, a dragon,
  pepper soup
cold: cold, frozen, poor, blue, stiff
squelched: squelched, squeaked, gurgled, splashed
boots: boots, hands, knees, shoes
soon: soon, before long, all at once, by and by
fast: drum, hammer, sewing machine, clock, little engine, rattle, typewriter, woodpecker, waterfall, train on a
  bridge, tambourine
soft: butter, dough, wool, pudding, wax, jelly, snow, porridge, custard, cotton
louder: louder, a little louder, more firmly
round: round, bright, shiny, black, curious, sleepy
doing: mending a {colour} chair, sweeping the steps, peeling potatoes, painting a {colour} door, feeding the {bird}s,
  reading the newspaper, cleaning a {colour} lamp, sorting buttons, stitching a {colour} sail, eating {treat},
  sharpening a knife, oiling a gate, knitting a {colour} sock, polishing a {vessel}, whittling a spoon, tuning a
  fiddle, mixing {colour} paint, counting {treat_bare}, brushing a {animal}, studying a map, filling a pipe, repairing
  an umbrella, writing a letter about {animals}
cloth: cloth, towel, sheet, apron, rag, napkin, blanket, tablecloth, pillowcase, curtain, handkerchief
tool_thing: hammer, nails, string, saw, tape, lamp
relative: grandmother, grandfather, uncle, aunt, cousin, brother, sister
road: road, street, lane, square, yard
hideout: kitchen door, coal box, big cupboard, curtain, flour barrel, wood box, long coats, grandfather clock, ironing
  board, apple rack, umbrella stand
pan: pan, bowl, jar, tin, plate, basket, pot
night_sound: the ticking of the clock, the wind in the chimney, the dripping of the tap, the snoring of {e.name}, a
  dog far away
nutlike: nut, knot, lock, jar, coconut, riddle box, rusty door, tin of sardines
hard_work: carrying stones, digging a well, milking {number} cows, counting the stars, chopping wood, ironing {number}
  shirts, moving a piano, polishing {number} boots, waiting for a late train, learning {number} poems by heart
small_tall: egg cup, thumb, teaspoon, shoe, matchbox, mug, candle, pencil, salt cellar, spool of thread
tall: garden gate, chair, rain barrel, table, broom, donkey, bookcase, kitchen stove, broomstick, goat, clothes horse
big_thing: a cartwheel, a barrel, a fat pig, a bathtub, a washing basket, a sleeping {animal}, a doghouse, a suitcase,
  two footballs, a church bell
king: king, queen, sultan, mayor, prince
hidden: the carpet, the sofa, the coal, a heap of washing, the doormat, the bed, a pile of old newspapers, the
  wardrobe, the potatoes, a basket of wool, the garden gloves
round_thing: ball, apple, orange, turnip, onion, lemon
outside: under the window, on the wood pile, on the cold steps, on the rain barrel, under the bench
treat_cat: warm milk, cream, fish, supper, {veg} soup
treat_milk: a bowl of warm milk, a saucer of cream, a piece of fish, some {nut} biscuits with milk
worth: worth {number} coins, worth a lot to me, worth more than {treat}, worth {number} hundred {fruit} cakes
stone_thing: brick, stone, horseshoe, anchor, lump of lead, cannonball, millstone
heap: straw, leaves, washing, hay, sacks
cap: cap, bag, jacket, book
present_wish: a quiet day, a good sleep, {treat}, a little sunshine, {flowers} on the table, {number} minutes of
  peace, a song about {animals}, a letter from {month2}
merry: merry, jolly, easy, lively
sore_hands: red, tired, dirty, rough
shelf: over the stove, on the window sill, above the kitchen door, next to the clock, between two pots of {flowers}
month: March, April, May, June, July, August, September, October, November, December, January, February
sorrow: the rain, the cold, the crows, the dust, the noise, {number} bad dreams, a bad mood
wrong2: did just the same in front of {number} {place.creature}s, did it again and lost a {colour} button, did the
  same and landed on {find}, did it again and said a word that {e.name} must not hear
water_spot: between two stones, among the reeds, behind a {colour} boat, in a quiet corner, against a {pole}, under a
  hanging branch
bed: behind the {landmark}, beside the {landmark}, in a corner by the {landmark}, not far from the {landmark}, in the
  sun by the {landmark}, {number} steps from the {landmark}
gesture: [softly|slowly|quickly|gently|calmly|cheerfully|thoughtfully|gravely|politely], in a
  [low|clear|thin|deep|warm|soft|hoarse|tiny|steady|shaky] voice, and [rubbed|scratched|wrinkled|wiped] {his} nose,
  and scratched {his} [chin|ear|head|neck|elbow], with {treat_one} in {his} hand, with {find} in {his} hand, with
  {his} mouth full of {treat_bare}, and [nodded|blinked|coughed|sniffed|sneezed] {number} times, and pulled at {his}
  {colour} [sleeve|collar|sock|belt], and tapped {his} {colour} [shoe|boot|slipper] on the ground, and turned up {his}
  {colour} collar, and drew a {motif} in the dust, and turned a {colour} button between {his} fingers, and looked as
  [serious|wise|innocent|stern] as a {animal}, after [two|three|four] breaths, after [some|a little] thought, and
  folded {his} [arms|hands|napkin|newspaper|scarf], and leaned on {his} [left|right] elbow, and hummed a tune about
  {animals}
nature: curious, quiet, cheerful, small, clever, stubborn, dreamy, lively, shy, brave, forgetful, patient, freckled,
  hungry, polite, restless, careful, merry, thoughtful, sleepy
part2: morning, evening
""")

# what people swap: who has it wants it no more, who lacks it says why ("my" becomes his or her where it is told)
TRADES = _lists("""
rope: my boat has come loose, my goat runs away every night, the old swing has broken
lantern: my lamp has gone out for good, the cellar is as dark as a sack, the way home has no light
blanket: my bed is too cold, the {animal} in the stable is shivering, the wind blows right through my wall
bucket: my roof lets in the rain, the well has lost its pail, the {flowers} have had no water for days
basket: my cat has had {number} kittens, the {fruit} cake has to be carried to my sister, the eggs roll off my table
bell: nobody hears the knocking at my gate, my cow gets lost in the fog, my cat catches every {bird}
hammer: the shelf in my room has come down, my fence has fallen over, a nail is sticking out of my chair
mirror: my parrot is lonely, the dark corner in my room gets no light, the {bird} in the cage wants company
ladder: the ripe {fruit} tree is far too high, a {bird} has fallen out of the nest in my {tree}, my roof has a hole in
  it
whistle: my dog no longer listens, the football match has no referee, the geese run away from my voice
alarm clock: my rooster has stopped crowing, the school bell has cracked, the early train leaves without me
umbrella: the rain drips onto my books, the {flowers} are burning up in the sun, there is no roof on my cart
kettle: my tea pot has a crack, {number} guests are coming for tea, my feet need a hot bath
spade: my carrots are stuck in the earth, the path to my door is blocked, my dog has buried the door key
broom: my floor is full of feathers, {number} spiders have moved into my kitchen, the steps are covered with leaves
drum: nobody hears when my soup is ready, the band has lost its beat, the parade begins in {number} minutes
flower pot: my lemon tree has grown out of its cup, the {flowers} need a home, my window sill looks so empty
pillow: my bench is as hard as stone, my {animal} cannot sleep, the seat of my cart is full of splinters
saddle: my pony has a sore back, the long road has made my donkey {sad}
scarecrow: the crows eat all my peas, my hens are afraid of the hawk
toy boat: my little brother is ill and bored, my bath is so dull, the pond at the school is empty
wheel: my cart has lost one, the wheelbarrow has fallen to pieces, my go-kart stands on three legs
hat: the sun burns on my head, my scarecrow is getting wet, my play has a king without a crown
chair: there are {number} guests and too few seats, my old one has fallen apart, the piano is too high for my cousin
""")
