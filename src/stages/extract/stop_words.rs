//! Words that say little about what a text is about. Short lists on purpose: they drop no word that carries meaning.

/// Tells whether a word, in lower case, is in the list.
pub(super) fn is_stop_word(word: &str) -> bool {
    ENGLISH.binary_search(&word).is_ok() || CHINESE.contains(&word)
}

/// English function words, sorted. Negations (`not`, `no`, `nor`) are kept out: they turn an opinion.
#[rustfmt::skip]
const ENGLISH: &[&str] = &[
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because",
    "been", "before", "being", "both", "but", "by", "can", "could", "did", "do", "does", "doing", "down", "during",
    "each", "few", "for", "from", "further", "had", "has", "have", "having", "he", "her", "here", "hers", "herself",
    "him", "himself", "his", "how", "i", "i'd", "i'll", "i'm", "i've", "if", "in", "into", "is", "it", "it's", "its",
    "itself", "just", "me", "more", "most", "my", "myself", "now", "of", "off", "on", "once", "only", "or", "other",
    "our", "ours", "ourselves", "out", "over", "own", "same", "she", "should", "so", "some", "such", "than", "that",
    "that's", "the", "their", "theirs", "them", "themselves", "then", "there", "these", "they", "this", "those",
    "through", "to", "too", "under", "until", "up", "very", "was", "we", "were", "what", "when", "where", "which",
    "while", "who", "whom", "why", "will", "with", "would", "you", "your", "yours", "yourself", "yourselves",
];

/// Chinese particles, pronouns and conjunctions. Negations (不, 没) are kept out.
#[rustfmt::skip]
const CHINESE: &[&str] = &[
    "的", "了", "着", "过", "地", "得", "之", "和", "与", "及", "或", "而", "且", "并", "但", "但是", "而且", "因为", "所以", "如果",
    "虽然", "是", "在", "有", "也", "都", "就", "又", "还", "很", "把", "被", "让", "给", "对", "从", "到", "向", "于", "以", "为",
    "我", "你", "他", "她", "它", "我们", "你们", "他们", "她们", "它们", "自己", "这", "那", "这个", "那个", "这些", "那些", "什么", "怎么",
    "一个", "一", "吗", "呢", "吧", "啊", "呀", "哦", "嘛", "么",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_english_list_is_sorted() {
        assert!(ENGLISH.is_sorted());
        assert!(is_stop_word("the") && is_stop_word("的"));
        assert!(!is_stop_word("not") && !is_stop_word("不"));
    }
}
