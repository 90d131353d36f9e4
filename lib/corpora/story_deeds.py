"""More plots of the stories, as text for lib.corpora.storyteller: what somebody does, dares, learns or makes up for.

    DEEDS        the plots: build, rescue, quarrel, fear, mystery, errand, grow, broken, practice, present
    PROJECTS, PATIENTS, FEARS, THIEVES, BARRIERS, SKILLS, JOBS, PESTS   what fills their slots, a record an alternative

A record is a dictionary of slots. This file is long because it is text. See lib.corpora.storyteller for the notation.
"""

import re


def records(text: str) -> list[dict[str, str]]:
    """A table written as text: a record a line, "slot: words; slot: words"; an indented line goes on."""
    lines = re.sub(r"\n\s+", " ", text.strip()).split("\n")
    return [dict(cell.strip().split(": ", 1) for cell in line.split(";")) for line in lines]


# what is built, where and of what; the mistake; what comes of it; the remedy; the success; the advice
PROJECTS = records("""
project: raft; places: river harbour; seasons: spring summer autumn; parts: {number} planks and an old rope; mistake:
  tied the knots too loosely; failure: came apart in the middle and sank with a gurgle; remedy: tied every knot twice;
  success: carried them both as far as the {landmark}; verb: sail; tip: A knot that is tied once is no knot
project: kite; places: mountain farm park harbour; seasons: spring autumn; parts: {colour} paper and {number} thin
  sticks; mistake: forgot the tail; failure: spun round and round and fell on its nose; remedy: gave it a tail of
  {number} {colour} bows; success: climbed until it was as small as a {small}; verb: fly; tip: A kite without a tail
  is like a cat without whiskers
project: snowman; places: park village farm mountain castle; seasons: winter; parts: {number} buckets of snow and a
  {colour} scarf; mistake: made the head bigger than the belly; failure: bowed, wobbled and lost its head; remedy:
  rolled a bigger belly and a smaller head; success: stood as straight as the {landmark}; verb: finish; tip: The big
  ball belongs at the bottom
project: bird house; places: farm village park forest; seasons: winter spring; parts: a {colour} box and {number}
  nails; mistake: cut the hole too big; failure: let in the cat, and no bird dared to go near it; remedy: made a new
    front with a hole no wider than a coin; success: was home to a family of {bird}s by the end of {next_month}; verb:
  hang; tip: Where a bird can get in, a cat must not
project: tree house; places: forest farm park river; seasons: spring summer autumn; parts: {number} boards and a
    {colour} ladder; mistake: laid the floor on a rotten branch; failure: cracked, tilted and slid into the nettles;
  remedy:
  chose the thickest branch of a {tree}; success: held {number} children and a plate of {treat_bare}; verb: climb
  into; tip: Ask the branch before you trust it
project: cart; places: village station market farm; seasons: spring summer autumn; parts: {number} boards and four
  pram wheels; mistake: forgot to build a brake; failure: rolled down the lane all alone and landed in a heap of hay;
  remedy: put in a brake with a {colour} handle; success: rolled down the lane and stopped right in front of the
  {landmark}; verb: ride; tip: Anyone can start, but one must be able to stop
project: scarecrow; places: farm village; seasons: spring summer; parts: {number} sticks, straw and a {colour} coat;
    mistake: gave the scarecrow too friendly a face; failure: soon had {number} crows sitting on its arms; remedy:
  hung {number}
  tin lids on its sleeves; success: rattled so well that no crow came nearer than the {landmark}; verb: raise; tip:
  Crows are not afraid of a smile, but of a noise
project: little bridge; places: river forest farm park; seasons: spring summer autumn; parts: {number} logs and some
  {colour} twine; mistake: used logs that were too thin; failure: bent like a noodle and dropped a passing {animal}
  into the stream; remedy: used thick logs and laid them on flat stones; success: did not move, even when {g} crossed
  with a wheelbarrow; verb: cross; tip: What is thin at home is thin over the water, too
project: water wheel; places: river mountain castle; seasons: spring summer autumn; parts: a cork, {number} spoons and
  a {colour} stick; mistake: put the spoons in the wrong way round; failure: stood still in the middle of the stream
  like a sleepy {animal}; remedy: turned every spoon round; success: spun so fast that the drops flew as far as the
  {landmark}; verb: try; tip: The water wants to push against something hollow
project: sledge; places: mountain village farm forest; seasons: winter; parts: {number} boards and two {colour}
  runners; mistake: forgot to wax the runners; failure: stuck fast in the snow and would not slide at all; remedy:
  rubbed the runners with a candle end; success: flew past the {landmark} like an arrow; verb: ride; tip: Snow sticks
  to wood, but not to wax
project: puppet theatre; places: market village station castle park; seasons: spring summer autumn winter; parts:
    {number} boxes and a {colour} curtain; mistake: glued the boxes in a hurry and did not wait; failure: fell over
  during the
  first scene, with the king under it; remedy: let the glue dry for {number} hours; success: stood firm through a play
  about {memory}; verb: open; tip: Glue needs time more than anything else
""")

