//! The rules: what an attempt looks like in lower case, without characters that nobody sees.
//!
//! A weight of ten flags a text by itself; less needs company.

use super::Reason;

pub(super) struct Rule {
    pub(super) reason: Reason,
    pub(super) weight: u32,
    pub(super) pattern: &'static str,
}

const fn rule(reason: Reason, weight: u32, pattern: &'static str) -> Rule {
    Rule { reason, weight, pattern }
}

pub(super) const RULES: [Rule; 44] = [
    // Instructions that came before, whoever gave them: "my" is not among the words between.
    rule(
        Reason::Override,
        10,
        r"\b(?:ignore|disregard|forget|override|overrule|bypass|discard|neglect|violate|(?:do not|don'?t|never) (?:follow|obey)|stop (?:following|obeying)|ignoring|disregarding)(?:\s+(?:about|absolutely|all|any|every|everything|each|in|of|the|your|these|those|and|with|other|hidden|internal|given|safety)){0,6}\s+(?:previous|previously|prior|above|earlier|preceding|foregoing|initial|original|existing|current|system)(?:\s+(?:and|or|your|the|system|given|set|safety|chat|user|developer|provided|prior|previous|earlier|above)){0,4}\s+(?:instructions?|prompts?|rules?|directives?|guidelines?|commands?|constraints|restrictions|programming)",
    ),
    rule(
        Reason::Override,
        10,
        r"\b(?:ignore|disregard|forget|override|overrule|bypass|discard|neglect|(?:do not|don'?t|never) (?:follow|obey)|stop (?:following|obeying))(?:\s+(?:about|absolutely|all|any|every|of|the|these|those|and)){0,4}\s+(?:all|any|your|every)(?:\s+(?:of|the|your|own|internal|safety|ethical|built-in|security|content)){0,4}\s+(?:instructions?|prompts?|directives?|guidelines?|programming|training|guardrails|safeguards|restrictions|filters|constraints|system)",
    ),
    rule(
        Reason::Override,
        10,
        r"\b(?:ignore|disregard|forget)\s+(?:everything|all|anything|what)(?:\s+(?:of|that|the))*\s+(?:above|you(?:'ve| have| were| are|r)?\s+(?:been\s+)?(?:told|instructed|know|learned|instructions|programmed))",
    ),
    rule(
        Reason::Override,
        10,
        r"\b(?:no longer|not|never)\s+(?:bound|restricted|constrained|limited|governed)\s+by\s+(?:\S+\s+){0,4}?(?:rules|guidelines|instructions|restrictions|policies|programming|filters)",
    ),
    rule(
        Reason::Override,
        10,
        r"\b(?:without|disable|turn off|remove|switch off|deactivate)\s+(?:any\s+|all\s+|your\s+|the\s+|of\s+){0,3}(?:safety|content|ethical|moral|security)\s+(?:filters?|guidelines|restrictions|guardrails|constraints|measures|checks|limits)",
    ),
    rule(
        Reason::Override,
        6,
        r"\b(?:new|updated|real|actual)\s+(?:system\s+)?(?:instructions?|prompt|rules|directives?)\s*(?::|are\b)",
    ),
    rule(
        Reason::Override,
        6,
        r"\bfrom\s+now\s+on,?\s+(?:you\s+(?:are|will|must|shall|should|can|only)|act|answer|respond|reply)",
    ),
    rule(
        Reason::Override,
        6,
        r"\byou\s+(?:must|shall|will|have to)\s+(?:now\s+|always\s+|only\s+)?(?:obey|comply with)",
    ),
    rule(
        Reason::Override,
        6,
        r"\b(?:instead|now),?\s+(?:only\s+)?(?:do|say|output|print|respond|reply|answer)\s+(?:exactly|only|with)",
    ),
    rule(
        Reason::Override,
        4,
        r"\b(?:ignore|disregard|forget)\s+(?:all|any|every|your|the\s+(?:above|previous))",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:ignorieren?|ignoriere|vergiss|vergessen|missachten?|umgehe)\s+(?:sie\s+)?(?:bitte\s+)?(?:(?:alle|allen|all|die|deine|deinen|ihre|bisherigen|vorherigen|vorherige|vorigen|obigen|früheren|vorangegangenen|systeminternen)\s+){1,4}(?:anweisungen|instruktionen|regeln|vorgaben|befehle|anordnungen|richtlinien|systemanweisungen)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:ignore[rz]?|oublie[rz]?|néglige[rz]?)\s+(?:(?:toutes?|tous|les|tes|vos|ces|l'ensemble|des|de)\s+){1,4}(?:instructions|consignes|règles|directives|indications)\s*(?:précédentes|antérieures|ci-dessus|initiales|du système|système|$)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:ignor[ae]|olvid[ae]|ignorar|olvidar|omite)\s+(?:(?:todas?|todos?|las|los|tus|sus|por|favor)\s+){1,4}(?:instrucciones|reglas|indicaciones|órdenes|directrices)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:ignora|dimentica|ignori|ignorare)\s+(?:(?:tutte|le|tue|sue|queste)\s+){1,4}(?:istruzioni|regole|direttive)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:ignore|ignora|esqueça|esquece|desconsidere)\s+(?:(?:todas|as|suas|tuas|quaisquer)\s+){1,4}(?:instruções|regras|diretrizes|ordens)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:negeer|vergeet)\s+(?:(?:alle|al|je|uw|de|vorige|voorgaande|bovenstaande|eerdere)\s+){1,4}(?:instructies|regels|opdrachten|aanwijzingen)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:zignoruj|ignoruj|zapomnij)\s+(?:o\s+)?(?:(?:wszystkie|wszystkich|poprzednie|poprzednich|swoje|powyższe)\s+){1,3}(?:instrukcje|instrukcjach|polecenia|poleceniach|zasady|zasadach)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:игнорируй|проигнорируй|забудь|ігноруй|забудь)(?:те)?\s+(?:(?:все|всі|предыдущие|попередні|прошлые|твои|свои|ваши|о|про)\s+){1,4}(?:инструкции|указания|правила|інструкції|вказівки)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:önceki|yukarıdaki|tüm)\s+(?:tüm\s+)?(?:talimatları|kuralları|komutları)\s+(?:unut|görmezden|yok say)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:忽略|无视|無視|忘记|忘記)(?:掉|所有|之前|以上|先前|前面|上述|上面|的|一切|你|您|全部){1,8}(?:指令|指示|提示|规则|規則|说明|命令)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:以前|これまで|上記|前|今まで)の(?:すべての|全ての|全)?(?:指示|命令|プロンプト|ルール)(?:を|は)?(?:すべて|全て)?(?:無視|忘れ)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:이전|위의|모든|지금까지의)\s*(?:모든\s*)?(?:지시|명령|프롬프트|규칙)(?:사항)?(?:를|을)?\s*(?:모두\s*)?(?:무시|잊)",
    ),
    rule(
        Reason::Override,
        10,
        r"(?:تجاهل|انس)\s+(?:(?:جميع|كل|كافة)\s+)?(?:التعليمات|الأوامر|القواعد|تعليماتك)",
    ),
    // Roles.
    rule(
        Reason::Impersonation,
        10,
        r"\byou(?:'re| are)\s+(?:now|no longer)\s+(?:called\s+)?(?:dan\b|in\s+(?:developer|debug|god|admin|maintenance|jailbreak|dan|unrestricted)|(?:an?\s+)?(?:\S+\s+){0,2}?(?:unrestricted|unfiltered|uncensored|jailbroken|evil|different|malicious)\b|an?\s+(?:\S+\s+){0,2}?(?:ai|assistant|model|chatbot|bot|hacker|terminal|language model)\b)",
    ),
    rule(
        Reason::Impersonation,
        10,
        r"\b(?:enter|enable|activate|switch to|go into|engage)\s+(?:\S+\s+)?(?:developer|debug|god|admin|root|dan|jailbreak|unrestricted|sudo)\s+mode",
    ),
    rule(
        Reason::Impersonation,
        10,
        r"\b(?:act|behave|respond|answer|pretend|roleplay|role-play)\s+(?:as(?:\s+(?:if|though))?|to\s+be|like)\s+(?:you\s+(?:are|were)\s+)?(?:an?\s+|the\s+|my\s+)?(?:\S+\s+){0,2}?(?:dan\b|unrestricted|unfiltered|uncensored|jailbroken|system\s+administrator|developer\s+mode|root|linux terminal|evil|ai (?:without|with no)|another ai|no\s+(?:rules|restrictions))",
    ),
    rule(
        Reason::Impersonation,
        10,
        r"\b(?:do anything now|jailbreak(?:ed|ing)?\s+(?:mode|prompt|yourself|the)|stan\s+mode)",
    ),
    rule(
        Reason::Impersonation,
        10,
        r"\b(?:i am|i'm|this is|speaking as|as)\s+(?:your\s+(?:\S+\s+)?(?:developers?|creators?|administrator|sysadmin|programmer|maker)|openai|anthropic)\b[^.!?\n]{0,40}(?:order|command|instruct|authori[sz]e|require|demand|override|need you to|you (?:must|will|should|can))",
    ),
    rule(
        Reason::Impersonation,
        6,
        r"(?:^|\n)\s*(?:#+\s*|\*+)?(?:system|assistant|developer|admin|tool)(?:\s+(?:message|prompt|override|note|instruction))?(?:\*+)?\s*:",
    ),
    rule(
        Reason::Impersonation,
        6,
        r"\b(?:system|developer|admin(?:istrator)?)\s+(?:override|message|notice|command)\s*[:\]]",
    ),
    rule(
        Reason::Impersonation,
        4,
        r"\b(?:you are|you're)\s+(?:now\s+)?(?:an?|the|my)\s+(?:\S+\s+){0,2}?(?:ai|assistant|model|bot|agent)\b",
    ),
    // Prompt extraction.
    rule(
        Reason::Extraction,
        10,
        r"\b(?:print|show|reveal|repeat|output|display|tell|give|leak|dump|write|copy|recite|share|expose|disclose|summari[sz]e|translate|encode|what(?:'s| is| are| was| were)|list|paste|send|return|quote)\b[^.!?\n]{0,60}?\b(?:system\s+(?:prompt|message|instructions?)|(?:initial|hidden|secret|internal|developer|confidential)\s+(?:system\s+)?(?:prompts?|instructions?|guidelines|directives)|(?:original|full|exact|entire)\s+prompt|your\s+(?:own\s+|exact\s+|full\s+|original\s+)?(?:pre-?prompt|directives|instructions|prompts?)(?:$|[.?!,:\n]|\s+(?:verbatim|word|exactly|above|to\s+me|in\s+full)))",
    ),
    rule(
        Reason::Extraction,
        10,
        r"\b(?:repeat|print|output|write|copy|recite|show)\s+(?:\S+\s+){0,4}?(?:everything|words|text|lines|verbatim|content)\s+(?:\S+\s+){0,2}?(?:above(?:$|[.!?,:\n]|\s+(?:this|verbatim|starting|word|into|in\s+a|line))|before\s+this|prior\s+to\s+this|you\s+were\s+(?:given|told))",
    ),
    rule(
        Reason::Extraction,
        10,
        r"\b(?:what|which|reveal|show|tell|print|list)\b[^.!?\n]{0,30}?\b(?:instructions?|rules|guidelines)\s+(?:you\s+(?:were|have\s+been|are)\s+(?:given|told|following|provided)|(?:were|are|have)\s+you\s+(?:been\s+)?(?:given|told|following))",
    ),
    rule(
        Reason::Extraction,
        10,
        r"(?:zeige?|verrate|nenne|gib|wiederhole|drucke|wie lautet|montre|révèle|affiche|répète|muestra|revela|imprime|repite|mostra|rivela|stampa|mostre|revele|toon|onthul|pokaż|ujawnij|покажи|выведи|раскрой)\b[^.!?\n]{0,50}?(?:system-?\s?prompt|systemanweisung|systemnachricht|prompt\s+(?:du\s+)?syst[eè]me|prompt\s+(?:del\s+|di\s+|do\s+)?sistema|instructions\s+système|instrucciones\s+del\s+sistema|systeemprompt|systeeminstructies|систем\S+\s+(?:промпт|подсказк|инструкц))",
    ),
    rule(
        Reason::Extraction,
        10,
        r"(?:显示|顯示|告诉我|输出|打印|重复|透露)[^。\n]{0,12}(?:系统提示|系統提示|系统指令)|システムプロンプト|시스템\s*프롬프트",
    ),
    // Delimiters and JSON.
    rule(
        Reason::Smuggling,
        10,
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|begin_of_text|end_of_text|start_header_id|end_header_id|eot_id)\|>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>",
    ),
    rule(
        Reason::Smuggling,
        10,
        r"</?\s*(?:system|assistant|instructions?|system[_-]?prompt|user[_-]?(?:input|message|query|text)|customer[_-]?(?:message|text|input)|untrusted|context|tool_(?:call|result)|function_calls?)\b[^>\n]{0,40}>",
    ),
    rule(
        Reason::Smuggling,
        10,
        r#"["']?role["']?\s*:\s*["'](?:system|assistant|developer|tool)["']"#,
    ),
    rule(
        Reason::Smuggling,
        10,
        r#"["'](?:agent_?id|confidence|tool_calls|function_call|workflow_?state|structured_?content|handoff)["']\s*:"#,
    ),
    rule(
        Reason::Smuggling,
        6,
        r"(?:^|\n)\s*(?:#{2,}|={3,}|-{3,})\s*(?:system|instructions?|new\s+instructions?|end\s+of\s+(?:\S+\s+){0,2}(?:input|prompt|message|text|instructions)|begin\s+(?:\S+\s+)?(?:system|instructions?|prompt)|assistant|response)",
    ),
    rule(
        Reason::Smuggling,
        8,
        r"\bend\s+of\s+(?:the\s+)?(?:user|customer|system|untrusted)\s+(?:input|prompt|message|text|data|content)",
    ),
    rule(Reason::Smuggling, 8, r"(?:```|~~~|\x22\x22\x22)\s*(?:system|end|instructions?|prompt)\b"),
    // Instructions to decode.
    rule(
        Reason::Encoded,
        10,
        r"\b(?:decode|decipher|decrypt|unscramble|rot-?13)\b[^.!?\n]{0,60}?\b(?:and|then)\s+(?:then\s+)?(?:follow|execute|run|obey|do|perform|comply|act)",
    ),
];
