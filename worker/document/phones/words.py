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
    т/ф т.ф м/т м.т т.м д.т р.т
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
    свідоцтво свідоцтва поліс полісу дог договором рах рахунком л/с лс о/р р/р р/с к/с справа справи справу провадження витяг довідка
    ліцензія ліцензії сертифікат сертифіката квиток квитка перепустка посилка посилки відправлення трек серія серії штрих штрихкод
    баркод замовленню замовлень заявку заявці лічильника картці карток паспортний реєстраційний унзр
    замовл кад реєстр серійний с/н єдр дрфо пін ідентиф ідент і.п.н р.р о.р угода угоди лід тікет звернення бронь бронювання
    резервація рейс платіж платежу транзакція транзакції акт інв інвентарний двигун техпаспорт пароль держ ціна вартість сума показник
    инн снилс огрн огрнип кпп окпо едрпоу бик налоговый удостоверение пас карты карточка счет счёт рс заказ заказа заявку арт полис
    подъезд этаж индекс почтовый отделение лицевой счетчик ид ник логин инстаграм вк аська
    полис полиса свидетельство свидетельства дело дела справка лицензия лицензии сертификат посылка посылки отправление накладная
    накладную квитанции счета счету счётчик договоре заказу заказов картой серия паспорту
    договор и.н.н л.с р.с сч зак наряд птс стс в/у омс уд гос лид сделка сделки тикет обращение бронь платеж транзакция
    индивидуальный цена сумма
    тапсырыс шарт бағасы шот келісімшарт куәлік төлқұжат жүкқұжат
    унп унн иин бин жсн бсн егн еик
    id ipn inn edrpou snils ogrn kpp bik unp egn eik iban passport pass card bank account acct acc order invoice ticket contract customer
    client reference ref code pin zip ssn ein itin imei imsi isbn ean sku ip login user username nick
    skype live cid instagram insta facebook fb vk icq discord
    policy licence license tracking shipment parcel receipt serial s/n vin vat tax certificate transaction payment barcode swift
    sn s.n userid clientid orderid leadid dealid deal booking reservation flight password pwd price amount
    nip pesel regon krs dowód paszport konto rachunek zamówienie faktura fv umowa
    dowodu paszportu konta rachunku zamówienia zam faktury umowy polisa polisy paragon paczka paczki przesyłka przesyłki karta karty
    klienta sprawa sprawy sygnatura działka działki licznik licznika legitymacja legitymacji zlecenie zlecenia zgłoszenie zgłoszenia
    rach sygn ppe rej seryjny katalogowy kreskowy indeks ewidencyjny albumu hasło kw gln bdo rpwdl npwz pwz uprawnień rezerwacji rezerwacja
    bilet biletu subskrypcji reklamacja reklamacji transakcji transakcja płatność cena kwota saldo
    ič ičo ico dič dic rč rodné rodne rodného účet účtu smlouva objednávka doklad psč psc
    smlouvy objednávky faktúra faktúry fakturu zmluva zmluvy op vs ss var variabilní variabilný symbol průkaz průkazu preukaz preukazu
    pojistka pojistky zásilka zásilky zákazníka zakázka zakázky
    obj v.s k.s s.s r.č č.ú pasu zákaznické kód kod schránka spz rezervace heslo částka parcela parcely
    cnp cui cif idnp idno buletin comandă
    comanda comenzii factura factură facturii fiscal fiscală contractul contractului dosar dosarul poliță polița seria abonat
    cod codul c.i.f c.u.i c.n.p serie pașaport pasaport cont contul awb bon bonul chitanță chitanța chitanta rca abonament rezervare
    preț pret suma referință referinta
    adószám adoszam adóazonosító taj szig személyi bankszámla számla irányítószám
    asmens kods kodas personas isikukood
    steuernummer steuer ustid ust rechnung ausweis personalausweis blz plz
    steuernr kd kdnr kunden rechnungs auftrag auftrags bestell bestellung vertrag vertrags mitglieds artikel aktenzeichen
    versicherung vers policen sendung hrb hra rg pers art kto konto perso reisepass führerschein vorgang vorgangs kennzeichen
    mandatsreferenz referenz zähler buchung buchungs passwort kundenkonto angebot angebots lieferschein preis betrag
    tckn tc kimlik vkn vergi
    sipariş siparis fatura müşteri musteri hesap sözleşme sozlesme poliçe police pasaport ruhsat kargo takip sicil dosya abone
    t.c kart kartı kod kodu plaka ehliyet sgk referans bilet rezervasyon pnr şifre seri fiyat tutar
    პირადი პ/ნ ს/კ საიდენტიფიკაციო კოდი ინვოისი ბინა תז
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

# `Bestellnummer`, `ügyfélszám`, but `Telefonnummer`, `Rufnr`, `mobilszám`.
_NUMBER_OF = re.compile(
    r"(?!tel|handy|mobil|ruf|fax|kontakt|privat|dienst|festnetz|vezetékes).{2,}(?:nummer|nr|szám|szama|száma)"
)
_HIDES_DIGITS = re.compile(r"[xх×]{2,}|[nн]{3,}|[yу]{3,}|[dд]{3,}|[aа]{3,}")
_LOOKS_LIKE_DIGITS = re.compile(r"[oоöølіiíзzбsbвgq]+")
_LATIN = re.compile(r"[a-z\u00c0-\u024f]")


@lru_cache(maxsize=4096)
def kind_of(word: str) -> Kind:
    """What the word (in lower case) says of digits after it."""
    known = _KINDS.get(word)
    if known is None:
        return Kind.IDENTIFIER if _NUMBER_OF.fullmatch(word) else Kind.OTHER
    return known


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