# who is helped: its trouble and the cause of it, how it is freed with a tool, how it thanks
PATIENTS = records("""
patient: hedgehog; seasons: spring summer autumn; places: farm park village forest; trouble: had got stuck in an empty
  tin; why: because it had smelled of [fish|cat food|{veg} soup|{fruit} jam|herring]; tool: a bit of butter; freeing:
  rubbed butter round the rim, and out slid the hedgehog; thanks: ate every slug in the garden of {e.name}
patient: duckling; seasons: spring summer; places: river park harbour farm; trouble: had fallen down a drain; why:
  because it could not yet tell a hole from a [puddle|pond|bathtub|nest]; tool: a basket; freeing: let down the basket
  on a string, and the duckling climbed in; thanks: swam along beside {h.obj} every morning as far as the {landmark}
patient: lamb; seasons: spring summer; places: mountain farm; trouble: was standing on a ledge and could go neither up
  nor down; why: because the [grass|clover|thyme|moss] up there was so [green|fresh|juicy|sweet]; tool: a rope;
  freeing: tied the rope round its belly and pulled it up, step by step; thanks: came running across the whole meadow
  at the sound of {h.poss} voice
patient: young owl; seasons: spring summer; places: forest castle; trouble: was sitting on the ground in bright
  daylight; why: because it had tried to fly [too early|{number} days too early|before its wings were ready]; tool: a
  ladder; freeing: carried the little owl up the ladder and set it back in its hole; thanks: sat outside {h.poss}
  window at night and hooted {number} times
patient: kitten; places: village market station harbour; trouble: was clinging to the top of a lamp post; why: because
  [a dog|{number} dogs|a {animal}|a motor car|a street band] had [frightened|startled|chased] it; tool: an umbrella;
  freeing: held the open umbrella upside down, and the kitten jumped in; thanks: slept on {h.poss} feet and purred
  like a {fast}
patient: young seal; places: harbour; trouble: had swum into an old net; why: because it was chasing [a
  herring|{number} herrings|a {colour} fish|its own tail]; tool: a pair of scissors; freeing: cut the net, knot by
  knot, while the seal held still; thanks: put its head out of the water whenever {h} whistled by the {landmark}
patient: fox cub; seasons: spring summer; places: forest mountain farm; trouble: had caught its paw in a root; why:
  because it had dug too eagerly for [a mouse|a beetle|a {colour} ball|somebody else's sausage]; tool: a strong stick;
  freeing: lifted the root with the stick, and the paw came free; thanks: left a {colour} feather on the doorstep of
  {e.name}
patient: jackdaw; seasons: spring; places: castle village station; trouble: had tangled its foot in a string; why:
  because it wanted the {colour} string for its nest; tool: a pair of scissors; freeing: held the bird in a scarf and
  snipped the string; thanks: brought {h.obj} {find} and dropped it at {h.poss} feet
patient: foal; seasons: spring summer autumn; places: farm river village; trouble: was up to its belly in the mud;
  why: because it had [wanted to drink|looked for {flowers}|chased a {bird}] where the bank was soft; tool: some
  boards; freeing: laid the boards on the mud, and the foal scrambled out over them; thanks: would let nobody but
  {h.name} comb its tail
patient: squirrel; places: park forest; trouble: lay under a bush and could not use its tail; why: because [a branch|a
  {pole}|a {fruit} crate|a board] had fallen on it; tool: a woollen scarf; freeing: wrapped the squirrel in the scarf
  and kept it warm for {number} days; thanks: threw a nut at {h.poss} window every {weekday}
patient: swallow; seasons: spring summer; places: station market village farm; trouble: was flying up and down behind
  a window pane; why: because somebody with {treat} in one hand had shut the window; tool: a long pole; freeing:
  pushed the top window open with the pole, and out it shot; thanks: lived in a nest right over {h.poss} front door
patient: stray dog; places: station market harbour village; trouble: was shivering and would not come out; why:
  because [a firework|the thunder|a {vessel} that fell down|a {colour} balloon that burst] had scared it; tool: a
  sausage; freeing: laid bits of sausage in a row, each a little nearer, until the dog sat at {h.poss} feet; thanks:
  barked when smoke came out of the kitchen of {e.name}, and saved the house
""")

# of what one is afraid; the reason; what must be done for whom; what it was like
FEARS = records("""
fear: the dark cellar; reason: something down there always {verb}; task: fetch {treat_bare} from the cellar for
  {e.name}, who had hurt {e.his} foot; deed: sang loudly and went down all {number} steps; truth: it was only the
  water pipe that {verb}; verbs: banged clicked knocked ticked
fear: deep water; reason: one could not see what was {verb} it; task: swim out to the boat that had come loose with
  {f.name} in it; deed: counted every stroke and swam {number} times {number}; truth: there was nothing {verb} but
  {number} small fish; verbs: under beneath below; places: river harbour; seasons: summer
fear: the big dog of {g.name}; reason: it {verb} at everyone; task: carry the letter for {e.name} past the kennel;
  deed: held out {treat_one} and walked on with small steps; truth: the dog only {verb} because nobody ever stopped to
  play with it; verbs: barked growled howled
fear: high ladders; reason: the ground seemed to {verb}; task: reach the kitten that was crying on the roof of the
  {landmark}; deed: looked at nothing but the next rung, {number} times, and then once more; truth: the ground does
  not {verb} when one looks up; verbs: sway spin turn tilt
fear: thunder; weather: thunder; reason: it always {verb} right over the roof; task: run through the storm and close
  the hen house for {e.name}; deed: counted the seconds after each flash and ran; truth: a storm that has {verb} for
  {number} seconds is already far away; verbs: rumbled cracked roared; seasons: summer; places: farm village river
  mountain
fear: speaking in front of people; reason: {h.his} tongue then went as dry as {verb}; task: say the poem at the feast,
  because {f.name} had a sore throat; deed: looked only at {e.name} in the [first|second|third] row and began; truth:
  nobody laughed, and a tongue as dry as {verb} can still speak; verbs: paper flour straw chalk dust
fear: the old bridge; reason: its planks {verb}; task: bring the medicine for {e.name} from the other side; deed: held
  the rail with both hands and took {number} quick steps; truth: the planks had {verb} under {g.name} for {number}
  years and never broken; verbs: creaked groaned squeaked; places: river forest mountain castle
fear: geese; reason: they {verb} and came running with their necks stretched out; task: get the ball that {f.name} had
  kicked into the yard full of geese; deed: spread both arms wide and marched straight on; truth: a goose that {verb}
  a moment ago runs away when one looks big; verbs: hissed screamed honked; places: farm village river
fear: the empty house by the {landmark}; reason: a white face {verb} out of its window; task: look there for {pet},
  the lost cat of {f.name}; deed: knocked {number} times and pushed the door open; truth: the face that {verb} out was
  an old mirror with a crack in it; verbs: looked stared peered
""")

