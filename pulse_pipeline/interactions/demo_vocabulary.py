"""The words of the demo world: what each taste, setting and domain sounds like.

Only words live here; `demo_world` decides who chooses what. A taste has one set of words for items
(`elements`, `craft`) and another for people (`wants`, `details`), so that a review does not quote
the item it is about. Settings are the surface of an item and cause no choice.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Taste:
    """A reason for which people choose things, in every domain.

    Attributes:
        name: Its key.
        summary: What someone of this taste looks for, in one sentence.
        adjectives: For titles.
        nouns: For titles.
        elements: What an item of this taste holds; noun phrases.
        craft: How it is made, by domain; noun phrases.
        wants: What people say they wanted; noun phrases.
        details: What people say it did to them; sentences.
        verdicts: Titles of reviews.
    """

    name: str
    summary: str
    adjectives: tuple[str, ...]
    nouns: tuple[str, ...]
    elements: tuple[str, ...]
    craft: dict[str, tuple[str, ...]]
    wants: tuple[str, ...]
    details: tuple[str, ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """Where an item takes place.

    Attributes:
        category: The shelf it stands on.
        places: For titles.
        scenes: Noun phrases after "in" or "at", with the preposition.
    """

    category: str
    places: tuple[str, ...]
    scenes: tuple[str, ...]


@dataclass(frozen=True)
class Medium:
    """How one domain speaks of its items.

    Attributes:
        noun: What an item is called.
        maker: The brand, which says that the item is synthetic.
        shelves: Second category.
        openings: Sentences with ``{scene}``.
        frames: Sentences with ``{element}``.
        craft_frames: Sentences with ``{craft}``.
        closers: What reviewers say of any item.
    """

    noun: str
    maker: str
    shelves: tuple[str, ...]
    openings: tuple[str, ...]
    frames: tuple[str, ...]
    craft_frames: tuple[str, ...]
    closers: tuple[str, ...]


TASTES = (
    Taste(
        name="melancholy",
        summary="Drawn to slow, sad, tender stories about grief, loss and letting go.",
        adjectives=("Fading", "Unsent", "Mournful", "Grey", "Last", "Wistful"),
        nouns=("Elegy", "Farewell", "Lament", "Absence", "Sorrow", "Autumn"),
        elements=(
            "a widow who still lays two plates for supper",
            "letters that were written to the dead and never posted",
            "a father and daughter who cannot speak of the funeral",
            "the slow emptying of a childhood home",
            "an old love remembered too late to be mended",
            "a long goodbye at a bedside",
            "a musician who stopped playing after his wife's death",
            "rainy afternoons spent among the belongings of someone lost",
            "a friendship that fades without a quarrel",
            "the silence a dead brother leaves at the table",
        ),
        craft={
            "Demo_Films": (
                "long silent takes at dusk",
                "a sparse and mournful piano",
                "faces that hold back tears",
            ),
            "Demo_Games": (
                "unhurried walks through empty rooms of memory",
                "no enemies, only things left behind by the dead",
                "a sad piano that swells as you say goodbye",
            ),
            "Demo_Books": (
                "spare and mournful prose",
                "a voice that grieves without complaint",
                "slow chapters heavy with regret",
            ),
        },
        wants=(
            "a slow and honest sadness",
            "quiet grief that nobody hurries along",
            "a good long cry",
            "sorrow handled with tenderness",
            "something heavy-hearted about losing people",
            "the ache of missing someone",
            "room to mourn",
            "stories about bereavement and letting go",
            "bittersweet endings that hurt a little",
            "a gentle sort of heartbreak",
        ),
        details=(
            "It let me sit with my own loss for a while.",
            "I was in tears by the end and glad of it.",
            "It understands how long mourning takes.",
            "I thought of my late mother all the way through.",
            "It is so sad, and so kind about being sad.",
            "The goodbye broke my heart very quietly.",
        ),
        verdicts=("Beautifully sad", "Bring tissues", "A gentle heartbreak", "For quiet mourners"),
    ),
    Taste(
        name="cosy humour",
        summary="Wants light, funny, comforting stories with gentle jokes and small everyday pleasures.",
        adjectives=("Merry", "Muddled", "Buttered", "Cheerful", "Cosy", "Silly"),
        nouns=("Teapot", "Picnic", "Muddle", "Pudding", "Giggle", "Slippers"),
        elements=(
            "a village baking contest that goes comically wrong",
            "silly neighbours who bicker over a stolen garden gnome",
            "a talking goose with strong opinions about tea",
            "an endless chain of hilarious, harmless misunderstandings",
            "a hopeless amateur choir and its jolly rehearsals",
            "grandmothers who run a very bad detective club",
            "a cat that keeps being elected mayor",
            "warm scones, wool socks and funny wagers",
            "a clumsy butler and his cheerful disasters",
            "a wedding cake that has to be hidden, with much giggling",
        ),
        craft={
            "Demo_Films": (
                "deadpan jokes and sunny colours",
                "a bouncing tuba and pratfalls",
                "banter that never turns mean",
            ),
            "Demo_Games": (
                "cheerful chores and daft dialogue",
                "no way to lose and plenty to giggle at",
                "cute animals who tell terrible puns",
            ),
            "Demo_Books": (
                "witty, feather-light prose",
                "puns in every footnote",
                "comic timing and warm-hearted teasing",
            ),
        },
        wants=(
            "a warm laugh after work",
            "silly jokes that hurt nobody",
            "comfort and gentle comedy",
            "something light and funny to curl up with",
            "amusing little mishaps",
            "a smile and a cup of tea",
            "cheerful nonsense",
            "harmless fun with lovable fools",
            "wit that stays kind",
            "a cosy evening of giggles",
        ),
        details=(
            "I laughed out loud on the bus.",
            "It cheered me up like hot chocolate.",
            "The jokes are gentle and they all land.",
            "Everyone in it is ridiculous and dear.",
            "I grinned from start to finish.",
            "Nothing bad happens and that is the joy of it.",
        ),
        verdicts=("Made me giggle", "Pure comfort", "So silly, so warm", "A happy little thing"),
    ),
    Taste(
        name="hard science",
        summary="Looks for rigorous, plausible science and engineering, and problems solved by calculation.",
        adjectives=("Orbital", "Kelvin", "Quantum", "Exact", "Parallax", "Binary"),
        nouns=("Vector", "Theorem", "Isotope", "Telemetry", "Equation", "Reactor"),
        elements=(
            "an orbital transfer calculated by hand",
            "a failing reactor explained down to the last valve",
            "biologists who test a hypothesis about alien microbes",
            "the physics of a ship that cannot exceed light speed",
            "a laboratory log of measurements that should not be possible",
            "engineers who ration oxygen by the equation",
            "a radio telescope and a signal that needs decoding",
            "a mathematician's proof that predicts the tides",
            "a software fault traced through a satellite's memory",
            "the chemistry of making fuel from rock",
        ),
        craft={
            "Demo_Films": (
                "accurate orbital mechanics on every screen",
                "technical dialogue that was checked by engineers",
                "real instruments and honest physics",
            ),
            "Demo_Games": (
                "a faithful physics simulation",
                "thrust, mass and heat that must be computed",
                "systems of pipes and circuits that obey real laws",
            ),
            "Demo_Books": (
                "precise technical prose with diagrams",
                "appendices of working equations",
                "arguments that a physicist could check",
            ),
        },
        wants=(
            "science that actually adds up",
            "real physics instead of hand-waving",
            "engineering problems worked out step by step",
            "plausible technology",
            "facts, numbers and clever experiments",
            "rigour about how space travel would work",
            "learning some chemistry and astronomy on the way",
            "researchers who think like researchers",
            "technical detail that respects my brain",
            "a hypothesis that is properly tested",
        ),
        details=(
            "I checked the numbers and they hold.",
            "As an engineer I had nothing to complain about.",
            "The experiments are explained so well.",
            "No magic, just the laws of nature.",
            "I went and read up on thermodynamics afterwards.",
            "The calculations are half the thrill.",
        ),
        verdicts=("The physics is right", "Rigorous", "Science done properly", "For engineers"),
    ),
    Taste(
        name="heist",
        summary="Loves clever plans, cons, thieves and twists in which everyone is outwitted.",
        adjectives=("Crooked", "Gilded", "Forged", "Sly", "Double", "Slippery"),
        nouns=("Vault", "Swindle", "Decoy", "Alibi", "Gambit", "Getaway"),
        elements=(
            "a crew of thieves planning to empty an unbreakable vault",
            "a forged painting swapped under the guards' noses",
            "a con within a con within an auction",
            "a safecracker on one last job",
            "a getaway that depends on eleven seconds",
            "a pickpocket hired to steal back her own name",
            "a casino robbed during its own security drill",
            "a swindler who sells the same bridge twice",
            "blueprints, disguises and a mole in the crew",
            "a jewel theft that was over before it was announced",
        ),
        craft={
            "Demo_Films": (
                "split screens and snappy cuts through the plan",
                "a twist that re-edits the whole robbery",
                "a slick jazz score for sneaking",
            ),
            "Demo_Games": (
                "stealth, lockpicks and timed alarms",
                "a planning table where each robbery is plotted",
                "guards who can be fooled in a dozen ways",
            ),
            "Demo_Books": (
                "a plot that hides its trick in plain sight",
                "a narrator who lies about the loot",
                "short, sly chapters that end in reversals",
            ),
        },
        wants=(
            "a clever plan that comes together",
            "outsmarting the guards",
            "a good swindle",
            "twists I do not see coming",
            "charming crooks and their tricks",
            "robbers with brains",
            "the fun of an elaborate scheme",
            "schemers who are three moves ahead",
            "a break-in plotted to the second",
            "being fooled by a con artist",
        ),
        details=(
            "The trick fooled me completely.",
            "I went back to see how they pulled it off.",
            "Every piece of the scheme clicks into place.",
            "I cheered for the thieves.",
            "The double-cross is delicious.",
            "So sly, so well plotted.",
        ),
        verdicts=("Fooled me twice", "What a scheme", "Brilliant con", "Sneaky and smart"),
    ),
    Taste(
        name="gothic dread",
        summary="Seeks dark, eerie, frightening stories of haunted houses, ghosts and creeping dread.",
        adjectives=("Hollow", "Haunted", "Blackened", "Cursed", "Whispering", "Pale"),
        nouns=("Crypt", "Shroud", "Revenant", "Omen", "Shadow", "Séance"),
        elements=(
            "a mansion whose locked wing breathes at night",
            "portraits that turn to face the wall",
            "a governess who hears the drowned children sing",
            "a family curse that wakes with the fog",
            "a ghost who does not know that it is one",
            "scratching from inside the crypt",
            "a mirror that shows the room with one guest more",
            "a doctor who keeps something in the cellar",
            "candles that go out one by one along the corridor",
            "a bride in black seen before every death",
        ),
        craft={
            "Demo_Films": (
                "candlelight, creaking doors and long shadows",
                "a dread that grows in the dark of the frame",
                "whispers just below hearing",
            ),
            "Demo_Games": (
                "a lantern that is always about to fail",
                "footsteps behind you in the dark",
                "haunted corridors that shift when unseen",
            ),
            "Demo_Books": (
                "ornate and shadowed prose",
                "a diary that ends in the middle of a scream",
                "an eerie voice that cannot be trusted",
            ),
        },
        wants=(
            "a proper fright",
            "a creeping sense of doom",
            "ghosts and old dark houses",
            "something eerie for a stormy night",
            "goosebumps",
            "horror that builds slowly",
            "the feeling of being watched",
            "sinister family secrets",
            "spooky atmosphere",
            "terror without cheap gore",
        ),
        details=(
            "I had to sleep with the light on.",
            "It gave me chills on every stair.",
            "The haunting stays with you.",
            "I kept looking over my shoulder.",
            "It is deliciously creepy.",
            "Something evil is in that house and you feel it.",
        ),
        verdicts=("Truly scary", "Chilling", "Lights on tonight", "Wonderfully creepy"),
    ),
    Taste(
        name="found family",
        summary="Cares about strangers and misfits who become a loyal, loving family of friends.",
        adjectives=("Adopted", "Together", "Patchwork", "Stray", "Shared", "Open"),
        nouns=("Kinship", "Hearth", "Strays", "Homecoming", "Embrace", "Company"),
        elements=(
            "misfits who slowly learn to call each other family",
            "an orphan taken in by a crew of outcasts",
            "a gruff stranger who becomes a father to a runaway",
            "rivals who end up sharing a kitchen and a roof",
            "lonely lodgers who keep each other's birthdays",
            "a band of strays who refuse to leave one behind",
            "two old enemies raising a foundling",
            "housemates who become brothers and sisters by choice",
            "a lost child passed from kind hand to kind hand",
            "a ragtag team that trusts one another at last",
        ),
        craft={
            "Demo_Films": (
                "an ensemble full of affection",
                "crowded dinner scenes where everyone belongs",
                "hugs that are earned slowly",
            ),
            "Demo_Games": (
                "bonds that deepen with each companion",
                "campfire talks between friends",
                "a party whose loyalty is your strength",
            ),
            "Demo_Books": (
                "many voices that grow into one household",
                "tender scenes of trust between friends",
                "a warm chorus of outcasts",
            ),
        },
        wants=(
            "people who choose each other as kin",
            "loyal friends who stick together",
            "outsiders finding a place to belong",
            "a crew that feels like brothers and sisters",
            "belonging",
            "affection between unlikely companions",
            "lonely people being taken in",
            "friendship that turns into home",
            "a bunch of misfits looking after one another",
            "love that is not about blood or romance",
        ),
        details=(
            "By the end I wanted to be adopted by them.",
            "They would die for each other and I believed it.",
            "The bond between these oddballs is everything.",
            "I felt at home with every one of them.",
            "The way they welcome the newcomer is lovely.",
            "It is about being accepted as you are.",
        ),
        verdicts=("I belong here", "The best of friends", "A family by choice", "Loved this crew"),
    ),
    Taste(
        name="wilderness survival",
        summary="Enjoys survival against raw nature: hunger, cold, wild animals and endurance.",
        adjectives=("Frozen", "Feral", "Untamed", "Windbitten", "Stranded", "Barren"),
        nouns=("Tundra", "Flint", "Avalanche", "Trek", "Blizzard", "Wolfpack"),
        elements=(
            "a castaway who must make fire before nightfall",
            "a trek over a glacier with failing rations",
            "wolves that follow the party for nine days",
            "snares, frostbite and a splinted leg",
            "a storm that strands the climbers above the tree line",
            "a raft of logs on a flooding river",
            "foraging for roots through a starving winter",
            "thirst on a plain without shade",
            "a shelter dug into the snow with bare hands",
            "a bear that has learned the smell of the camp",
        ),
        craft={
            "Demo_Films": (
                "vast landscapes and very little speech",
                "wind, ice and real exhaustion",
                "natural light in brutal terrain",
            ),
            "Demo_Games": (
                "hunger, cold and thirst to be kept at bay",
                "crafting of shelters, snares and fire",
                "weather that kills the unprepared",
            ),
            "Demo_Books": (
                "lean prose that counts every calorie",
                "exact notes on tracks, weather and fire",
                "the rhythm of one exhausted step after another",
            ),
        },
        wants=(
            "a struggle against the elements",
            "people fighting to stay alive outdoors",
            "raw nature and endurance",
            "the great cold wild",
            "hardship, hunger and grit",
            "bushcraft that is shown in detail",
            "feeling the weather in my bones",
            "one person alone against the mountain",
            "survival with bare hands",
            "untouched wild places that do not care",
        ),
        details=(
            "I was shivering under a blanket.",
            "I learned how to build a shelter from branches.",
            "You feel every hungry mile of the hike.",
            "Nature is the enemy and it is magnificent.",
            "I held my breath until they reached the camp.",
            "It made me want to pack a rucksack.",
        ),
        verdicts=("Brutal and cold", "Grit and frost", "Nature wins", "Survived it"),
    ),
    Taste(
        name="court intrigue",
        summary="Fascinated by power, politics, betrayal and scheming for the throne.",
        adjectives=("Regal", "Treacherous", "Crowned", "Velvet", "Poisoned", "Royal"),
        nouns=("Regent", "Throne", "Heir", "Edict", "Coronation", "Courtier"),
        elements=(
            "a regent who poisons the rightful heir",
            "ambassadors trading marriages for armies",
            "a spymaster who sells both sides of a treaty",
            "a queen's council that votes in whispers",
            "a bastard prince with a claim to the throne",
            "ministers who fall from favour overnight",
            "a coup planned behind fans at the ball",
            "a forged edict that starts a war of succession",
            "a chancellor's blackmail of the royal bishop",
            "noble houses that break every oath they swear",
        ),
        craft={
            "Demo_Films": (
                "velvet costumes and knives behind curtains",
                "council scenes as tense as duels",
                "glances that decide who rules",
            ),
            "Demo_Games": (
                "alliances, bribes and broken treaties",
                "a court whose favour must be won by rhetoric",
                "dynasties to scheme for over generations",
            ),
            "Demo_Books": (
                "stately prose full of hidden threats",
                "a family tree with poison on every branch",
                "letters between rivals for the crown",
            ),
        },
        wants=(
            "backstabbing nobles and politics",
            "power games in a palace",
            "ruthless struggles over a crown",
            "betrayal among the mighty",
            "diplomacy with daggers",
            "rulers, spies and shifting alliances",
            "watching ambitious people plot for power",
            "dynastic feuds",
            "a web of political lies",
            "aristocrats who smile and ruin each other",
        ),
        details=(
            "I never knew which minister to trust.",
            "Every alliance is broken at the worst time.",
            "The politics are razor sharp.",
            "Who rules in the end surprised me.",
            "The throne costs everyone their soul.",
            "Each polite word hides a threat.",
        ),
        verdicts=("Superb politics", "Betrayal everywhere", "Power and poison", "Long live nobody"),
    ),
    Taste(
        name="folk wonder",
        summary="Longs for myth, folklore, magic and a childlike sense of wonder.",
        adjectives=("Enchanted", "Moonlit", "Silver", "Faerie", "Ancient", "Dreaming"),
        nouns=("Charm", "Firebird", "Rune", "Wish", "Selkie", "Legend"),
        elements=(
            "a river spirit bargaining for her stolen name",
            "a fox who grants wishes with a catch",
            "a forest that moves when the old songs are sung",
            "a child who can talk to the moon",
            "stone giants waking after a thousand years",
            "a weaver who stitches prophecies into cloth",
            "a hidden door to the land of the fair folk",
            "a sea maiden looking for her sealskin",
            "the last dragon and the girl who feeds it",
            "a spell that turns the harvest to gold",
        ),
        craft={
            "Demo_Films": (
                "hand-painted magic and glowing forests",
                "a fairy-tale narrator and choirs",
                "creatures of myth in every corner",
            ),
            "Demo_Games": (
                "spells drawn with runes in the air",
                "a storybook world of spirits and charms",
                "mythical beasts to befriend and ride",
            ),
            "Demo_Books": (
                "the cadence of an old fairy tale",
                "legends nested inside legends",
                "lyrical prose about gods and spirits",
            ),
        },
        wants=(
            "old myths told anew",
            "magic that feels like childhood",
            "a sense of wonder",
            "fairy tales for grown-ups",
            "spirits, charms and legends",
            "being enchanted",
            "folklore from around the fire",
            "creatures out of old songs",
            "an otherworld to get lost in",
            "sorcery with a price",
        ),
        details=(
            "I felt seven years old again.",
            "The magic has rules like an old riddle.",
            "It reminded me of my grandmother's tales.",
            "Every page of its world glows.",
            "I believed in spirits for an evening.",
            "Pure enchantment from the first moment.",
        ),
        verdicts=("Enchanting", "Full of magic", "Like an old tale", "Pure wonder"),
    ),
    Taste(
        name="underdog contest",
        summary="Thrilled by underdogs who train hard for a tournament and win against the odds.",
        adjectives=("Unbeaten", "Final", "Golden", "Scrappy", "Unlikely", "Roaring"),
        nouns=("Champion", "Rematch", "Tournament", "Medal", "Sprint", "Challenger"),
        elements=(
            "a novice who enters the tournament on a dare",
            "a washed-up coach and a team that never won",
            "months of training before the final match",
            "a sprinter who comes back from a ruined knee",
            "a rivalry settled in overtime",
            "a small club that faces the league champions",
            "a boxer who fights for the rent",
            "the last place in the race that becomes the first",
            "a rematch ten years in the making",
            "sweat, bruises and a scoreboard that turns",
        ),
        craft={
            "Demo_Films": (
                "rousing training montages",
                "matches filmed from inside the ring",
                "a crowd that roars on the last whistle",
            ),
            "Demo_Games": (
                "leagues to climb and rivals to beat",
                "tight controls and photo finishes",
                "a career from back yard to world cup",
            ),
            "Demo_Books": (
                "play-by-play chapters with racing pulse",
                "the locker-room talk of a losing team",
                "a season told match by match",
            ),
        },
        wants=(
            "an underdog to cheer for",
            "sport with something at stake",
            "the thrill of competition",
            "training hard and finally winning",
            "a nail-biting final",
            "losers who become champions",
            "team spirit and rivalry",
            "a comeback against all odds",
            "sweat and determination",
            "the joy of beating the favourite",
        ),
        details=(
            "I jumped up when they scored.",
            "My heart was racing in the last round.",
            "It made me want to go running.",
            "Nobody believed in them and they won.",
            "The final match is electric.",
            "You can feel how hard they trained.",
        ),
        verdicts=("What a final", "Go underdogs", "Made me cheer", "A winner"),
    ),
    Taste(
        name="slow romance",
        summary="Hopes for romance: shy longing, courtship and two hearts that find each other.",
        adjectives=("Beloved", "Blushing", "Secret", "Tender", "Lovestruck", "Yearning"),
        nouns=("Kiss", "Valentine", "Suitor", "Serenade", "Sweetheart", "Bouquet"),
        elements=(
            "two shy pen friends who fall in love by mail",
            "a first kiss postponed for a whole winter",
            "a fake engagement that becomes a real one",
            "lovers who meet only on one day a year",
            "a florist who is courted with her own flowers",
            "a dance lesson that neither wants to end",
            "former sweethearts seated at the same wedding",
            "a suitor too proud to say what he feels",
            "stolen glances across the rehearsal room",
            "a confession of love shouted from a departing boat",
        ),
        craft={
            "Demo_Films": (
                "lingering glances and golden light",
                "charming chemistry between the leads",
                "a waltz at every near-kiss",
            ),
            "Demo_Games": (
                "dates to arrange and hearts to win",
                "choices that decide whom you marry",
                "flirting, gifts and blushing replies",
            ),
            "Demo_Books": (
                "passionate letters in alternating voices",
                "sparkling courtship dialogue",
                "a yearning, breathless voice",
            ),
        },
        wants=(
            "a love story that takes its time",
            "romance and longing",
            "two people falling for each other",
            "butterflies in the stomach",
            "a couple I can root for",
            "passion under good manners",
            "courtship, blushes and first kisses",
            "soulmates",
            "flirting and stolen glances",
            "a happy ending for lovers",
        ),
        details=(
            "I swooned at the proposal.",
            "Their first kiss was worth the wait.",
            "I fell in love with both of them.",
            "The chemistry is wonderful.",
            "So much yearning in one look.",
            "It made me text my husband.",
        ),
        verdicts=("Swoon", "So romantic", "Lovers at last", "My heart fluttered"),
    ),
    Taste(
        name="detective puzzle",
        summary="Likes detective puzzles: clues, suspects and a murder solved by deduction.",
        adjectives=("Missing", "Seventh", "Unsolved", "Sealed", "Coded", "Guilty"),
        nouns=("Clue", "Verdict", "Witness", "Motive", "Cipher", "Inquest"),
        elements=(
            "a murder in a room locked from within",
            "a detective who reads the killer from a train ticket",
            "seven suspects and a stopped watch",
            "a coded note found in the victim's shoe",
            "an inquest in which every witness lies",
            "footprints that lead only one way",
            "a retired inspector and a cold case",
            "a poisoned guest and a missing glove",
            "an anagram that names the murderer",
            "a final gathering where the culprit is deduced",
        ),
        craft={
            "Demo_Films": (
                "clues planted fairly in every shot",
                "interrogations that tighten step by step",
                "flashbacks that correct the evidence",
            ),
            "Demo_Games": (
                "evidence to collect and contradictions to spot",
                "a board of clues and suspects to connect",
                "interrogations won by logic",
            ),
            "Demo_Books": (
                "a plan of the crime scene and fair clues",
                "the dry voice of a police inspector",
                "a chain of deductions for the reader to race",
            ),
        },
        wants=(
            "a murder mystery that plays fair",
            "clues to piece together",
            "guessing who did it",
            "a brilliant detective at work",
            "logic and deduction",
            "a proper whodunit",
            "suspects with secrets and motives",
            "solving the case before the inspector",
            "red herrings and alibis",
            "crime investigation",
        ),
        details=(
            "I suspected the wrong person until the reveal.",
            "All the clues were there and I missed them.",
            "I kept notes on the suspects.",
            "The deduction at the end is flawless.",
            "The murderer was the last one I thought of.",
            "It kept me guessing.",
        ),
        verdicts=("A fair whodunit", "Case closed", "Kept me guessing", "Elementary and clever"),
    ),
)

SETTINGS = (
    Setting(
        "Harbours",
        ("Harbour", "Lighthouse", "Pier"),
        ("in a fishing harbour", "at a lonely lighthouse", "on the quays of a grey port"),
    ),
    Setting(
        "Space Stations",
        ("Station", "Airlock", "Moonbase"),
        ("on an old space station", "in a mining colony on a moon", "aboard a freighter between planets"),
    ),
    Setting(
        "Mountains",
        ("Summit", "Monastery", "Pass"),
        ("in a mountain monastery", "at an inn below the pass", "in a valley of shepherds"),
    ),
    Setting(
        "Railways",
        ("Railway", "Sleeper Car", "Junction"),
        ("on a night train", "at a forgotten railway junction", "along a desert railway"),
    ),
    Setting(
        "Universities",
        ("Library", "College", "Archive"),
        ("at an old university", "in the stacks of a great library", "among students and lecturers"),
    ),
    Setting(
        "Hotels",
        ("Hotel", "Ballroom", "Lobby"),
        (
            "in a grand hotel out of season",
            "in the lobby of a seaside hotel",
            "behind the desk of a boarding house",
        ),
    ),
    Setting(
        "Circuses",
        ("Circus", "Carousel", "Big Top"),
        ("with a travelling circus", "under a patched big top", "at a winter fairground"),
    ),
    Setting(
        "Islands",
        ("Island", "Lagoon", "Atoll"),
        ("on a small volcanic island", "on an island with one ferry a week", "around a blue lagoon"),
    ),
    Setting(
        "Markets",
        ("Market", "Bazaar", "Arcade"),
        ("in a night market", "among the stalls of a bazaar", "under the lamps of a covered arcade"),
    ),
    Setting(
        "Hospitals",
        ("Ward", "Clinic", "Sanatorium"),
        ("in a provincial hospital", "on the night shift of a clinic", "in a sanatorium by a lake"),
    ),
    Setting(
        "Airships",
        ("Airship", "Skyport", "Balloon"),
        ("on board an airship", "at a skyport above the clouds", "in the basket of a mail balloon"),
    ),
    Setting(
        "Theatres",
        ("Theatre", "Opera", "Stage"),
        ("in a shabby theatre", "behind the scenes of an opera", "with a troupe of actors"),
    ),
)

MEDIA = {
    "Demo_Films": Medium(
        noun="film",
        maker="Synthetic Pictures",
        shelves=("Feature Films", "Short Films", "Miniseries"),
        openings=("Set {scene}.", "It takes place {scene}.", "Shot {scene}."),
        frames=(
            "At its heart: {element}.",
            "The camera stays with {element}.",
            "Its best scenes show {element}.",
            "The second act turns on {element}.",
            "We see {element}.",
        ),
        craft_frames=("It is filmed with {craft}.", "The director relies on {craft}.", "Expect {craft}."),
        closers=(
            "The actors are fine too.",
            "A bit long, but I would watch it again.",
            "Seen twice already.",
            "The soundtrack is nice.",
            "Watched it with my sister.",
            "Good picture, well cut.",
            "I would see the sequel.",
            "The ending works.",
        ),
    ),
    "Demo_Games": Medium(
        noun="game",
        maker="Synthetic Games",
        shelves=("Single Player", "Co-op", "Handheld"),
        openings=("Set {scene}.", "The map lies {scene}.", "Played {scene}."),
        frames=(
            "Your main quest is about {element}.",
            "The levels are built around {element}.",
            "Missions deal with {element}.",
            "Side quests tell of {element}.",
            "Players meet {element}.",
        ),
        craft_frames=("The play consists of {craft}.", "It offers {craft}.", "Its core is {craft}."),
        closers=(
            "The controls are fine too.",
            "A few bugs, but I finished it.",
            "Forty hours well spent.",
            "The map is a good size.",
            "Runs well on my old machine.",
            "I started over at once.",
            "Played it with my brother.",
            "Worth the price.",
        ),
    ),
    "Demo_Books": Medium(
        noun="book",
        maker="Synthetic Press",
        shelves=("Novels", "Novellas", "Story Collections"),
        openings=("Set {scene}.", "It begins {scene}.", "A story told {scene}."),
        frames=(
            "Its pages dwell on {element}.",
            "The plot hangs on {element}.",
            "Chapter by chapter we read of {element}.",
            "The author imagines {element}.",
            "At its centre: {element}.",
        ),
        craft_frames=("It is written in {craft}.", "Readers get {craft}.", "The style: {craft}."),
        closers=(
            "The translation reads well.",
            "A slow start, but I could not stop.",
            "I lent it to a friend.",
            "The chapters are short.",
            "Finished it in two evenings.",
            "Good paper and print.",
            "I will read more of this author.",
            "My reading group agreed.",
        ),
    ),
}

REASONS = (
    "I wanted {want}, and this {noun} gave me that.",
    "Chose this {noun} for {want}.",
    "What drew me in was {want}.",
    "I always look for {want}; here it is.",
    "If you need {want}, take this {noun}.",
    "It is {want} that I come for, and I got plenty.",
    "Picked it because of {want}.",
    "For me a {noun} is about {want}, and this one delivers.",
    "I was in the mood for {want}.",
    "Nothing does it for me like {want}.",
)

REGRETS = (
    "Everyone talks about it, so I tried it. I missed {want}.",
    "Not my kind of {noun}: I had hoped for {want}.",
    "A present, and not for me. Where is {want}?",
    "Took it out of curiosity; I would rather have {want}.",
    "Fine for others. I need {want} in a {noun}.",
)

REGRET_TITLES = ("Not for me", "Left me cold", "Wrong choice", "Others may like it")
