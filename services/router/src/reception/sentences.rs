//! What the reception says, in every language that the mesh detects.

/// The sentences of one language.
pub(super) struct Sentences {
    /// To someone new, before the list.
    pub(super) hello: &'static str,
    /// To someone who was not understood, before the list.
    pub(super) unclear: &'static str,
    /// After the list.
    pub(super) ask: &'static str,
    /// To someone who is passed on to `{a}`.
    pub(super) pass: &'static str,
    /// When there is nobody to list.
    pub(super) alone: &'static str,
}

/// What is spoken where the language of a customer is not listed.
const OTHERWISE: &str = "en";

/// The sentences of a language tag, or the English ones.
pub(super) fn of(tag: &str) -> Sentences {
    let primary = tag.split('-').next().unwrap_or_default();
    let find = |tag: &str| ALL.iter().find(|row| row[0].eq_ignore_ascii_case(tag));
    let row = find(primary).or_else(|| find(OTHERWISE)).expect("English is listed");
    let [_, hello, unclear, ask, pass, alone] = *row;
    Sentences { hello, unclear, ask, pass, alone }
}

/// The language, and its sentences in the order above.
static ALL: [[&str; 6]; 28] = [
    [
        "ar",
        "مرحبًا! يمكنني تحويلك إلى:",
        "ليس واضحًا لي إلى من تحتاج. يمكنني تحويلك إلى:",
        "أجب برقم أو باسم، أو اكتب ما تحتاج إليه.",
        "سأحولك إلى {a}.",
        "مرحبًا! لا يوجد أحد آخر هنا الآن. يُرجى المحاولة مرة أخرى بعد قليل.",
    ],
    [
        "cs",
        "Dobrý den! Mohu vás přepojit sem:",
        "Není mi jasné, koho potřebujete. Mohu vás přepojit sem:",
        "Odpovězte číslem nebo jménem, nebo napište, co potřebujete.",
        "Přepojuji vás: {a}.",
        "Dobrý den! Momentálně tu nikdo jiný není. Zkuste to prosím o něco později.",
    ],
    [
        "da",
        "Hej! Jeg kan stille dig om til:",
        "Jeg er ikke sikker på, hvem du har brug for. Jeg kan stille dig om til:",
        "Svar med et nummer eller et navn, eller skriv, hvad du har brug for.",
        "Jeg stiller dig om til {a}.",
        "Hej! Der er ingen andre her lige nu. Prøv igen om lidt.",
    ],
    [
        "de",
        "Guten Tag! Ich kann Sie verbinden mit:",
        "Ich bin nicht sicher, wen Sie brauchen. Ich kann Sie verbinden mit:",
        "Antworten Sie mit einer Nummer oder einem Namen, oder schreiben Sie, was Sie brauchen.",
        "Ich verbinde Sie mit {a}.",
        "Guten Tag! Im Moment ist sonst niemand da. Bitte versuchen Sie es etwas später noch einmal.",
    ],
    [
        "el",
        "Γεια σας! Μπορώ να σας συνδέσω με:",
        "Δεν είναι σαφές ποιον χρειάζεστε. Μπορώ να σας συνδέσω με:",
        "Απαντήστε με έναν αριθμό ή ένα όνομα, ή γράψτε τι χρειάζεστε.",
        "Σας συνδέω με: {a}.",
        "Γεια σας! Αυτή τη στιγμή δεν είναι κανείς άλλος εδώ. Δοκιμάστε ξανά λίγο αργότερα.",
    ],
    [
        "en",
        "Hello! I can bring you to:",
        "I am not sure whom you need. I can bring you to:",
        "Reply with a number or a name, or say what you need.",
        "I am passing you on to {a}.",
        "Hello! Nobody else is here at the moment. Please try again a little later.",
    ],
    [
        "es",
        "¡Hola! Puedo ponerle en contacto con:",
        "No tengo claro a quién necesita. Puedo ponerle en contacto con:",
        "Responda con un número o un nombre, o diga qué necesita.",
        "Le paso con {a}.",
        "¡Hola! En este momento no hay nadie más. Inténtelo de nuevo un poco más tarde.",
    ],
    [
        "fi",
        "Hei! Tavoitat kauttani:",
        "En ole varma, ketä tarvitset. Tavoitat kauttani:",
        "Vastaa numerolla tai nimellä, tai kerro, mitä tarvitset.",
        "Yhdistän sinut: {a}.",
        "Hei! Täällä ei ole juuri nyt ketään muuta. Yritä uudelleen hetken kuluttua.",
    ],
    [
        "fr",
        "Bonjour ! Je peux vous mettre en relation avec :",
        "Je ne sais pas bien de qui vous avez besoin. Je peux vous mettre en relation avec :",
        "Répondez par un numéro ou un nom, ou dites ce dont vous avez besoin.",
        "Je vous mets en relation avec {a}.",
        "Bonjour ! Personne d'autre n'est là pour le moment. Veuillez réessayer un peu plus tard.",
    ],
    [
        "he",
        "שלום! אפשר להעביר אותך אל:",
        "לא ברור לי למי להעביר אותך. אפשר להעביר אותך אל:",
        "אפשר להשיב במספר או בשם, או לכתוב מה דרוש לך.",
        "השיחה עוברת אל {a}.",
        "שלום! אין כאן אף אחד אחר כרגע. כדאי לנסות שוב מעט מאוחר יותר.",
    ],
    [
        "hi",
        "नमस्ते! आपको इनसे जोड़ा जा सकता है:",
        "यह साफ़ नहीं है कि आपको किसकी ज़रूरत है। आपको इनसे जोड़ा जा सकता है:",
        "कोई नंबर या नाम लिखें, या बताएँ कि आपको क्या चाहिए।",
        "आपको {a} से जोड़ा जा रहा है।",
        "नमस्ते! इस समय यहाँ और कोई नहीं है। कृपया थोड़ी देर बाद फिर कोशिश करें।",
    ],
    [
        "hu",
        "Jó napot! Itt tudnak segíteni:",
        "Nem egyértelmű, kire van szüksége. Itt tudnak segíteni:",
        "Válaszoljon egy számmal vagy egy névvel, vagy írja meg, mire van szüksége.",
        "Továbbkapcsolom ide: {a}.",
        "Jó napot! Jelenleg nincs itt senki más. Kérjük, próbálja meg kicsit később.",
    ],
    [
        "id",
        "Halo! Saya dapat menghubungkan Anda dengan:",
        "Belum jelas siapa yang Anda perlukan. Saya dapat menghubungkan Anda dengan:",
        "Balas dengan nomor atau nama, atau sampaikan apa yang Anda butuhkan.",
        "Saya menghubungkan Anda dengan {a}.",
        "Halo! Saat ini tidak ada orang lain di sini. Silakan coba lagi nanti.",
    ],
    [
        "it",
        "Buongiorno! Posso metterla in contatto con:",
        "Non mi è chiaro di chi ha bisogno. Posso metterla in contatto con:",
        "Risponda con un numero o un nome, oppure dica di cosa ha bisogno.",
        "La metto in contatto con {a}.",
        "Buongiorno! Al momento non c'è nessun altro. Riprovi un po' più tardi.",
    ],
    [
        "ja",
        "こんにちは。次の窓口におつなぎできます。",
        "どちらにおつなぎすればよいか分かりませんでした。次の窓口におつなぎできます。",
        "番号か名前でお答えいただくか、ご用件をお書きください。",
        "{a}におつなぎします。",
        "こんにちは。ただいま他の担当者がおりません。しばらくしてからもう一度お試しください。",
    ],
    [
        "ko",
        "안녕하세요! 다음 창구로 연결해 드릴 수 있습니다:",
        "어디로 연결해 드려야 할지 확실하지 않습니다. 다음 창구로 연결해 드릴 수 있습니다:",
        "번호나 이름으로 답하시거나 필요하신 것을 말씀해 주세요.",
        "다음으로 연결해 드립니다: {a}.",
        "안녕하세요! 지금은 다른 담당자가 없습니다. 잠시 후 다시 시도해 주세요.",
    ],
    [
        "nl",
        "Hallo! Ik kan u doorverbinden met:",
        "Ik weet niet zeker wie u nodig heeft. Ik kan u doorverbinden met:",
        "Antwoord met een nummer of een naam, of zeg wat u nodig heeft.",
        "Ik verbind u door met {a}.",
        "Hallo! Er is op dit moment niemand anders. Probeer het iets later opnieuw.",
    ],
    [
        "no",
        "Hei! Jeg kan sette deg over til:",
        "Jeg er ikke sikker på hvem du trenger. Jeg kan sette deg over til:",
        "Svar med et nummer eller et navn, eller skriv hva du trenger.",
        "Jeg setter deg over til {a}.",
        "Hei! Det er ingen andre her akkurat nå. Prøv igjen om litt.",
    ],
    [
        "pl",
        "Dzień dobry! Do wyboru są:",
        "Nie jest jasne, kogo Pan/Pani potrzebuje. Do wyboru są:",
        "Proszę odpowiedzieć numerem lub nazwą albo napisać, czego Panu/Pani potrzeba.",
        "Przekazuję rozmowę: {a}.",
        "Dzień dobry! W tej chwili nie ma tu nikogo innego. Proszę spróbować trochę później.",
    ],
    [
        "pt",
        "Olá! Posso encaminhar você para:",
        "Não ficou claro de quem você precisa. Posso encaminhar você para:",
        "Responda com um número ou um nome, ou diga do que precisa.",
        "Vou encaminhar você para {a}.",
        "Olá! Não há mais ninguém aqui no momento. Tente novamente um pouco mais tarde.",
    ],
    [
        "ro",
        "Bună ziua! Vă pot face legătura cu:",
        "Nu este clar de cine aveți nevoie. Vă pot face legătura cu:",
        "Răspundeți cu un număr sau un nume, sau spuneți de ce aveți nevoie.",
        "Vă fac legătura cu {a}.",
        "Bună ziua! Momentan nu mai este nimeni aici. Vă rugăm să încercați din nou puțin mai târziu.",
    ],
    [
        "ru",
        "Здравствуйте! Вам могут помочь:",
        "Не совсем ясно, кто вам нужен. Вам могут помочь:",
        "Ответьте номером или названием или напишите, что вам нужно.",
        "Переключаю вас: {a}.",
        "Здравствуйте! Сейчас здесь больше никого нет. Попробуйте, пожалуйста, немного позже.",
    ],
    [
        "sv",
        "Hej! Jag kan koppla dig till:",
        "Jag är inte säker på vem du behöver. Jag kan koppla dig till:",
        "Svara med ett nummer eller ett namn, eller skriv vad du behöver.",
        "Jag kopplar dig till {a}.",
        "Hej! Det finns ingen annan här just nu. Försök igen lite senare.",
    ],
    [
        "th",
        "สวัสดี! คุณสามารถติดต่อ:",
        "ยังไม่แน่ชัดว่าคุณต้องการติดต่อใคร คุณสามารถติดต่อ:",
        "ตอบด้วยหมายเลขหรือชื่อ หรือบอกสิ่งที่คุณต้องการ",
        "กำลังส่งต่อคุณไปยัง {a}",
        "สวัสดี! ขณะนี้ไม่มีใครอื่นอยู่ที่นี่ โปรดลองอีกครั้งในภายหลัง",
    ],
    [
        "tr",
        "Merhaba! Sizi şunlara bağlayabilirim:",
        "Kime ihtiyacınız olduğundan emin değilim. Sizi şunlara bağlayabilirim:",
        "Bir numara ya da bir adla yanıtlayın veya neye ihtiyacınız olduğunu yazın.",
        "Sizi bağlıyorum: {a}.",
        "Merhaba! Şu anda burada başka kimse yok. Lütfen biraz sonra yeniden deneyin.",
    ],
    [
        "uk",
        "Вітаю! Вам можуть допомогти:",
        "Не зовсім зрозуміло, хто вам потрібен. Вам можуть допомогти:",
        "Дайте відповідь номером або назвою чи напишіть, що вам потрібно.",
        "Перемикаю вас: {a}.",
        "Вітаю! Зараз тут більше нікого немає. Спробуйте, будь ласка, трохи пізніше.",
    ],
    [
        "vi",
        "Xin chào! Tôi có thể kết nối bạn với:",
        "Tôi chưa rõ bạn cần gặp ai. Tôi có thể kết nối bạn với:",
        "Hãy trả lời bằng một số hoặc một tên, hoặc cho biết bạn cần gì.",
        "Tôi đang kết nối bạn với {a}.",
        "Xin chào! Hiện không có ai khác ở đây. Vui lòng thử lại sau ít phút.",
    ],
    [
        "zh",
        "您好！我可以为您转接：",
        "我不确定您需要找谁。我可以为您转接：",
        "请回复编号或名称，或者告诉我您需要什么。",
        "正在为您转接{a}。",
        "您好！目前没有其他人在线。请稍后再试。",
    ],
];
