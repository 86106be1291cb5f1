"""Words that several tasks use as fillers."""


def listed(text: str, by: str | None = None) -> tuple[str, ...]:
    """Split a text into words at white space or at ``by``."""
    return tuple(text.split(by))


MALE = listed(
    "John Tom James Michael David Paul Mark Peter George Robert William Richard Charles Thomas Daniel Matthew "
    "Anthony Steven Andrew Kevin Brian Edward Henry Frank Jack Simon Eric Adam Luke Ryan Jason Jacob Scott Jeff "
    "Larry Stephen Patrick Ben Sam Bob Bill Jim Joe Dan Mike Steve Tim Alan Ian Martin Roger Bruce Philip Harry "
    "Oliver Arthur"
)
FEMALE = listed(
    "Mary Anna Sarah Emma Laura Julia Susan Lisa Karen Nancy Linda Barbara Elizabeth Jennifer Maria Margaret Sandra "
    "Helen Carol Ruth Sharon Michelle Amy Angela Melissa Rebecca Virginia Kathleen Martha Alice Jane Rachel Kate "
    "Emily Olivia Sophia Grace Rose Claire Diana Victoria Charlotte Eva Julie Anne Catherine Christine Samantha "
    "Lucy Jessica Amanda Rosa Hannah Ellen Joan Sara Nora Lily"
)
PLACES = listed(
    "store office school garden station hospital market park library restaurant museum church beach farm hotel bank "
    "airport bakery zoo theater river castle house kitchen studio"
)
OBJECTS = listed(
    "drink book ring kiss letter basketball bone computer necklace snack pencil gift flower key ticket map coat "
    "watch picture cake card bag box toy phone"
)
COLOURS = listed("red blue green yellow black white brown pink purple orange grey silver gold")
ITEMS = listed(
    "pen cup book ball hat box bag shirt plate pencil chair car key phone lamp coat bottle basket toy ring mug bowl "
    "spoon dress towel candle blanket jacket pillow card clock"
)
