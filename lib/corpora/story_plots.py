"""Plots of the stories, as text for lib.corpora.storyteller: what is forgotten, lost and swapped.

    SHARED   beats that any plot may tell (openings, companions, small adventures, endings) and the plots forgotten
             (with its items), lost (with the ways of losing, finding and mending) and swap

Every story begins with h (the hero), f (another child), e (a grown-up of the family), g (a neighbour), place, thing
and the other slots of lib.corpora.story_casting. This file is long because it is text: read one plot at a time.
"""

SHARED = {
    "open": """
- One {day} {part} in {month}, {h} went {place.to} to watch {place.sight}.
- It was a {day} {part} in {month}, and {clause}. {h} sat {place.seat} {place.at}, listening to {place.sound}.
- It was {month}, and {clause}. {h} was on {his} way {place.to} to watch {place.sight}.
- The {place.name} smelled of {place.smell} that {day} {part} when {h} came {place.path}.
- {h} lived near the {place.name}, and on {day} {part}s in {month} {he} liked to watch {place.sight}.
- Early one {part} in {month}, while {clause}, {h} set out {place.path} with {treat} for later.
- On the [first|second|third|last] {weekday} in {month}, {clause}, and {h} had promised {e} to come {place.to}.
- "What a {day} {part}!" {h.said}, looking out at the {place.name}, where {clause}.
- Nobody liked {day} {part}s in {month} more than {h}, who stood {place.at} and watched {place.sight}.
- Do you know what {place.smell} smell like on a {day} {part} in {month}? {h} knew, because {he} came {place.to} every
  {weekday}.
- There was once {h}, who sat {place.seat} every {weekday} to hear {place.sound}.
""",
    "open_home": """
- One {day} {part} in {month}, {h} was at home in {room1}, where it smelled of {treat_bare}.
- It was a {day} {part} in {month}, and {clause}. {h} sat in {room1} with {f.obj} and ate {treat}.
- "What shall we do on a {day} {part} like this?" {h.asked}. {f} was sitting in {room1} with {treat}.
- On the [first|second|third|last] {weekday} in {month}, {clause}, and {h} stayed at home with {e.obj}.
- There was once {h}, who lived in a house with {number} {colour} windows, not far from the {landmark}.
- In the house where {h} lived, {room1} smelled of {treat_bare} all through {month}.
""",
    "alone": """
?
- Far off {h} could hear {place.sound}.
- {h} could hear {place.sound} and smell {place.smell}.
- A {place.creature} sat {place.spot} and looked at {h.obj} with {round} eyes.
- {h} stopped to watch {place.sight}.
- Above {h.obj} a {bird} sang [as if it were paid for it|as loud as it could|as if it would never stop].
""",
    "pal": """
- {h} was not alone: {f} had come along with {treat} in {his} bag.
- [Just then|After a while|Near the {landmark}] {h} met {f}, who was eating {treat}.
- {h} had asked {f} to come too, because two can carry more than one.
- {f} came running {place.path}, [quite out of breath|with {treat}|waving a {colour} {cloth}].
- "Wait for me!" {f.cried}, and came running {place.path} to join {h.obj}.
- [On the way|At the corner|By the {landmark}] {h} ran into {f}, who was looking for a {size} {find1}.
""",
    "side": """
?
- Just then a {place.creature} ran off with {treat} that somebody had left {place.seat}, and {h} had to laugh.
- {h} found {find} {place.spot} and put it in {his} pocket, because one never knows.
- A {bird} hopped over {place.ground} and picked up a crumb beside {h.obj}.
- "Do you smell that, {place.at}?" {h.asked}. It smelled of {place.smell}, and a little of {treat_bare}.
- {h} counted {number} {place.creature}s {place.spot} and nearly forgot the time.
- <rain> {h} jumped over {number} puddles and landed in the next one.
- <snow> {h} left a row of {size} footprints behind {him} in the snow.
- <wind> {h} had to hold on to a {post} when the next gust came.
- <heat> {h} wiped {his} forehead and thought of {treat}.
- <mist> A {place.creature} came out of the mist, saw {h.obj}, and was gone again.
- <frost> {h} blew on {his} fingers, and {his} breath hung in the air like a {size} cloud.
- <sun> {h} closed {his} eyes for a moment and felt the sun on {his} nose.
- <thunder> {h} counted to {number} between the flash and the thunder.
""",
    "home": """
- {evening} {turn}, and {h} walked home {place.path}.
- On the way home {turn}, and {h} was too {tired} to [hum|hop|talk|whistle] {place.path}.
- {evening} {h} told {e.obj} all about it over {treat}.
- {h} and {f.name} sat {place.seat} and shared {treat} while {turn}.
- {later} {turn}, and {h} shared {treat} with {f.obj}.
""",
    # ---------------------------------------------------------------- forgotten: item
    "forgotten": """
@open

- {h} had been {hurry} that {he} had left {his} {item} {kept1}.
- {h} had packed {treat} and a {size} {find1}, but {his} {item} {was} still lying {kept1}.
- {h} had been {hurry} that {he} had forgotten {his} {item}, which {was} lying {kept1}.
- But where {was} {h.poss} {item} on this {day} {part}? {h} had forgotten {it} {kept1} over {treat}.

@alone

=

@item_{item}

=

@item_{item}_end
""",
    "item_umbrella": """
- At first {h} did not mind. Then the clouds over the {landmark} grew [black|dark|heavy], and it began to pour.
- Near the {landmark} the first drops fell on {h.poss} nose, and [before {he} could count to {number}|a moment later]
  it poured.
- {h} had just got to the {landmark} when the rain came down as if from {number} buckets.

- "[Oh no|Oh dear|Bother], my umbrella!" {h.cried}, and ran {place.path} with {his} jacket over {his} head.
- "If only I had my umbrella!" {h.said}, holding {find} over {his} head.
- {h} reached for the umbrella, but of course it was not there, and {he} crept {place.spot} to wait.

- By the time {h} reached the {landmark}, {he} was wet to the skin, and {his} {colour} {clothes} was dripping on
  {place.ground}.
- {h} was soon so wet that {his} shoes {squelched} at every step {place.path}.
- Water ran down {h.poss} neck, and even the {treat_bare} in {his} pocket was wet.

- {g} saw {h.obj} from the {door}. "Come in, you are as wet as a {wet}!" {g.cried}.
- "You poor {wet}!" {g.cried} from the {door}, and pulled {h.obj} inside.
- Luckily {g} lived close by. "In with you!" {g.said} when {h} knocked at the {door}.

- {h} sat by the fire until {his} {clothes} was dry, and {g} brought {h.obj} {treat}.
- {g} hung {h.poss} {clothes} over the fire to dry and told {h.obj} about {memory}.
- While {h.poss} {clothes} dried in front of the fire, {h} had {treat} and listened to {g.obj} talk of {memory}.
""",
    "item_umbrella_end": """
- Since that day, {h} has tied a {colour} ribbon to {his} umbrella, so that {he} cannot forget it {kept1}.
- The next {weekday} the sun shone, and {h} came {place.to} with {his} umbrella all the same. "You never know,"
  {h.said}.
- {evening} {h} hung {his} umbrella on the door handle, where {he} would bump into it every {part}.
- "Next time I take my umbrella, even if the sky is as blue as a {colour} {cloth}," {h.said} to {g.obj}, and {g}
  laughed.
""",
    "item_mittens": """
- At first {h} kept {his} hands in {his} pockets. But who can carry {find} with {his} hands in {his} pockets?
- By the {landmark} {h.poss} fingers were so cold that {he} could not undo {his} {number} coat buttons.
- Near the {landmark} {h} tried to pick up {find}, but {his} fingers were stiff with cold.

- "My fingers are as cold as {icy}," {h.whispered}, and blew on {his} hands {place.seat}.
- {h} rubbed {his} cold hands, sat on them {place.seat}, and even stuffed them into {his} cap.
- "Ouch, how cold!" {h.cried}, hopping from one foot to the other {place.spot}.

- {f} saw it and pulled off one {colour} mitten. "One for you and one for me," {f.said}, "and half of {treat_one} for
  each."
- "Take my left mitten," {f.said}. "The right one stays with me, and the {cold} hands go in our pockets."
- Then {f} came by with a {colour} mitten to spare. "Here, put your {cold} fingers in this," {f.said}.

- So each of them had one warm hand, and with the other they shared {treat}.
- {h} put the mitten on, and {his} fingers grew warm between the {landmark} and the {door}.
- They changed hands at every {post}, and by the {landmark} all four hands were warm.
""",
    "item_mittens_end": """
- {evening} {h} sewed a {colour} string to {his} own mittens, long enough to go through both sleeves.
- The next {weekday} {h} brought {f.obj} {treat} and two mittens: {his} own, and one to lend.
- When {h} found {his} mittens {kept1} that night, {he} put {treat} on them for {f.obj}, so as not to forget either.
""",
    "item_hat": """
- By noon the sun stood right over the {landmark}, and {h} had no hat and no shade.
- There was no shade {place.path}, and {h.poss} hair was soon as hot as {hot}.
- {h} walked {place.path} with the sun on {his} bare head, and {his} ears turned red.

- Near the {landmark} everything began to turn before {h.poss} eyes, and {he} had to sit down {place.seat}.
- "My head is as hot as {hot}," {h.whispered}, and leaned against a {post}.
- {h} felt dizzy. The {landmark} seemed to swim in the light like a {size} fish.

- {g} came {place.path} with a jug of water. "Where is your hat, child? Still {kept1}?" {g.asked}.
- "You have had too much sun without a hat," {g.said}, who was sitting {place.spot} in the shade.
- "Sit here in the shade, and drink," {g.said}, and filled a {size} {colour} cup.

- {g} folded a paper hat out of an old newspaper with {memory} on the front page, and put it on {h.poss} head.
- Out of a {colour} {cloth} {g} knotted a hat with {number} corners, and {h} felt better at once.
- {g} laid a wet {colour} {cloth} on {h.poss} head until the {landmark} stood still again.
""",
    "item_hat_end": """
- {evening} {h} put {his} hat on before {he} even got out of {his} {colour} pyjamas, and {e} laughed until {e.his}
  sides hurt.
- From that day on the hat hung on {h.poss} bed post, next to the {cloth} from {g.obj}.
- "Some heads are full of {treat_bare} and empty of hats," {h.said} to {g.obj} the next {weekday}, and lifted {his}
  hat.
""",
    "item_lunch box": """
- At noon {h.poss} stomach growled so loudly that a {place.creature} looked up {place.spot}.
- When the clock struck {number}, {h} reached for {his} lunch box, and there was nothing to reach for.
- By the {landmark} {h} grew hungry, and then so hungry that even {find} began to look good.

- "I am so hungry that I could eat {treat} and the plate as well," {h.whispered}.
- {h} thought of the {treat_bare} at home in the lunch box and grew hungrier and hungrier.
- "How can I be this hungry?" {h.asked}, and looked for berries {place.spot}. There was nothing but {find}.

- {f} broke {treat_one} in two and gave {h.obj} the bigger half.
- "I have {treat_one} and you have none, and on {weekday}s half is enough," {f.said}.
- {f} sat down {place.seat}, unpacked {treat_one}, and pushed half of it over to {h.obj}.

- Nothing had ever tasted so good to {h.obj} as that half, {place.seat}, with {place.sound} for music.
- They ate slowly, so that it would last, and gave the crumbs to a {place.creature}.
- {h} ate every crumb {place.seat} and licked {his} fingers {number} times.
""",
    "item_lunch box_end": """
- The next {weekday} there was {treat} in {h.poss} lunch box, and half of it was for {f.obj}.
- {evening} {h} wrote "lunch box" on a {colour} piece of paper, and under it: "half for {f.name}".
- The lunch box was still lying {kept1} when {h} came home, but now there were two spoons in it, one for {f.obj}.
""",
    "item_lantern": """
- {h} stayed too long {place.spot}, and {soon} it was so dark that {he} could not see {his} own {boots}.
- The sun went down behind the {landmark}, and without the lantern {h} could hardly see {his} own feet.
- When {h} wanted to go home, it was dark {place.at}, and the lantern was not there.

- {h} felt {his} way {place.path} in the dark and bumped into a {post}.
- "Is this the {landmark} or the {door}?" {h.asked} into the dark. Nothing answered but {place.sound}.
- In the dark {h} stepped on {find}, and something {place.spot} rustled.

- Then {h} saw a small light swing {place.path}. It was {g}, with a {lamp_colour} lamp.
- "Who is stumbling about there?" {g.cried}, and held up a {lamp_colour} lamp.
- "Stay where you are!" {g.cried} from the {door}. "I have a light and {treat}."

- {g} walked in front with the lamp, and {h} saw that the monster by the {landmark} was only a {post}.
- Side by side they went {place.path}, and by the light of the lamp {g} told {h.obj} about {memory}.
- In the light of the lamp the {landmark} looked small and friendly, and {g} gave {h.obj} {treat} for the road.
""",
    "item_lantern_end": """
- {evening} {h} filled {his} lantern with oil and hung it {home}, ready for the next {weekday}.
- On {weekday} {h} brought the lantern, and this time {he} lit the way home for {g.obj}.
- Now when {h} sees a light {place.at}, {he} thinks of the {lamp_colour} lamp of {g.obj}, and takes {his} lantern
  along.
""",
    # ---------------------------------------------------------------- lost: thing, loss, giver
    "lost": """
@open

- In {h.poss} [pocket|hand|bag] was {thing.a}, which {giver} had [given|sent] {h.him} [for {h.his} birthday|at
  Christmas|when {h.he} was ill].
- Wherever {h} went, {he} took {thing.a} along, because {giver} had [made|bought|found|mended] it for {h.him}.
- What {h} loved most of all was {thing.a}, and it came from {giver}.
- {giver} had given {h.obj} {thing.a}, and {h.he} had sworn to keep it [for ever|for a hundred years|until {h.he} was
  old].

@loss_{loss}

=

?
- "My {thing}!" {h.cried}. "{giver.name} will be so {sad} if I have lost it."
- {h} felt hot and cold. What would {giver} say about the {thing.full}?
- "I still had the {thing} by the {landmark2}," {h.said}. {h} turned round and went back {place.path}.

?
- {h} looked {place.spot} and {place.spot}. All {he} found was {find}.
- First {h} searched {place.spot}, then {place.spot}, where there was only {find}.
- Was it {place.spot}, or perhaps {place.spot}? There {h} found {find}, but not the {thing}.

?
- {f} came along. "A {thing.full}?" {f.asked}. "I will help you look {place.spot}."
- "What are you looking for {place.spot}?" {f.asked}. "For my {thing.full}," {h.said}. "Then I will look
  {place.spot}," {f.said}.
- "Two can look twice as well as one," {f.said}, and crawled {place.spot} to look for the {thing.full}.

@side

=

@found_{loss}

?
- {h} wiped the {thing} on {his} {clothes} and {softly} put it [away|back|into {his} bag]. "Thank you, and {treat} is
  what you get," {h.said} to {f.obj}.
- "There you are!" {h.cried} to the {thing.full}, and hugged first the {thing} and then {f.obj}.
- {h} was so {glad} that {he} danced with {f.obj} {place.path} with the {thing} in {his} hand.

@mended_{loss}

?
- And the {thing.full}? It has its place {home} now, and {h} says good night to it before {he} goes to sleep.
- {giver} never heard how long the {thing.full} had been gone, because {h} and {f} told nobody.
- When {giver} came to visit on {weekday}, {h} told how {f} had helped to find the {thing.full}, and there was {treat}
  for everyone.
- Ever since, {h} has counted {his} treasures at night: the {thing.full} first, and {find} from that day last.
""",
    "loss_pocket": """
- There was a hole in {h.poss} [left|right|coat|trouser] pocket, though, no bigger than a {small}, and [somewhere
  {place.path}|while {he} was watching {place.sight}] the {thing} slipped out.
- What {h} did not know was that there was a hole in {his} [left|right|coat|trouser] pocket. [Step by step|Bit by bit]
  the {thing} slid towards it, and fell without a sound onto {place.ground}.

- Near the {landmark} {h} put {his} hand in {his} empty pocket and found that {he} could push {number_small} fingers
  through the hole.
- When {h} reached for the {thing} by the {landmark}, {his} fingers went right through the hole.
""",
    "found_pocket": """
- "What is shining there {there=place.spot}?" {f.asked}. It was the {thing.full}, [half hidden by a leaf|covered with
  dust|not even scratched].
- It was {f} who saw something {there=place.spot}. A {place.creature} was pushing the {thing.full} about as if it were
  {treat}.
""",
    "mended_pocket": """
- {evening} {h} took a needle and {colour} thread and sewed up the hole in {his} pocket with {number} stitches.
- The same day {h} asked {e.obj} for a needle, and they sewed up the hole in {his} pocket with {colour} thread.
""",
    "loss_wind": """
- Then a gust of wind came {place.path} and tore the {thing} out of {h.poss} hand.
- {h} held it up to show it to a {place.creature}. Just then the wind took the {thing} and blew it away over the
  {landmark}.

- Up it went, over {number} {roofs}, {turned} twice, and was gone behind the {landmark}.
- {h} ran after it {place.path}, but the wind was faster, and the {thing} sailed away over {number} {roofs}.
""",
    "found_wind": """
- "Look up!" {f.cried}. The {thing.full} was hanging in a {tree1} beside the {landmark}, [higher than a house|just out
  of reach|upside down].
- {f} pointed. In the top of a {tree1}, between {number} angry {bird}s, hung the {thing.full}.

?
- {h} climbed on {f.poss} shoulders and fished it down with a {pole}.
- {f} held the ladder, and {h} went up {number} rungs and freed the {thing} from the twigs.
- They tied a {pole} to a {pole}, and after {number} tries the {thing} came down with a shower of {tree1} leaves.
""",
    "mended_wind": """
- {h} tied the {thing} to {his} wrist with a {colour} string, so that no wind could take it again.
- On windy {weekday}s the {thing} has stayed at home ever since, {home}.
""",
    "loss_dog": """
- {h} put the {thing} down {place.seat}, only to eat {treat}, and that was enough for {pet}, the dog of {g.obj}. Away
  ran {pet} with the {thing}.
- Out of nowhere came {pet}, the dog of {g.obj}, snatched the {thing}, and raced off {place.path}.

- "Stop, {pet}!" {h.cried}, but {pet} thought it was a game and ran round the {landmark} {number} times.
- {h} ran until {he} had no breath left, but {pet} had four legs and was gone behind the {landmark}.
""",
    "found_dog": """
- "A dog hides things where it smells of {treat_bare}," {f.said}. And so it was: {pet} lay {there=place.spot} with the
  {thing.full} between its paws.
- Then they heard barking {there=place.spot}. {f} held out {treat}, and {pet} dropped the {thing.full} at once.

?
- "Bad {pet}," {g.said}, who had come {place.path} to look for the dog, and gave {h.obj} {treat}.
- {g} came and was ashamed of {pet}. "It was {find} on {weekday} and {find} on {weekday}, and now a {thing},"
  {g.said}.
""",
    "mended_dog": """
- The {thing} had {number_small} tooth marks, and {h} was almost proud of them when {he} showed them to {e.obj}.
- {h} forgave {pet}, for a dog only wants to play, and on {weekday} {h} threw {pet} {find} to fetch instead.
""",
    "loss_bird": """
- {h} laid the {thing} in the sun {place.seat} and turned round to watch {place.sight}. When {he} looked again, the
  {thing} was gone.
- While {h} was eating {treat}, something black and white flew past {h.obj}, and the {thing} was gone.

- {h} saw a feather, black and white, where the {thing.full} had been.
- There was nothing left {place.spot} but a black and white feather and {find}.
""",
    "found_bird": """
- "Black and white, and fond of shiny things: a magpie has your {thing.full}," {f.said}. They looked up into every
  {tree1} by the {landmark}.
- {f} looked at the feather. "A magpie has taken it," {f.said}, and pointed at a nest in the {tree1} by the
  {landmark}.

- In the nest lay a spoon, {number} {colour} beads, {find}, and on top of it all the {thing.full}.
- {h} climbed up and found the {thing.full} in the nest, between {find} and a bit of {colour} glass.
""",
    "mended_bird": """
- {h} left a {colour} bead in the nest in its place, so that the magpie would not be too {sad}.
- "A magpie cannot know what is mine," {h.said}, and gave it {find} instead.
""",
    "loss_water": """
- {h} leaned over the water to look at a {place.creature}, and plop, there went the {thing.full}.
- A {place.creature} splashed so suddenly {place.spot} that {h} jumped, and the {thing} fell into the water.

- The {thing} bobbed once, twice, and floated away past {number} {colour} boats.
- {h} lay down on {place.ground} and reached for it, but the {thing} was already floating away past the {landmark}.
""",
    "found_water": """
- "It cannot go farther than the {landmark2}," {f.said}. And there it was, turning in circles {there=water_spot}.
- {f} ran ahead and saw the {thing.full} come floating, with a {place.creature} behind it.

- {h} held {f.obj} by the {clothes} while {f.he} pulled the {thing} out with a {pole}.
- With a {pole} and {number} tries they fished it out, dripping and cold.
""",
    "mended_water": """
- The {thing} had to dry by the stove for {number} days, next to {h.poss} wet {clothes}.
- {evening} the {thing} lay by the stove to dry, and it has smelled of {place.smell} ever since.
""",
    # ---------------------------------------------------------------- swap: first, second, goal
    "swap": """
@open

- "I want {goal.one} more than anything," {h.said} to {e.obj}, "because {why3}."
- "If only I had {goal.one}!" {h.said}. "{why3}, and what can one do without {goal.one}?"
- "{why3}," {h.said} to {e.obj}. "I wish I had {goal.one}!" "Then find one before {weekday}," {e.said}.
- There was only one thing {h} wished for, and that was {goal.one}. "{why3}," {he} told everyone who would listen.

- But all that {h} owned was {first.a}.
- {h} had no money, only {first.a} from {his} last birthday.
- {h} turned out {his} pockets, and there was {find}, and there was {first.a}, and that was all.

=

- {place.at} {h} met {g}, who looked {sad}. "{why1}, and so I need {first_kind}," {g.said}.
- {place.at} stood {g}. "Oh dear, {why1}," {g.said}, "and where in all of {month} shall I find {first_kind}?"
- {g} was sitting {place.seat}, looking {sad}. "Do not ask," {g.said}. "{why1}, and what I need is {first_kind}."

- "Take my {first.full}," {h.said}. "It is yours, and I hope it helps against {sorrow}." {g} was so {glad} that {g.he}
  gave {h.obj} {second.a} in return.
- {h} thought about it for as long as it takes to eat {treat_one}. Then {he} held out the {first.full}, and {g} gave
  {h.obj} {second.a} in return.
- "Would you like my {first.full}?" {h.asked}. "Indeed I would," {g.said}, "and you must take my {second.full} for
  it."

?
- Now {g} had the {first}, and {h} went on {place.path} with {his} {second.full}.
- So the {first} went to {g.obj}, and {h} walked on {place.path} with the {second.full} on {his} shoulder.

@side

=

- Near the {landmark} {h} heard somebody sigh. It was {f}. "{why2}," {f.said}.
- By the {landmark} {f} was walking up and down. "{why2}," {f.said}, "and nobody has {second_kind}."
- {f} was standing {place.spot}, close to tears, and said: "{why2}, and where can I get {second_kind}?"

- "A {second}? I have one here," {h.said}, and gave {f.obj} the {second.full}.
- "Look what I have got from {g.name}," {h.said}, and put the {second.full} into {f.poss} hands.
- Without a word {h} handed {f.obj} the {second.full}.

- "Then you must have this," {f.said}, and out of {f.his} bag came {goal.a}!
- {f} ran home and came back with {goal.a}. "I have not used the {goal} since {month2}," {f.said}.
- "Wait here," {f.said}, and {later} {f.he} brought {goal.a} and laid it in {h.poss} hands.

=

?
- {evening} three people were {glad}: {g} had the {first.full}, {f} the {second.full}, and {h} the {goal.full}.
- "I gave away a {first} and got a {goal}," {h.said} to {e.obj} {evening}. "And nobody in all of {month} was {sad}
  about it."
- {h} hung the {goal.full} {home}. When {e} asked what it had cost, {h} said: "One {first} and two [smiles|good
  turns|long walks]."
""",
}
