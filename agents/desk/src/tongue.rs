//! A sentence for customers who write in another language than the desks know.

/// Says in a customer's own language that the desks know English, if it is one of those here.
#[must_use]
pub(crate) fn english_only(language: &str) -> Option<&'static str> {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    let sentence = match primary {
        "de" => {
            "Ich antworte auf Englisch. Schreiben Sie mir bitte ein paar englische Wörter oder rufen Sie uns an."
        }
        "es" => "Respondo en inglés. Escríbame unas palabras en inglés o llámenos, por favor.",
        "fr" => {
            "Je réponds en anglais. Écrivez-moi quelques mots en anglais ou appelez-nous, s'il vous plaît."
        }
        "it" => "Rispondo in inglese. Mi scriva qualche parola in inglese o ci chiami, per favore.",
        "nl" => {
            "Ik antwoord in het Engels. Schrijf me een paar Engelse woorden of bel ons, alstublieft."
        }
        "pl" => {
            "Odpowiadam po angielsku. Proszę napisać kilka słów po angielsku albo do nas zadzwonić."
        }
        "pt" => {
            "Respondo em inglês. Escreva-me algumas palavras em inglês ou ligue-nos, por favor."
        }
        "sv" => "Jag svarar på engelska. Skriv några ord på engelska eller ring oss.",
        "uk" => {
            "Я відповідаю англійською. Напишіть, будь ласка, кілька слів англійською або зателефонуйте нам."
        }
        "zh" => "我用英语回答。请用几个英语单词告诉我，或给我们打电话。",
        _ => return None,
    };
    Some(sentence)
}
