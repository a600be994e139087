//! How entities are written, in order of precedence. The first group, if there is one, is the entity.

use super::Kind;

const URL: &str = r#"(?i)\b(?:https?://|www\.)[^\s<>"]+"#;
const EMAIL: &str = r"[\p{L}\p{N}\p{M}._%+'-]+@(?:[\p{L}\p{N}][\p{L}\p{N}\p{M}-]*\.)+[\p{L}\p{N}][\p{L}\p{N}\p{M}-]*";
const MONTHS: &str = concat!(
    "jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|f[ée]vrier|mar(?:ch|s|zo)?|märz|apr(?:il)?|avril|abril|may|mai|mayo",
    "|june?|juni|juin|junio|july?|juli|juillet|julio|aug(?:ust)?|août|agosto|sep(?:t|tember|tembre)?|septiembre",
    "|oct(?:ober|obre|ubre)?|okt(?:ober)?|nov(?:ember|embre|iembre)?|dec(?:ember)?|dez(?:ember)?|d[ée]cembre",
    "|diciembre|enero|febrero"
);
const DAYS: &str = concat!(
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday",
    "|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag",
    "|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche",
    "|lunes|martes|miércoles|jueves|viernes|sábado|domingo"
);
const RELATIVE: &str = concat!(
    "day after tomorrow|tomorrow|today|tonight|yesterday|next week|next month|this weekend",
    "|übermorgen|morgen|heute|gestern|nächste woche|aujourd'hui|après-demain|demain|hier|pasado mañana|mañana|hoy|ayer"
);
const NUMBERED: &str =
    r"\b(?:\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{2,4}|\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2}\b)?)";
const PREFIXED: &str = concat!(
    r"(?i)\b(?:order|bestellung|bestellnummer|commande|pedido|ordine|invoice|rechnung|booking|reference|ticket)",
    r"\s*(?:number|nummer|num[ée]ro|id|code|no\.?|nr\.?|n°)?\s*(?:is|ist|:|=)?\s*#?\s*([a-z]{0,6}-?\d[a-z0-9-]{2,23})\b"
);
const HASHED: &str = r"(?i)#\s?([a-z0-9][a-z0-9-]{2,23})\b";
const LETTERED: &str = r"\b[A-Z]{2,5}-\d{3,12}\b";
const CURRENCIES: &str =
    "€|\\$|£|¥|₹|(?:usd|eur|gbp|chf|jpy|dollars?|euros?|pounds?|bucks|cents?)\\b";
const TIME: &str = concat!(
    r"(?i)\b(?:(?:[01]?\d|2[0-3]):[0-5]\d(?:\s?[ap]\.?m\b)?|(?:1[0-2]|0?[1-9])\s?[ap]\.?m\b",
    r"|(?:1[0-2]|0?[1-9])\s?o'clock|(?:[01]?\d|2[0-3])(?:[.:][0-5]\d)?\s?uhr|(?:[01]?\d|2[0-3])h(?:[0-5]\d)?\b",
    r"|noon|midday|midnight|mittags|midi|minuit|mediodía)"
);
const PHONE: &str = concat!(
    r"\+\d(?:[ .()/-]{0,3}\d){7,14}\b",
    r"|(?:\(\d{3}\)[ .-]?|\b\d{3}[ .-])\d{3}[ .-]\d{4}\b",
    r"|\b0\d{2,4}[ /-]?\d{5,9}\b"
);

pub(super) fn all() -> Vec<(Kind, String)> {
    let worded = format!(
        r"(?i)\b(?:\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+|de\s+)?(?:{MONTHS})(?:,?\s+\d{{4}})?|(?:{MONTHS})\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?|(?:next\s+|this\s+)?(?:{DAYS})|{RELATIVE})\b"
    );
    let amount = format!(r"(?i)(?:[€$£¥₹]\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:{CURRENCIES}))");
    vec![
        (Kind::Url, URL.to_owned()),
        (Kind::Email, EMAIL.to_owned()),
        (Kind::Date, NUMBERED.to_owned()),
        (Kind::OrderId, HASHED.to_owned()),
        (Kind::OrderId, PREFIXED.to_owned()),
        (Kind::OrderId, LETTERED.to_owned()),
        (Kind::Amount, amount),
        (Kind::Phone, PHONE.to_owned()),
        (Kind::Date, worded),
        (Kind::Time, TIME.to_owned()),
    ]
}
