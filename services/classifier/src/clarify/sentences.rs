//! The sentences of every listed language: about one agent, about two, and about none.

pub(super) struct Sentences {
    language: &'static str,
    pub(super) one: &'static str,
    pub(super) two: &'static str,
    pub(super) open: &'static str,
}

/// The sentences of a language, or the English ones.
pub(super) fn of(language: &str) -> &'static Sentences {
    ALL.iter().find(|sentences| sentences.language == language).unwrap_or(&ENGLISH)
}

const fn sentences(
    language: &'static str,
    one: &'static str,
    two: &'static str,
    open: &'static str,
) -> Sentences {
    Sentences { language, one, two, open }
}

static ENGLISH: Sentences = sentences(
    "en",
    "Is this about {a}?",
    "Do you mean {a} or {b}?",
    "Could you tell me a bit more about what you need?",
);

static ALL: [Sentences; 27] = [
    sentences(
        "ar",
        "هل يتعلق الأمر بـ {a}؟",
        "هل تقصد {a} أم {b}؟",
        "هل يمكنك أن تخبرني بالمزيد عما تحتاج إليه؟",
    ),
    sentences(
        "cs",
        "Týká se to: {a}?",
        "Máte na mysli {a}, nebo {b}?",
        "Můžete mi prosím říct víc o tom, co potřebujete?",
    ),
    sentences(
        "da",
        "Handler det om {a}?",
        "Mener du {a} eller {b}?",
        "Kan du fortælle mig lidt mere om, hvad du har brug for?",
    ),
    sentences(
        "de",
        "Geht es um {a}?",
        "Meinen Sie {a} oder {b}?",
        "Können Sie mir etwas genauer sagen, was Sie brauchen?",
    ),
    sentences(
        "el",
        "Αφορά αυτό: {a};",
        "Εννοείτε {a} ή {b};",
        "Μπορείτε να μου πείτε λίγα περισσότερα για αυτό που χρειάζεστε;",
    ),
    sentences(
        "es",
        "¿Se trata de {a}?",
        "¿Se refiere a {a} o a {b}?",
        "¿Podría contarme un poco más sobre lo que necesita?",
    ),
    sentences(
        "fi",
        "Koskeeko tämä: {a}?",
        "Tarkoitatko {a} vai {b}?",
        "Voisitko kertoa hieman tarkemmin, mitä tarvitset?",
    ),
    sentences(
        "fr",
        "S'agit-il de {a} ?",
        "Parlez-vous de {a} ou de {b} ?",
        "Pourriez-vous m'en dire un peu plus sur ce dont vous avez besoin ?",
    ),
    sentences(
        "he",
        "האם זה קשור ל{a}?",
        "האם הכוונה ל{a} או ל{b}?",
        "אפשר לספר לי קצת יותר על מה שדרוש לך?",
    ),
    sentences(
        "hi",
        "क्या यह {a} के बारे में है?",
        "क्या आपका मतलब {a} से है या {b} से?",
        "क्या आप थोड़ा और बता सकते हैं कि आपको क्या चाहिए?",
    ),
    sentences(
        "hu",
        "Erről van szó: {a}?",
        "Erre gondol: {a} vagy {b}?",
        "Elmondaná kicsit részletesebben, mire van szüksége?",
    ),
    sentences(
        "id",
        "Apakah ini tentang {a}?",
        "Apakah maksud Anda {a} atau {b}?",
        "Bisakah Anda menjelaskan sedikit lebih lanjut apa yang Anda butuhkan?",
    ),
    sentences(
        "it",
        "Si tratta di {a}?",
        "Intende {a} o {b}?",
        "Potrebbe dirmi qualcosa in più su ciò di cui ha bisogno?",
    ),
    sentences(
        "ja",
        "{a}に関するお問い合わせですか？",
        "{a}と{b}のどちらについてのお問い合わせですか？",
        "ご用件をもう少し詳しく教えていただけますか？",
    ),
    sentences(
        "ko",
        "{a}에 관한 문의인가요?",
        "{a} 또는 {b} 중 어느 쪽인가요?",
        "무엇이 필요하신지 조금 더 자세히 알려 주시겠어요?",
    ),
    sentences(
        "nl",
        "Gaat het om {a}?",
        "Bedoelt u {a} of {b}?",
        "Kunt u iets meer vertellen over wat u nodig heeft?",
    ),
    sentences(
        "no",
        "Gjelder dette {a}?",
        "Mener du {a} eller {b}?",
        "Kan du fortelle litt mer om hva du trenger?",
    ),
    sentences(
        "pl",
        "Czy chodzi o: {a}?",
        "Czy ma Pan/Pani na myśli {a} czy {b}?",
        "Czy może Pan/Pani powiedzieć coś więcej o tym, czego Panu/Pani potrzeba?",
    ),
    sentences(
        "pt",
        "Trata-se de {a}?",
        "Você se refere a {a} ou a {b}?",
        "Poderia me contar um pouco mais sobre o que precisa?",
    ),
    sentences(
        "ro",
        "Este vorba despre {a}?",
        "Vă referiți la {a} sau la {b}?",
        "Îmi puteți spune puțin mai multe despre ce aveți nevoie?",
    ),
    sentences(
        "ru",
        "Это касается: {a}?",
        "Вы имеете в виду {a} или {b}?",
        "Не могли бы вы немного подробнее рассказать, что вам нужно?",
    ),
    sentences(
        "sv",
        "Gäller det {a}?",
        "Menar du {a} eller {b}?",
        "Kan du berätta lite mer om vad du behöver?",
    ),
    sentences(
        "th",
        "เรื่องนี้เกี่ยวกับ {a} ใช่ไหม?",
        "คุณหมายถึง {a} หรือ {b}?",
        "ช่วยบอกรายละเอียดเพิ่มเติมเกี่ยวกับสิ่งที่คุณต้องการได้ไหม?",
    ),
    sentences(
        "tr",
        "Konu {a} ile mi ilgili?",
        "{a} mı yoksa {b} mi demek istediniz?",
        "Neye ihtiyacınız olduğunu biraz daha anlatabilir misiniz?",
    ),
    sentences(
        "uk",
        "Це стосується: {a}?",
        "Ви маєте на увазі {a} чи {b}?",
        "Чи могли б ви трохи докладніше розповісти, що вам потрібно?",
    ),
    sentences(
        "vi",
        "Có phải việc này liên quan đến {a} không?",
        "Ý bạn là {a} hay {b}?",
        "Bạn có thể cho tôi biết thêm một chút về điều bạn cần không?",
    ),
    sentences(
        "zh",
        "您是想咨询{a}吗？",
        "您是想找{a}还是{b}？",
        "请问您能再详细说明一下您的需求吗？",
    ),
];
