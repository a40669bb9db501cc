use avm_ir::value::from_json;
use proptest::prelude::*;

use super::*;

/// Rough strength: at least so far from 0.
const CLEAR: f64 = 0.3;
const STRONG: f64 = 0.6;

#[test]
fn sentences_have_the_sign_a_reader_expects() {
    let mut wrong = Vec::new();
    for (text, low, high) in [
        // Plain.
        ("This is good.", CLEAR, STRONG),
        ("What a great product", CLEAR, 0.8),
        ("I love it, it is the best phone I ever had!", STRONG, 1.0),
        ("The worst experience of my life.", -1.0, -0.5),
        ("It is bad.", -STRONG, -CLEAR),
        ("Terrible support, awful app, I hate it", -1.0, -0.7),
        ("The meeting is at ten.", 0.0, 0.0),
        ("The quick brown fox jumps over the lazy dog", -0.3, 0.6),
        ("", 0.0, 0.0),
        ("12345 67.8", 0.0, 0.0),
        // Negation.
        ("This is not good", -STRONG, -0.2),
        ("It isn't a very good phone", -STRONG, -0.1),
        ("I never liked it", -STRONG, -0.1),
        ("not bad", 0.05, CLEAR),
        ("No problem at all", 0.05, CLEAR),
        ("There are no problems", 0.05, 0.4),
        ("I don't think this is any good", -STRONG, -0.1),
        ("It never fails", 0.05, 0.5),
        ("hardly useful", -0.5, -0.1),
        ("Nobody likes it", -0.5, -0.1),
        ("Don't trust this scam", -1.0, -0.5),
        ("No, it is great", CLEAR, 0.9),
        ("I can't wait for the launch", CLEAR, 0.8),
        ("It couldn’t be better", CLEAR, 0.8),
        ("not only fast but also reliable", CLEAR, 0.9),
        ("It is neither fast nor reliable", -0.8, -0.2),
        ("without errors", 0.05, 0.5),
        ("nothing special", -0.6, -0.1),
        ("never not happy", 0.1, 0.8),
        // Intensity.
        ("extremely good", 0.5, 0.8),
        ("slightly good", 0.1, 0.4),
        ("VERY bad", -0.8, -0.45),
        ("a bit disappointing", -0.6, -0.1),
        // Contrast.
        ("The design is nice, but the app crashes all the time", -1.0, -0.2),
        ("It had a bad start but the end was wonderful", 0.3, 1.0),
        ("Although the price crashed, I am happy", 0.1, 0.7),
        ("Great idea, however the execution is terrible", -1.0, -0.2),
        ("I like it despite the bugs", 0.1, 0.6),
        // Emphasis.
        ("GREAT work everyone", CLEAR, 0.9),
        ("soooo goood", 0.5, 0.9),
        ("great!!!", 0.6, 0.9),
        // Emoji and emoticons.
        ("🚀🚀🚀", 0.5, 0.9),
        ("see you tomorrow :)", CLEAR, 0.6),
        ("missed the bus :(", -0.6, -CLEAR),
        ("my new phone ❤️", CLEAR, 0.8),
        ("that update 😡💩", -1.0, -0.6),
        ("👍🏽", 0.2, 0.6),
        // Markets.
        ("BTC to the moon!", 0.5, 1.0),
        ("I am bullish on ETH", CLEAR, 0.8),
        ("Not bullish on ETH", -0.7, -0.2),
        ("Bearish divergence, expect a dump", -1.0, -0.5),
        ("rug pull, devs stole everything", -1.0, -0.7),
        ("HODL, diamond hands 💎🙌", 0.6, 1.0),
        ("Got rekt, liquidated again", -1.0, -0.6),
        ("SOL up 12% today", 0.2, 0.6),
        ("SOL down 12% today", -0.6, -0.2),
        ("ETH -7.5% in an hour", -0.6, -0.2),
        ("ETH +7.5% in an hour", 0.2, 0.6),
        ("New all-time high for bitcoin", 0.4, 0.9),
        ("dead cat bounce, stay out", -0.9, -CLEAR),
        ("profits beat expectations", 0.3, 1.0),
        ("The exchange was hacked and users lost funds", -1.0, -0.6),
        ("massive layoffs and weak demand", -0.9, -0.2),
        ("$MOON listed on @GoodExchange", 0.0, 0.0),
        ("#bullish", CLEAR, 0.8),
        ("https://great.example/awesome", 0.0, 0.0),
        ("the scam's victims", -1.0, -0.5),
        ("We'll see, she'll call, I'll pay, he'll go", 0.0, 0.0),
        ("Is this good?", 0.2, 0.4),
        // Longer.
        (
            "The team shipped the upgrade on time. Fees fell by half and the network is stable. \
             Users are happy.",
            0.1,
            1.0,
        ),
        (
            "Support did not answer for a week. The refund was rejected and the app is still \
             broken. I regret buying it.",
            -1.0,
            -0.4,
        ),
    ] {
        let score = score(text);
        if !(low..=high).contains(&score) {
            wrong.push(format!("{text:?}: {score} is not in {low} to {high}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn scores_are_pinned() {
    // The score is part of what a journal holds: it must not move by accident.
    let text = "ETH is pumping 🚀 but I'm slightly worried: not a very healthy market!";
    assert_eq!([score("good"), score("bad"), score(text)], [0.4588, -0.4588, -0.2347]);
}

#[test]
fn marks_make_a_feeling_stronger() {
    for (less, more) in [
        ("great", "great!"),
        ("great!", "great!!"),
        ("it is great", "it is GREAT"),
        ("it is awful", "it is awful!"),
        ("🚀", "🚀🚀"),
        ("so good", "sooo good"),
        ("good", "gooood"),
        ("this is good?", "this is good"),
    ] {
        assert!(score(less).abs() < score(more).abs(), "{less}, {more}");
    }
    assert_eq!(score("great!!!"), score("great!!!!!!"));
    assert_eq!(score("ALL CAPS IS GREAT"), score("all caps is great"));
}

#[test]
fn inputs() {
    let of = |json: &str| sentiment(&from_json(json, 1 << 20).unwrap());
    assert_eq!(of("\"good\""), Ok(0.4588));
    assert_eq!(of("{\"text\":\"good\",\"likes\":3}"), Ok(0.4588));
    assert_eq!(of("[\"good\",{\"text\":\"bad\"},null]"), Ok(0.0));
    assert_eq!(of("[\"good\",\"ten\"]"), Ok(0.2294));
    for bad in ["3", "null", "[]", "[null]", "{}", "{\"text\":3}", "[[\"good\"]]"] {
        assert!(of(bad).is_err(), "{bad}");
    }
}

#[test]
fn long_texts_take_linear_time() {
    // Any of these takes minutes if a step is quadratic.
    for text in ["good ", "not ", "very ", "but ", "!", "a", "🚀", "1.", "no ", "'", "e\n"] {
        let long = text.repeat(2 * MAX_TEXT_BYTES / text.len());
        let score = score(&long);
        assert!((-1.0..=1.0).contains(&score));
    }
}

const PLAIN: &[&str] = &["good", "great", "bad", "terrible", "bullish", "scam", "🚀", "broken"];
const STEPS: &[&str] = &["slightly ", "", "very ", "extremely "];

proptest! {
    #[test]
    fn intensity_is_monotonic(at in 0..PLAIN.len(), before in "(the|a|this|ten|network) ", step in 1..STEPS.len()) {
        // A face is no word that "very" could strengthen.
        prop_assume!(PLAIN[at] != "🚀");
        let of = |step: usize| score(&format!("{before}{}{}", STEPS[step], PLAIN[at]));
        prop_assert!(of(step).abs() > of(step - 1).abs());
        prop_assert!(of(step).signum() == of(step - 1).signum());
    }

    #[test]
    fn not_turns_the_sign(at in 0..PLAIN.len(), between in "(|a |the |that |so )") {
        prop_assume!(PLAIN[at] != "🚀");
        let plain = score(PLAIN[at]);
        let turned = score(&format!("not {between}{}", PLAIN[at]));
        prop_assert!(plain * turned < 0.0);
        prop_assert!(turned.abs() < plain.abs());
    }

    #[test]
    fn any_text_has_a_score(text in "(\\PC|[ .!?,'%$#@:()\n-]|good|not |very |but |🚀|soooo|up 5%){0,60}") {
        let first = score(&text);
        prop_assert!((-1.0..=1.0).contains(&first));
        prop_assert_eq!(first.to_bits(), score(&text).to_bits());
    }

    #[test]
    fn more_of_the_same_is_more(n in 1usize..8, word in "(good|great|bullish)") {
        let of = |n: usize| score(&format!("{word}. ").repeat(n));
        prop_assert!(of(n + 1) > of(n));
    }
}
