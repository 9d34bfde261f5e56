"""The sentences of the sheet, which contain the letters and the pairs of letters of English."""

# The place of a page in this list is printed on it as its mark. People keep pages that they have printed, so a new page
# is added at the end, and these keep their texts.
PAGES = (
    (
        "Dear Vera, thank you for the blue gloves.",
        "Mr Quill teaches French and geography.",
        "Rain drummed upon the roof till morning.",
        "On Sundays they carry the big maps inside.",
        "Jack's bicycle has a squeaky front wheel.",
        "Number 29 is the house with a purple door.",
        "Who ever saw such an odd little creature?",
        "Please buy rice, milk; bread & two lemons.",
        "Max fixed the dark pipe in a few minutes.",
        "Look out - the paint on that gate is wet!",
        "My uncle Xavier owns a bakery in Kent.",
        "Could we perhaps meet on Tuesday instead?",
        "Zoe froze: a huge dog jumped over the box.",
        "Nearly half of the eggs were broken.",
    ),
    (
        "Quiet! The baby has gone to sleep again.",
        "Ursula found 378 old coins (all copper).",
        "Every evening the foxes cross our garden.",
        '"Is anybody there?" she asked softly.',
        "It took us eight weeks to build the shed.",
        "Bring your warm coat; it may snow tonight.",
        "We left at 6:45 and were home by 10.",
        "Grandma knits thick socks every autumn.",
        "He likes my tarts; I prefer his omelette.",
        "How far is it to York, and who is driving?",
        "My sister Anna wrote to every single pupil.",
        "Do try our plum jam, it is really good.",
        "She played a difficult piece three times.",
        "Most birds fly south by early October.",
    ),
)
