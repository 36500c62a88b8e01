"""Numbers that prove by their check digits what they are: payment cards and bank accounts."""

from __future__ import annotations

import re
from typing import Final

_IBAN_LENGTHS: Final = {
    found[0]: int(found[1])
    for found in re.findall(
        r"(\w\w)(\d\d)",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 "
        "FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 "
        "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 "
        "RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30",
    )
}
# Issuers by their first digits: American Express, Diners, JCB, Visa, Mastercard, Maestro, Discover, UnionPay.
_ISSUERS: Final = re.compile(
    r"3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|4\d{12}(?:\d{3}){0,2}"
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14,17}"
)


def is_card_number(digits: str) -> bool:
    """Tell whether digits are the number of a payment card.

    Args:
        digits: Digits only.

    Returns:
        Whether an issuer's prefix, the length and the check digit (Luhn, ISO/IEC 7812-1) fit.
    """
    if not _ISSUERS.fullmatch(digits):
        return False
    ordered = [int(digit) for digit in reversed(digits)]
    return (sum(ordered[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in ordered[1::2])) % 10 == 0


def iban_length(text: str) -> int:
    """Tell how much of a text is an international bank account number (ISO 13616).

    Args:
        text: Capital letters and digits, with single spaces between them or without; more may follow.

    Returns:
        How many characters belong to it; 0 when country, length or check digits do not fit.
    """
    wanted = _IBAN_LENGTHS.get(text[:2], 0)
    places = [place for place, letter in enumerate(text) if letter != " "][:wanted]
    if not wanted or len(places) < wanted:
        return 0
    account = "".join(text[place] for place in places)
    is_right = int("".join(str(int(letter, 36)) for letter in account[4:] + account[:4])) % 97 == 1
    return places[-1] + 1 if is_right else 0