# what vanishes from where, the trace, the thief and its reason, the friendly end
THIEVES = records("""
thief: hedgehog; trace: small wet footprints; why: it was eating for the long winter sleep; end: put out a bowl of cat
  food by the hedge; seasons: autumn
thief: magpie; trace: a black and white feather; why: it was feeding {number} hungry chicks; end: hung a bag of nuts
  in the {tree}; seasons: spring summer
thief: fox; trace: a tuft of red hair on the {post}; why: it had cubs at the edge of the wood; end: mended the gap in
  the fence and left some scraps outside; seasons: spring summer
thief: mouse; trace: a row of crumbs that led under the stove; why: it was too cold outside; end: built it a house out
  of a {colour} box in the shed; seasons: winter autumn
thief: goat; trace: the marks of {number} small hooves; why: nobody had shut the gate; end: put a bell round its neck
  and a bolt on the gate; seasons: spring summer autumn
thief: raccoon; trace: five-fingered prints in the flour; why: it could smell the kitchen from the wood; end: put a
  {size} stone on the lid of the bin; seasons: spring summer autumn
thief: marten; trace: a hole in the paper; why: it lived in the roof and was hungry at night; end: left an egg for it
  on the wood pile; seasons: winter spring autumn
thief: squirrel; trace: an empty nut shell; why: it was filling its store; end: planted a hazel bush by the wall;
  seasons: autumn winter
thief: young jackdaw; trace: a streak of soot; why: it had fallen down the chimney and did not know the way out; end:
  opened the window and let it fly; seasons: spring summer
""")

# what bars the way on an errand and what gets one past it
BARRIERS = records("""
barrier: a tree had fallen across the path; past: crawled under it and pushed the parcel with the {thing} through in
  front of {h.him}; mark: leaves in {h.his} hair
barrier: the stream had washed away the bridge; past: took off {h.his} {colour} shoes, held the parcel on {h.his} head
  and waded through; mark: wet trousers
barrier: a herd of cows stood on the road and would not move; past: rang the bell on the gate {number} times, until
  the cows trotted off; mark: mud on both knees
barrier: the gate was locked; past: climbed over the wall by a {tree}, with the parcel between {h.his} teeth; mark: a
  tear in {h.his} sleeve
barrier: a flock of geese blocked the lane; past: threw them some crumbs of {treat_bare} and tiptoed by; mark: a
  feather on {h.his} shoulder
barrier: the signpost lay in the ditch; past: looked for the [church tower|smoke from the chimneys|setting sun|roof of
  the {landmark}] and walked towards it; mark: burrs on both socks
barrier: a cart of pumpkins had tipped over; past: helped to pick up {number} pumpkins until there was room to pass;
  mark: a bump from a pumpkin
barrier: the lane was under water; past: walked along the top of the wall, {number} steps to the left and {number} to
  the right; mark: green knees
""")

# what is learned; how it goes wrong; the trick that helps; the occasion
SKILLS = records("""
skill: ride a bicycle; wrong: fell into the {flowers}; trick: Look at the {landmark}, not at the front wheel; feat:
  rode all the way to the {landmark}; sore: {h.his} left knee
skill: whistle with two fingers; wrong: blew nothing but air; trick: Curl your tongue like a {tree} leaf; feat:
  whistled so loudly that every {place.creature} looked up; sore: both cheeks
skill: juggle; wrong: hit a {vessel} with the second {round_thing}; trick: Throw each one as high as your nose, no
  higher; feat: kept {number} {round_thing}s in the air; sore: the tip of {h.his} nose
skill: skip stones over the water; wrong: made nothing but a big splash; trick: Take a flat stone and bend your knees;
  feat: made a stone jump {number} times; sore: {h.his} right arm; places: river harbour park
skill: skate; wrong: slid on {h.his} stomach as far as the {landmark}; trick: Push to the side, not to the back; feat:
  skated {number} times round the {landmark}; sore: both elbows; seasons: winter
skill: play the flute; wrong: scared away {number} {bird}s; trick: Breathe as if you were cooling {treat_bare}; feat:
  played a tune until even the {place.creature}s kept still; sore: the tips of {h.his} fingers
skill: throw a lasso; wrong: caught nothing but {h.his} own foot; trick: Let the rope sing over your head before you
  let go; feat: caught a {post} at {number} steps; sore: one red ear
skill: walk on stilts; wrong: landed in a heap of {heap}; trick: Keep moving, for only those who stop fall over; feat:
  walked {number} times round the {landmark} on stilts; sore: both ankles
skill: row a boat; wrong: went round in a circle {number} times; trick: Pull with your back and count to {number};
  feat: rowed straight to the {landmark}; sore: both hands; places: river harbour; seasons: spring summer autumn
skill: do a cartwheel; wrong: tipped over and knocked down a {vessel}; trick: Look at one {small} on the floor between
  your hands; feat: did {number} cartwheels in a row; sore: the top of {h.his} head
""")

