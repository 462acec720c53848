"""Names of made-up children, as they stand in the lists of a German town: German, Turkish, Arabic, Polish, Ukrainian."""

from typing import Final

from but_gateway.kit.chance import Chance

# Weight, given names, family names.
_GERMAN: Final = (
    44,
    "Mia Emma Lina Hannah Lea Marie Anna Leonie Johanna Greta Frieda Charlotte Pia Jule Nele Käthe Ben Paul Jonas Finn Leon Luca Max",
    (
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf Schröder Neumann Krüger "
        "Hartmann Lange Werner Krause Lehmann Köhler König Böhm Weiß Großmann Jäger Vogel Busch Peters Möller Groß"
    ),
)
_TURKISH: Final = (
    20,
    "Elif Zeynep Defne Ecrin Azra Nehir Ayşe Fatma Büşra Gülşen İrem Yusuf Emir Mert Kaan Eymen Ömer Mustafa Can Deniz Çağan Umut Barış",
    "Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek",
)
_ARABIC: Final = (
    20,
    "Amira Layla Nour Yasmin Maryam Sara Rania Hala Lina Salma Aya Omar Ahmad Ali Hassan Yusuf Karim Ibrahim Khaled Sami Bilal Zaid",
    "Al-Hamad Haddad Khalil Mansour Nasser Saleh Al-Ali Darwish Hamdan Issa Jaber Kassem Othman Rahman Said Youssef Zaher Al-Ahmad",
)
_POLISH: Final = (
    8,
    "Zuzanna Julia Maja Oliwia Zofia Lena Hanna Małgorzata Jan Jakub Szymon Antoni Filip Wojciech Mikołaj Kacper Łukasz Paweł",
    "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski Mazur",
)
_UKRAINIAN: Final = (
    8,
    "Sofiia Anastasiia Dariia Polina Solomiia Viktoriia Kateryna Maksym Artem Dmytro Matvii Nazar Danylo Oleksandr Andrii Illia",
    "Shevchenko Kovalenko Bondarenko Tkachenko Kravchenko Oliinyk Koval Polishchuk Savchenko Marchenko Lysenko Moroz Hrytsenko",
)
_ORIGINS: Final[tuple[tuple[int, str, str], ...]] = (_GERMAN, _TURKISH, _ARABIC, _POLISH, _UKRAINIAN)
_POOLS: Final = tuple(((given.split(), family.split()), weight) for weight, given, family in _ORIGINS)
_SECOND_NAME_PER_MILLE: Final = 120


def draw_name(chance: Chance) -> tuple[str, str]:
    """Given names and family name."""
    given, family = chance.weigh(_POOLS)
    first = chance.pick(given)
    if chance.happens(_SECOND_NAME_PER_MILLE) and (second := chance.pick(given)) != first:
        first = f"{first} {second}"
    return first, chance.pick(family)
