"""The words around a number that say what it is. In lower case, as people of the neighbourhood write them."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache


class Kind(Enum):
    """What a word says of the digits after it."""

    LABEL = auto()  # a telephone's number follows
    EXTENSION = auto()  # what was before goes on
    IDENTIFIER = auto()  # some other number follows
    MONEY = auto()  # a sum, or so many of something
    LINK = auto()  # nothing
    OTHER = auto()  # nobody knows


# A line a language: Ukrainian, Russian, Belarusian and Kazakh, then in Latin letters English, Polish, Czech and Slovak,
# Romanian, Hungarian, the Baltic ones, German, Turkish, and at last Georgian, Bulgarian, Hebrew.
_LABELS = """
    т тел телефон телефони телефону телефона телефоном тлф м моб мобільний мобільна мобільні мобілка мобіла роб робочий домашній
    особистий міський контакт контакти контактний основний резервний запасний дзвоніть вайбер вотсап ватсап телеграм тг ф факс
    телефоны сот сотовый мобильный мобилка раб рабочий дом домашний городской контактный основной запасной звонить вацап ватсапп
    тэл тэлефон маб ұялы үй жұмыс
    t p m f tel telephone phone phones phonenumber ph mob mobile cell cellphone handy gsm fax call sms office home work direct main
    hotline contact whatsapp whatsup wa viber telegram tg signal messenger
    telefon telefony telefonu kom komórka komórkowy stacjonarny służbowy prywatny domowy faks
    mobil mobilní pevná pevný mobilný
    telefonul mobilul fix birou acasă
    vezetékes otthoni munkahelyi iroda
    telefonas mobilus mobilusis tālr talr tālrunis tālrunim mobilais mobiiltelefon lauatelefon
    telefonnummer mobiltelefon natel
    cep iş ev sabit
    ტელ ტელეფონი მობ მობილური телефонен мобилен служебен טל טלפון נייד פקס
"""
_EXTENSIONS = """
    дод додат додатковий вн внутр внутрішній тоновий
    доб добавочный доп дополнительный внут внутренний
    ішкі
    x х ext extn exten extension
    wew wewn wewnętrzny kl klapka linka
    int interior mellék mell vid vidinis iekš
    durchwahl dw app nst nebenstelle dahili
    вътр вътрешен שלוחה
"""
_IDENTIFIERS = """
    іпн рнокпп єдрпоу зкпо мфо ідентифікаційний податковий платник код коду кода паспорт паспорта посвідчення ід картка картки картку
    карта карти карту рахунок рахунку рр ібан квитанція чек накладна накладної ттн ен договір договору замовлення заявка заявки
    рахунокфактура лот артикул вин держномер кв квартира будинок буд індекс поштовий відділення поштомат під'їзд поверх кадастровий
    особовий лічильник нік логін скайп скайпу інстаграм
    инн снилс огрн огрнип кпп окпо едрпоу бик налоговый удостоверение пас карты карточка счет счёт рс заказ заказа заявку арт полис
    подъезд этаж индекс почтовый отделение лицевой счетчик ид ник логин инстаграм вк аська
    унп унн иин бин жсн бсн егн еик
    id ipn inn edrpou snils ogrn kpp bik unp egn eik iban passport pass card bank account acct acc order invoice ticket contract customer
    client reference ref code pin zip ssn ein itin imei imsi isbn ean sku ip login user username nick
    skype live cid instagram insta facebook fb vk icq discord
    nip pesel regon krs dowód paszport konto rachunek zamówienie faktura fv umowa
    ičo ico dič dic rč rodné rodne rodného účet účtu smlouva objednávka doklad psč psc
    cnp cui cif idnp idno buletin comandă
    adószám adoszam adóazonosító taj szig személyi bankszámla számla irányítószám
    asmens kods kodas personas isikukood
    steuernummer steuer ustid ust kundennummer rechnung ausweis personalausweis blz plz
    tckn tc kimlik vkn vergi
    პირადი ბინა תז
"""
_MONEY = """
    грн гривень гривня гривні руб рублей бел тенге лей шт штук кг
    uah usd eur pln zł zl rub byn kzt mdl lei ron kč czk huf ft forint gel tl try ils nis kg km
"""
_LINKS = """
    та і й або чи а також ще номер номери номера номеру
    и или либо также еще ещё жон нр
    and or also no nr num number numbers numer numery
    lub oraz i albo nebo vagy és sau și si ir arba un vai või ja oder und ve veya
    číslo cislo szám numărul număr numar numara numeris numurs
    და ან номерът
"""


def _listed(*lists: tuple[str, Kind]) -> dict[str, Kind]:
    return {word: kind for words, kind in lists for word in words.split()}


_KINDS = _listed(
    (_LABELS, Kind.LABEL),
    (_EXTENSIONS, Kind.EXTENSION),
    (_IDENTIFIERS, Kind.IDENTIFIER),
    (_MONEY, Kind.MONEY),
    (_LINKS, Kind.LINK),
)

_HIDES_DIGITS = re.compile(r"[xх×]{2,}|[nн]{3,}|[yу]{3,}|[dд]{3,}|[aа]{3,}")
_LOOKS_LIKE_DIGITS = re.compile(r"[oоöølіiíзzбsbвgq]+")
_LATIN = re.compile(r"[a-z\u00c0-\u024f]")


def kind_of(word: str) -> Kind:
    """What the word (in lower case) says of digits after it."""
    return _KINDS.get(word, Kind.OTHER)


@lru_cache(maxsize=4096)
def hides_digits(word: str) -> bool:
    """Whether it stands for digits that are not shown, as in 067-XXX-XX-XX."""
    return _HIDES_DIGITS.fullmatch(word) is not None


@lru_cache(maxsize=4096)
def looks_like_digits(word: str) -> bool:
    """Whether each of its letters can be a digit that was read or typed wrongly, as in 067lll2233."""
    return _LOOKS_LIKE_DIGITS.fullmatch(word) is not None


def may_touch(word: str) -> bool:
    """Whether it may stand at a number without a blank: `0671112233мама`, but no letters of a name or a code."""
    kind = kind_of(word)
    if kind in (Kind.LABEL, Kind.LINK):
        return not looks_like_digits(word)
    return kind is Kind.OTHER and len(word) > 2 and not _LATIN.search(word) and not _is_made_of_digits(word)


def _is_made_of_digits(word: str) -> bool:
    return hides_digits(word) or looks_like_digits(word) or len(set(word)) == 1
