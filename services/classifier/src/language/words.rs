//! Little words and letters that give a language away.

/// Frequent words of each language, in lower case; one that several languages share counts for each in part.
pub(super) const WORDS: [(&str, &str); 20] = [
    (
        "cs",
        "a je se na že co jak kde kdy můj moje mám chci chtěl bych potřebuji prosím dobrý den ahoj děkuji objednávka objednávku objednávky vrácení peněz rezervovat zrušit pomoc pomoct kolik stojí pro není jsem jsou mi s objednávkou",
    ),
    (
        "da",
        "og jeg er ikke det en et til på med min mit mine har kan vil gerne hvor hvad hvornår hvordan hej tak hjælp brug for ordre bestilling koster meget bestille tid pengene tilbage du i af at",
    ),
    (
        "de",
        "und ich ist nicht das die der den ein eine einen mein meine meinen meiner habe hat kann möchte will wo was wann wie wieviel viel kostet hallo danke bitte hilfe brauche bestellung rückerstattung termin buchen für mit zu auf sie mir bei guten tag geld zurück",
    ),
    (
        "en",
        "the i is not it a an my me you your have has can could would want need where what when how much does do did hello hi hey thanks thank please help order orders refund book booking appointment cost price for with to of on in at and or this that tomorrow today yes no was are be get like from about any there will work cancel buy return track thank's i'm it's don't money back demo",
    ),
    (
        "es",
        "el la los las y yo es no un una mi mis tengo tiene puedo puede quiero quisiera necesito dónde donde qué que cuándo cuánto cuanto cuesta cómo como hola gracias por favor ayuda pedido reembolso cita reservar para con de en está mañana devolver dinero con buenos días una",
    ),
    (
        "fi",
        "ja minä on ei se että minun tilaus tilaukseni haluan haluaisin voinko voitko missä mikä mitä milloin miten paljonko maksaa hei moi kiitos apua tarvitsen varata aika ajan kanssa olen palautus rahat takaisin tilauksen",
    ),
    (
        "fr",
        "le la les et je j est pas un une des mon ma mes ai a peux peut voudrais veux où que quoi quand combien coûte comment bonjour salut merci s'il vous plaît aide besoin commande remboursement rendez réserver pour avec de du dans en sur au suis demain être il c qu d l",
    ),
    (
        "hu",
        "és én nem az a egy van hol mi mit mikor hogyan mennyi mennyibe kerül szia köszönöm kérem segítség szeretnék szeretném rendelés rendelésem rendelésemmel kell időpont időpontot foglalni visszatérítés vissza hogy jó napot a pénzt",
    ),
    (
        "id",
        "dan saya tidak ini itu di ke yang apa mana kapan bagaimana berapa harga harganya halo terima kasih tolong bantuan bantu butuh ingin mau pesanan pesan janji untuk dengan bisa dapat uang kembali anda ada",
    ),
    (
        "it",
        "il lo la gli e io è non un una mio mia miei ho ha posso può vorrei voglio dove cosa che quando quanto costa come ciao grazie per favore aiuto bisogno ordine rimborso appuntamento prenotare con di del in sono mi buongiorno un domani",
    ),
    (
        "nl",
        "en ik is niet het de een mijn heb heeft kan wil zou graag waar wat wanneer hoe hoeveel kost hallo hoi dank bedankt alstublieft hulp nodig bestelling terugbetaling afspraak boeken maken voor met van op naar je u geld terug te",
    ),
    (
        "no",
        "og jeg er ikke det en et til på med min mitt mine har kan vil gjerne hvor hva når hvordan hei takk hjelp trenger ordre bestilling bestillingen koster mye bestille time pengene tilbake du i av å",
    ),
    (
        "pl",
        "i ja jest nie to się na że co jak gdzie kiedy mój moja moje mam chcę chciałbym chciałabym potrzebuję proszę cześć dzień dobry dziękuję zamówienie zamówienia zamówieniem zwrot wizyta wizytę umówić pomoc pomocy ile kosztuje z w do są pieniędzy",
    ),
    (
        "pt",
        "o os as e eu é não um uma meu minha meus tenho tem posso pode quero queria gostaria preciso onde que quando quanto custa como olá oi obrigado obrigada por favor ajuda pedido reembolso consulta marcar para com de do da em está amanhã devolver dinheiro você bom dia agendar",
    ),
    (
        "ro",
        "și eu este nu un o meu mea mele am are pot poate vreau aș dori unde ce când cât costă cum bună salut mulțumesc vă rog ajutor nevoie comanda comandă rambursare programare pentru cu de la în sunt bani înapoi vreau să",
    ),
    (
        "ru",
        "и я не это в на что как где когда мой моя мои мне меня у хочу нужен нужна нужно могу можно сколько стоит привет здравствуйте спасибо пожалуйста помощь помогите заказ заказа возврат запись записаться для с есть вы ли деньги вернуть помочь заказом",
    ),
    (
        "sv",
        "och jag är inte det en ett till på med min mitt mina har kan vill skulle gärna var vad när hur hej tack hjälp behöver order beställning beställningen kostar mycket boka tid pengarna tillbaka du i av att för",
    ),
    (
        "tr",
        "ve ben değil bu bir benim var yok mı mi mu mü ne nerede nasıl zaman kaç kadar merhaba selam teşekkürler teşekkür lütfen yardım ihtiyacım istiyorum sipariş siparişim siparişimle iade randevu almak için ile fiyatı ücreti para geri iyi günler",
    ),
    (
        "uk",
        "і я не це в на що як де коли мій моя мої мені мене хочу потрібен потрібна потрібно можу можна скільки коштує привіт вітаю дякую будь ласка допомога допоможіть замовлення повернення запис записатися для з є ви чи гроші повернути",
    ),
    (
        "vi",
        "và tôi không là có của này ở đâu gì khi nào như thế bao nhiêu tiền giá xin chào cảm ơn vui lòng giúp cần muốn đơn hàng hoàn đặt lịch hẹn cho với được bạn mua một cái",
    ),
];

/// Letters that few languages write.
pub(super) const LETTERS: [(&str, &str); 15] = [
    ("cs", "ěřůčšžňťď"),
    ("da", "øæå"),
    ("de", "ßäöü"),
    ("es", "ñ¿¡"),
    ("fi", "äö"),
    ("fr", "œçêîûèàù"),
    ("hu", "őűöü"),
    ("it", "òìèàù"),
    ("no", "øæå"),
    ("pl", "łżśźćńąę"),
    ("pt", "ãõçâêô"),
    ("ro", "țșăâî"),
    ("sv", "åäö"),
    ("tr", "ğışçöü"),
    ("uk", "іїєґ"),
];