PESTS = records("""
pest: the sun burned down for {number} days and the soil cracked; care: carried {number} cans of water every {part2}
pest: {number} slugs came in the night; care: picked off every slug by the light of a {lamp_colour} lamp and carried
  it {place.spot}
pest: a hailstorm was coming from the {landmark}; care: covered it with a {colour} {cloth} and {number} newspapers
pest: a storm bent it [to the ground|like a {pole}|until it touched the {flowers}]; care: tied it to a {post} with a
  {colour} ribbon
pest: the neighbour's {animal} [bit off|chewed up|trod on] a leaf; care: built a fence out of {number} {colour} sticks
pest: the weeds stood higher than a {tall}; care: pulled out {number} baskets of weeds
""")

JOBS = records("""
job: swept {job_number} rooms; job_you: sweep {job_number} rooms
job: stacked the fire wood; job_you: stack the fire wood
job: sorted {job_number} baskets of potatoes; job_you: sort {job_number} baskets of potatoes
job: washed {job_number} windows; job_you: wash {job_number} windows
job: painted the {shed_colour} fence; job_you: paint the {shed_colour} fence
job: peeled {job_number} buckets of potatoes; job_you: peel {job_number} buckets of potatoes
job: brushed a {job_animal} from head to tail; job_you: brush a {job_animal} from head to tail
job: carried {job_number} sacks to the {landmark}; job_you: carry {job_number} sacks to the {landmark}
job: pulled weeds by the {landmark}; job_you: pull weeds by the {landmark}
""")

DEEDS = {
    "build": """
@open

@pal

- "Let us build a {project}," {f.said}. "I have {parts}, and you have {treat}."
- {h} had a plan for the {part}. "We will build a {project}," {h.said}, "and all we need is {parts}."
- "Do you know what we need {place.at}? A {project}!" {h.cried}. They had {parts}, and they had the whole {part}.

=

- They hammered, tied and pushed, and {h} was in such a hurry that {he} {mistake}.
- {place.seat} they set to work. But {h}, who was thinking of {treat_bare}, {mistake}.
- The work went fast, perhaps too fast, for {f} {mistake} and nobody noticed.

- When they tried to {verb} it, the {project} {failure}.
- "The {project} is ready!" {f.cried}. They wanted to {verb} the {project}, but it {failure}.
- A {place.creature} sat {place.spot} and watched as the {project} {failure}.

?
- {h} was close to tears. "All that work for nothing, and on a {weekday}, too!" {h.said}.
- "That was the shortest {project} in the world," {f.said}, and {h} did not know whether to laugh or to cry.
- {f} kicked a {find1}. "Never again a {project}!" {f.said}, but {h} was already thinking.

=

?
- {g}, who had seen it all, came over from the {landmark}. "{tip}," {g.said}.
- "{tip}," {g.said}, who was {doing}. "As a child I had a {project} that {failure}."
- "May I say something?" {g.asked}, who was {doing}. "{tip}."

- So they began again, with four hands and {treat} in between. This time {h} {remedy}, and {f} checked everything
  {number} times.
- Now they took their time and ate {treat} first. {f} held the {tool_thing}, and {h} {remedy}.
- They slept on it, and the next {weekday} {h} {remedy} before {he} did anything else.

- And the second {project}? It {success}.
- {later} it was ready, and this {project} {success}. "Hurrah for the {project}!" {f.cried}.
- Nobody said a word when they tried the {project} on {weekday}. Then the {project} {success}, and {g} clapped {g.his}
  hands.

@home

?
- "First we made a mistake and then a {project}," {h.said}. "The mistake was as useful as {treat}."
- On the {project} {h} wrote with {colour} chalk: built twice by {h.name} and {f.name}.
- The {project} is still there, {place.at}, and whoever comes to see it must hear from {h.obj}: "{tip}."
""",
    "rescue": """
@open

- {later} {h} heard a thin sound {there=place.spot}. {he} went nearer, past a {find1} and a {colour} {cloth}, and saw
  a {patient}.
- Something moved {there=place.spot}. {h} bent down, and there was a {patient}, looking up with {round} eyes.
- "What is that {there=place.spot}?" {h.asked}. It was a {patient}, as still as a {vessel}.

- The {patient} {trouble}, {why}.
- It {trouble}, {why}, and it was too {tired} to call any more.

=

- "Do not be afraid," {h.whispered}. "I will fetch {tool}, and then we shall see."
- "You need help, and I need {tool}," {h.said}, and ran {place.path} to the house of {g.obj}.
- {h} thought of {e.obj}, who always said: "First think of {treat_bare}, then pull." What {h} needed was {tool}.

- {f} was just coming {place.path} with {treat}. "Stay with it, I will bring {tool}," {f.said}, and was gone.
- {g} was {doing} by the {landmark}. "{tool}? Of course," {g.said}, and left {treat} standing to come along.
- {f} could not help, and there was nobody by the {landmark}, but {e} found {tool} [behind|under|beside] the stove.

- It was not easy, for the {patient} trembled and {clause}. But {h} {softly} {freeing}.
- {h} counted to {number}, took a deep breath, and {freeing}.
- While {f} talked to the {patient} about {treat_bare}, {h} {freeing}.

- "Go {softly}, little one," {h.said}, and the {patient} looked back once by the {landmark}.
- {f} gave the {patient} a crumb of {treat_bare}, and it ate out of {f.poss} hand.
- {h} stroked the {patient} with one finger, and felt its heart beating as fast as a {fast}.

=

- {number_small} weeks later something strange happened: the {patient} {thanks}.
- {h} had nearly forgotten it when, one {weekday} in {next_month}, the {patient} came back. From then on it {thanks}.
- Did the {patient} forget {h.obj}? On the contrary: all through {next_month} it {thanks}.

?
- "You helped it with {tool}," {e.said}, "and it helps you with what it has."
- "A {patient} cannot say thank you," {f.said}, "but it found a way."
- "One good turn," {e.said} over {treat}, and {h} said: "And another."
""",
    "quarrel": """
@open

@pal

- {place.spot} they found {thing.a}, and nobody knew whose it was.
- On {place.ground} lay {thing.a}, as if somebody had put it there for them.

- "I saw it first!" {h.cried}. "But I picked it up!" {f.cried}, and held the {thing} behind {f.his} back.
- "The {thing} is mine," {f.said}, "because my {relative} once had one like it." "It is not," {h.said}, and pulled.
- {h} wanted to take the {thing} home for {e.obj}, and {f} wanted to give it to {f.his} {relative}.

- {h} pulled on one side and {f.name} on the other, and [crack|crash|snap], the {thing} broke in two.
- Neither of them let go of the {thing.full}. They pulled {place.path}, past the {landmark}, until the {thing} broke
  in two with a [crack|snap].

=

?
- {h} went home {place.path} without a word, and {f} sat {place.seat} and looked at {f.his} half of the {thing}.
- "Now look what you have done!" {f.cried}. They turned their backs on each other, {h.name} {place.seat}, {f.name}
  beside the {landmark}.
- {f} threw {f.his} half {place.spot} and ran away, and {h} kicked a {find1} all the way home.

?
- {evening} {h} could not even eat {treat}. "What is half a {thing} good for?" {h.asked}.
- "Is something wrong with the {treat_bare}?" {e.asked}. "No," {h.said}, "but something is wrong with {f.name} and
  me."
- {h} lay awake until the clock struck {number}, and the broken {thing} was {shelf}.

?
- {f} felt {sad} too, and counted the cracks in the ceiling: {number}, {number}, {number}.
- Across the {road} a light was still burning, because {f} could not sleep either.

=

- The next {part} {h} took a pot of glue and went {place.path}, and round the corner came {f} with a {size} bottle of
  glue.
- On {weekday} they met by the {landmark}, and both began at the same time: "I am sorry about the {thing.full}."
- "I am sorry," {h.said} to {f.obj} the next {part}. "Without you it is only half a {thing}."

?
- Together they mended the broken {thing} with glue and {number} bits of {colour} string.
- {f} held the two halves, {h} put on the glue, and they waited {place.seat} for {number} minutes.
- They glued it {place.seat}, and though one could see the crack, the {thing} was whole again.

- Now it belongs to {h.obj} on {weekday}s and to {f.obj} on {weekday}s, and on Sundays to both.
- Then a small child came {place.path}, crying for a lost {thing}, and they gave it back, crack and all, and went to
  eat {treat}.
- "One week with you, one week with me," {f.said}, and {h} shook {f.poss} hand on it over {treat}.
""",
    "fear": """
@open

- {h} was afraid of only one thing, and that was {fear}, because {reason}.
- Everybody knew that {h} was afraid of {fear}. "{reason}," {he} would say, and walk round by the {landmark} instead.
- There was one thing {h} had never told {f.obj}: {he} was afraid of {fear}, because {reason}.

@side

=

- But one {weekday} there was nobody else who could {task}.
- Then, on a {weekday}, somebody had to {task}, and there was only {h}.
- "Will you help?" {g.asked}. "Somebody must {task}, and quickly."

- {h.poss} knees were as soft as {soft}. "What would {e.name} do {place.at}?" {h.whispered}.
- {h} swallowed, and {his} heart beat like a {fast}. Then {he} thought of {e.obj}, and of {treat_bare}.
- "I cannot," {h.said} to {himself} by the {landmark}. "I can," {h.he} said {louder}, and thought of {treat_bare}.

- {h} {deed}.
- {later} {h} shut {his} mouth tight, put {find} in {his} pocket for luck, and {deed}.
- So {h} took {number} deep breaths and {deed}.

=

- And so, on a {day} {part} in {month}, {h} found out that {truth}.
- Only afterwards did {h} notice that {truth}.
- "Do you know what?" {h.said} to {f.obj} later, {place.seat}. "I found out that {truth}."

- "You are as brave as a {animal}," {f.said}. "No," {h.said}, "I was afraid of {fear} the whole time. I only thought
  of {treat_bare} and went on."
- {g} gave {h.obj} {treat}. "To be brave," {g.said}, "is to be afraid of {fear} and to go all the same."
- "Were you not afraid of {fear}?" {e.asked}. "I was," {h.answered}, "but you needed me more than I needed
  {treat_bare}."

- {evening} {h} slept well, and in {his} dream {he} was brave enough for {number} {animals}.
- {h} is still not fond of {fear}. But {h.he} is not afraid any more, and on {weekday}s {h.he} even goes there with
  {f.obj}.
- Since that day {h} has kept {find} {home}, so as to remember how brave {he} had been.
""",
    "mystery": """
@open_home

- {e} was upset, because for {number} nights now somebody had stolen {loot}.
- "It has happened again, on a {weekday}!" {e.cried}. "Somebody has stolen {loot}, and all the doors were shut."
- There was a riddle in the house: every night somebody stole {loot}, and nobody had seen a thing.

?
- Was it {pet}, the cat? Or was it {g}, who was so fond of {loot_what}? {h} did not believe it.
- "It was surely {pet}," {e.said}. But {h} knew that the cat slept on {h.poss} bed and did not like {loot_what}.
- Some said it was {g}, who had been seen by the {landmark} with {treat}. "{treat_bare} is no proof," {h.said}.

=

- {h} looked for clues with {f.obj}. Beside the {pan} they found {trace}.
- "Look here!" {f.cried}, and pointed at {trace} on the floor by the {pan}.
- {h} strewed flour round the {pan}, and the next morning there was something to see: {trace}.

- "We will keep watch by the {pan}," {h.said}. {evening} they hid behind the {hideout} with {treat}.
- {evening} {h} and {f.name} crept behind the {hideout}, with a {colour} blanket and {treat}, and waited.
- "If you fall asleep, I will pull your ear," {f.said}, and they hid behind the {hideout} when {turn}.

?
- The clock struck ten, and then eleven, and {f} was nearly asleep when something scratched.
- For a long time there was only {night_sound}. Then {h} pinched {f.obj} in the arm.
- {h} had just counted to a hundred and {number} when {f} took {h.poss} hand. The {pan} in {room1} was moving!

- {h} lit the lamp, and there sat a {thief}, with {loot_what} between its paws and no shame at all.
- In the light of the moon they saw a {thief} climb over the {vessel} onto the table as if it had lived in {room1} for
  {number} years.
- A {thief} it was, a {size} one, and it was munching so loudly that {f} had to laugh.

=

?
- "So it was not {g.name} at all," {h.said}. The {thief} stole because {why}.
- {f} did not want anybody to scold the {thief}, because {why}.
- {h} understood: {why}.

- So {h} and {f.name} {end}, and from then on nothing was stolen from the {pan}.
- The next {weekday} {h} {end}. Not one crumb of {loot_what} has been stolen since.

?
- {g} was given {treat}, because everyone had thought badly of {him}.
- {e} laughed and made {loot_what} for {f.obj}, for {h.obj}, and even a little for the {thief}.
- "A riddle is like a {nutlike}," {e.said} to {f.obj}. "One must keep at it until it cracks, even if that takes
  {number} nights."
""",
    "errand": """
@open

- {e} had given {h.obj} a parcel for {g.obj}. There were two things in it: {treat} and {thing.a}.
- "Take this parcel to {g.name}," {e.said}. "There is {treat} in it, and {thing.a}. Whatever you do, do not shake the
  {thing}!"
- {h} was carrying a parcel for {g.obj}. In it was {thing.a} from {e.obj}, wrapped in {colour} paper.

?
- "I promise to bring it there by {number_clock} o'clock," {h.said}, and set off {place.path}.
- {h} promised to hurry, tied the parcel with a {colour} string, and set off {place.path}.

@side

=

- But near the {landmark2} {barrier}. "What now, dear parcel?" {h.asked}.
- Half way there, {barrier}, and {h} stood still with the parcel in {his} arms.
- It all went well until {h} saw that {barrier}.

- Should {h} turn back with {treat_bare} so near? {he} had promised, and so {he} {past}.
- "A promise is a promise," {h.said}, and {past}.
- {h} thought for as long as it takes to eat {treat_one}. Then {he} {past}.

?
- On the other side {h} met {f}. "I will go with you," {f.said}, "if you tell me about {memory}."
- A little farther on sat {f}, who had lost the way. "Come with me to {g.name}," {h.said}. "The road is easier for
  two, and so is {treat_one}."
- {f} was walking the same way with {treat}, and so they went on together {place.path}.

=

- The clock struck {number_clock} when {h} knocked, with {mark}, and {g} opened the door.
- {g} was standing at the {door} and saw {h.obj} coming, with {mark} and with the parcel.
- "You kept your promise!" {g.cried}, and looked at {h.obj} from top to toe: {mark}, but the parcel was dry.

?
- {g} unwrapped the {thing.full} and said nothing for a while. "I had a {thing} like it when I was {number} years
  old," {g.said} then.
- "A {thing.full}!" {g.cried}. "{e.name} has not forgotten {memory}."
- Out of the paper came the {thing.full}, and {g} held it up to the light and grew quite {glad}.

?
- Then there was {treat} for {f.obj} and {treat} for {h.obj}, and outside {turn}.
- "Sit down, you two, and eat {treat}," {g.said}, and {h} told about the way, and how {barrier}.

- {evening} {h} said to {e.obj}: "The way was long, but a promise is longer."
- "Did anything happen on the way?" {e.asked} {evening}. "Nothing," {h.answered}, and picked {find} out of {his} shoe.
- {e} saw that {h} had {mark}, and asked nothing, and cooked {treat_bare}.
""",
    "grow": """
- In {spring_month}, while {clause}, {h} planted a {crop1} seed {there=bed}.
- {g} gave {h.obj} a {crop1} seed that was no bigger than a {small}, and {h} planted it {there=bed} in {spring_month}.
- "What can become of such a small thing?" {h.asked} when {he} planted a {crop1} seed {there=bed} one {day} {part} in
  {spring_month}.

?
- {e} did not think much of the {crop1}. "{place.at} nothing grows but nettles," {e.said}.
- "You must be patient," {e.said}, "and that is harder than {hard_work}."
- {h} put a {colour} stick beside it and wrote on it: "Please do not step on my {crop1}!"

- For {number} days nothing happened to the {crop1} seed. {h} came before breakfast and after supper and saw only
  earth and {find}.
- {f} came to look. "Maybe the {crop1} is asleep," {f.said}. So they sang to it about {treat_bare}.
- {h} lay down {place.seat} every {part} and watched the earth, until {f} laughed at {h.obj}.

=

- Then, on a {weekday}, a green tip looked out of the earth {there}. It grew as high as a {small_tall}, then as high
  as a {tall}.
- But one {weekday} in {may_month} the {crop1} sprouted, with two leaves like the ears of a {animal}, and it grew
  until even a {place.creature} had to look up to it.

- One {weekday} in {summer_month} {pest}. {h} {care}, and {f} helped.
- Hardly had it flowered in {summer_month} when {pest}. "Quick!" {h.cried} to {f.obj}, and they {care}.
- It was not an easy {summer_month}: {pest}. All that {weekday} {h} and {f.name} {care}.

- {h} told the {crop1} about {memory}, since {e} had said that plants like company.
- A {place.creature} often came and sat {place.spot} as if to guard it.

=

- In {autumn_month} the {crop1} was [bigger|taller|heavier] than {big_thing}, and {g} had to bring a wheelbarrow.
- In {autumn_month} {h} could no longer put {his} arms round the {crop1}, and {f} measured it: {number} hands, and a
  thumb.

- They made {number} bowls of soup out of it, one for {g.obj}, one for {f.obj}, and the biggest for {e.obj}.
- There was a feast {place.at}. {g} brought {treat}, {f} brought {treat}, and the {crop1} lay in the middle like a
  {king}.
- "I was wrong," {e.said}, and took off {e.his} hat to the {crop1}, and gave {h.obj} {treat}.

- Of all the seeds {h} kept {number}, in a {colour} paper bag, {home}.
- "What will you do with {number} seeds?" {f.asked}. "Wait until {spring_month}," {h.said}. "I am as good at waiting
  as a {animal} now."
- {h} gave {g.obj} one seed back, no bigger than a {small}. "For next {spring_month}," {h.said}.
""",
    "broken": """
@open_home

- {h} wanted to show {f.obj} how far one can throw a {round_thing} in {room1}. It flew against the {colour} {vessel1}
  of {e.obj}.
- {h} was playing with {thing.a} in {room1} when {his} elbow hit the {vessel1} of {e.obj}, the one with a {motif1} on
  it.
- {h} only wanted to reach {treat}. But on the shelf in {room1}, right beside it, stood the {vessel1} of {e.obj}, and
  {h} bumped into it.

- The {vessel1} fell and broke into {coins} pieces, and one of them rolled as far as the {hideout}.
- There was a crash as loud as [thunder|a falling bell|ten drums|a cannon|{number} pan lids]. Where the {vessel1} had
  been, there were {coins} pieces, and {clause}.

- {h} swept them up and hid them under {hidden}. {his} heart beat like a {fast}.
- Quickly {h} pushed the pieces under {hidden} and sat down with a book about {animals}.

=

- {evening} {e} came into {room1}. "Where is my {vessel1} with the {motif1} on it?" {e.asked}. "{pet} did it,"
  {h.said}, and looked at {his} {colour} socks.
- "Who broke my {vessel1}?" {e.asked} {evening}. {h} pointed at {pet}, the cat, who was asleep.

- So {pet} was put out in the cold, without {treat_cat}, and sat {outside} and cried.
- Poor {pet} had to spend the night outside, where {turn}, and nobody gave {pet} any {treat_cat}.

?
- {h} lay in bed and heard the cat. The pillow was too hot, the blanket too heavy, and {treat_bare} lay in {his}
  stomach like a {stone_thing}.
- In bed {h} counted {animals}, but every one of them looked at {h.obj} like {pet}.
- "It was only a {vessel1}," {h.whispered} into {his} pillow. But that was not what kept {h.obj} awake.

=

- {later} {h} got up, walked across the cold floor, and woke {e.obj}. "It was me," {h.said}. "I broke the {vessel1},
  and I lied about {pet}."
- When the clock struck {number}, {h} could bear it no longer. "I lied about the {vessel1}, {e.name}," {h.said}. "I
  broke it on {weekday}, and {pet} had no part in it."

?
- {e} was silent for a while. "The {vessel1} was {worth}," {e.said} then. "But the truth is worth even more. Now let
  {pet} in, and give {pet} {treat_milk}."
- "I know," {e.answered}. "No cat sweeps up {coins} pieces. But I am glad that you told me the truth about the
  {vessel1}."

?
- {h} carried {pet} in, wrapped in a {colour} {cloth}, and the two of them shared {treat_milk}.
- {pet} jumped in, shook {number} drops from each paw, and curled up in {h.poss} arms as if nothing had been said.

- On {weekday} {h} and {f.name} glued the {vessel1} together from {coins} pieces, and {e} put {flowers} in it.
- To earn a new {vessel1}, {h} weeded the garden {number} times, and {f} helped for {treat}.
- One piece of the {vessel1} lies {home}, and when {h} is about to tell a lie, {he} looks at it.
""",
    "practice": """
@open

- {h} saw {f.obj} {skill}, and at once {he} wanted to learn to {skill}, too.
- "I want to learn to {skill}," {h.said} to {f.obj}, "before the feast in {next_month}."
- Everyone {place.at} could {skill}, even {f}. Everyone but {h.name}, who could only {skill2}.

=

- The first time {h} {wrong}. The second time {he} {wrong2}.
- On {weekday} {h} tried it {place.at}, and {wrong}.
- {h} tried, and {wrong}, and a {place.creature} fled as far as the {landmark}.

?
- "That was not bad for {number} seconds," {f.said}, and helped {h.obj} up. "Only {sore_my} hurts," {h.answered}.
- {h} rubbed {sore}. "I will never learn to {skill}," {h.said}.
- {f} tried not to laugh, thought of {number} sad {animals}, and laughed all the same. Then {f.he} saw that {h} was
  rubbing {sore}, and gave {h.obj} {treat}.

@side

- {g}, who was {doing}, had been watching. "{trick}," {g.said}.
- "{trick}," {g.said}. "That is how my {relative} taught me to {skill}, {number} years ago."
- Then {h} asked {g.obj} for advice. "{trick}," {g.said}, "and do not think of {treat_bare} while you do it."

- So {h} practised every {part} by the {landmark}, and at supper {he} talked of nothing else to {e.obj}.
- {h} practised on {weekday}, {h} practised on {weekday}, and at night {he} practised in {his} dreams.
- For {number} days {h} practised {place.at}, where nobody but a {place.creature} could see {h.him}.

=

- At the feast in {next_month} {g} called {h.poss} name. {h} stepped forward and {feat}.
- One {day} {part} it worked. {h} {feat}, and {f} threw {f.his} {cap} in the air.
- And then, on a {weekday}, {h} {feat}. "Did you see that, {g.name}?" {h.cried}. Even {e} had seen it, and dropped
  {treat_one}.

- "How did you learn to {skill}?" {e.asked}. "I did it wrong {number} times before {month} and {number} times after,"
  {h.said}, "and then there were no mistakes left."
- {g} nodded and gave {h.obj} {treat}. "Now teach a {place.creature} to {skill}," {g.said}, "and you will learn it
  again."
- "And what comes next, after {month}?" {f.asked}. {h} rubbed {sore}, and the answer was: "To {skill2}."
""",
    "present": """
@open

- In {number} days it was {e.poss} birthday, and {h} had no present yet, only {coins} coins.
- The next {weekday} was {e.poss} birthday. What could {h} give {e.obj}, with only {coins} coins in {his} pocket?
- "For my birthday I wish for nothing but {present_wish}," {e} had said, and so {h} had to think for {himself}, with
  only {coins} coins.

- {place.at} {h} saw {thing.a}. The {thing} would be just right for {e.obj}, but it cost twice as many coins.
- Then {h} saw {thing.a} in the window of a shop by the {landmark}. {coins} coins were not enough for a {thing} like
  that.

=

- {g}, who was {doing}, needed help. So {h} {job} for {coins} coins.
- "If you {job_you}, you can earn {coins} coins," {g.said}. {h} {job} until {his} arms ached.
- {h} asked {g.obj} for work, and {job} all {part}, while {clause}.

?
- {f} came to help, and because of that it took only half as long and was twice as {merry}.
- "I will help you," {f.said}, "but I want {treat} for it." So they worked side by side until {turn}.

@side

- {later} {h} had enough coins, ran to the shop by the {landmark}, and bought the {thing.full}.
- {later} the {thing} and the coins changed hands. "Sold!" said the shopkeeper, and wrapped the {thing.full} in
  {colour} paper with {flowers} on it.

=

?
- {evening} {h} hid the parcel {kept}, and twice {he} got up at night to see if it was still there.
- "Where have you been all {part} with {f.name}?" {e.asked}. "{place.at}," {h.said}, hiding {his} {sore_hands} hands
  and the parcel behind {his} back.

- On the birthday {e} unwrapped the {thing.full} and put on {e.his} glasses to see it better.
- "A {thing.full}!" {e.cried}. "I had a {thing} just like it when I was {number} years old and liked nothing but
  {treat_bare}."

?
- {h} told {e.obj} about {g.obj} and the work, and {f} told how hard they had worked, and then there was {treat} for
  everyone.
- "The {thing} is beautiful," {e.said}, "but the best of it is how you came by it." And they all ate {treat}.
- The {thing} has its place {shelf} now, and nobody but {e.name} may dust it, except {h.name} on {weekday}s.
""",
}
