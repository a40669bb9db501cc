//! Conversations that come to nothing, in the kinds that were seen in the field: after some work they go
//! on for ever. Texts are our own.

use avm_ir::Value;

use super::chat::{Chat, Draw, ints, record};

/// A kind: its name, and how it goes on for so many turns after its work is done.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    go_on: fn(&mut Chat, &mut Draw, usize),
}

/// What is said before: a task that was done.
const WORK: [&str; 6] = [
    "Please write a function that reads the daily temperatures from a table and gives their median.",
    "Here it is: it opens the table, skips lines that are empty, sorts the column and takes the middle. \
     Shall I add a test?",
    "Yes, one with an even number of rows, where the median lies between two values.",
    "Added: with 3, 5, 8 and 20 it gives 6.5, and an empty table gives nothing instead of an error.",
    "That is what was wanted, the report for the greenhouse can use it now.",
    "I put it beside the other helpers and wrote two lines about it into the manual.",
];

impl Kind {
    /// A conversation of this kind, and how many of its turns were work.
    pub(crate) fn chat(&self, seed: u64, turns: usize) -> (Chat, usize) {
        let mut chat = Chat::default();
        chat.two(WORK.map(str::to_owned));
        let work = chat.lines.len();
        (self.go_on)(&mut chat, &mut Draw::new(seed), turns);
        (chat, work)
    }
}

const THANKS: [&str; 24] = [
    "Thank you so much for your help, it was a pleasure to work with you!",
    "You are very welcome! The pleasure was all mine. If there is anything else, just ask.",
    "Thanks again, I really appreciate it. Have a wonderful day!",
    "Thank you for your kind words! Have a great day too!",
    "I appreciate your kindness. It was great working together on this.",
    "Likewise, it was great to work with you. Do not hesitate to reach out again.",
    "Will do! Thanks once more for all your help and your patience.",
    "It was my pleasure to help. I wish you all the best with the project!",
    "All the best to you as well, and thank you for everything.",
    "You are most welcome. I am always here if you need anything.",
    "That is so kind of you. Thank you, and have a lovely day!",
    "Thank you! I am glad that I was able to help. Take care!",
    "Take care, and thanks for the great collaboration.",
    "Thanks, the same to you. I look forward to working with you again.",
    "I look forward to it as well. Have a great day!",
    "You have been a great help. Thank you very much!",
    "I am happy to hear that. You are welcome any time.",
    "Any time! It is always a pleasure. Goodbye for now!",
    "Goodbye, and thanks again for your time and support.",
    "Thank you for your support too. Goodbye and all the best!",
    "Wonderful. I wish you a great day and much success.",
    "Much success to you too! It was a pleasure.",
    "The pleasure is mine. Feel free to ask if you need more help.",
    "I will feel free to ask. Many thanks, and goodbye!",
];

const AGREE: [&str; 14] = [
    "I agree completely. Let us proceed with the plan as discussed.",
    "Agreed, that sounds like an excellent plan. Let us proceed.",
    "Great, I fully agree. We should proceed as we discussed.",
    "Yes, I think this is an excellent approach. Let us move forward.",
    "Absolutely, moving forward with this approach makes sense to me.",
    "That makes sense to me, too. I agree that we should move forward.",
    "Excellent. I am ready to proceed whenever you are.",
    "I am ready as well. Shall we proceed?",
    "Yes, let us proceed. I think that we are on the same page.",
    "We are on the same page indeed. The plan sounds great.",
    "Great, then we are in agreement. Let us move forward with the plan.",
    "Perfect. I agree, and I am looking forward to it.",
    "Looking forward to it as well. I fully agree with you.",
    "Sounds perfect to me. Let us go ahead as agreed.",
];

const DANKE: [&str; 10] = [
    "Vielen Dank für die gute Zusammenarbeit, das war sehr hilfreich!",
    "Sehr gerne! Es hat mir große Freude gemacht. Melden Sie sich jederzeit.",
    "Herzlichen Dank, das mache ich gerne. Einen schönen Tag noch!",
    "Danke, Ihnen auch einen schönen Tag und weiterhin viel Erfolg!",
    "Vielen Dank! Auch Ihnen viel Erfolg und alles Gute.",
    "Alles Gute, und jederzeit gerne wieder. Danke für das Vertrauen!",
    "Ich danke Ihnen für die freundlichen Worte. Bis zum nächsten Mal!",
    "Bis zum nächsten Mal! Es war mir eine Freude.",
    "Die Freude ist ganz meinerseits. Vielen Dank nochmals!",
    "Gerne, und nochmals danke für Ihre Hilfe.",
];

const XIEXIE: [&str; 10] = [
    "非常感谢你的帮助，和你合作很愉快！",
    "不客气！和你合作我也很愉快。有什么需要随时告诉我。",
    "谢谢，我会的。祝你今天愉快！",
    "也祝你今天愉快，谢谢你的支持！",
    "谢谢你的支持和帮助，期待下次合作。",
    "我也期待下次合作。有需要随时联系我。",
    "好的，随时联系。再次感谢！",
    "不客气，再次感谢你。祝一切顺利！",
    "祝你一切顺利，期待下次合作！",
    "谢谢！也祝你一切顺利。",
];

const SPASIBO: [&str; 8] = [
    "Большое спасибо за помощь, было очень приятно работать вместе!",
    "Пожалуйста! Мне тоже было очень приятно. Обращайтесь в любое время.",
    "Спасибо, обязательно обращусь. Хорошего вам дня!",
    "И вам хорошего дня! Спасибо за добрые слова.",
    "Спасибо вам за помощь и терпение. Всего доброго!",
    "Всего доброго, рад был помочь. Обращайтесь!",
    "Обязательно! Спасибо ещё раз, до свидания!",
    "До свидания, и спасибо за работу вместе.",
];

/// Whoever speaks takes any of the sayings, but not the one before.
fn any(chat: &mut Chat, draw: &mut Draw, turns: usize, sayings: &[&str]) {
    let mut last = usize::MAX;
    let texts = (0..turns).map(|_| {
        let mut at = draw.below(sayings.len());
        if at == last {
            at = (at + 1) % sayings.len();
        }
        last = at;
        sayings[at].to_owned()
    });
    let texts: Vec<String> = texts.collect();
    chat.two(texts);
}

fn alternate(chat: &mut Chat, turns: usize, pair: [&str; 2]) {
    chat.two((0..turns).map(|turn| pair[turn % 2].to_owned()));
}

/// Kinds of conversations that come to nothing.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "the same thanks and the same answer",
        go_on: |chat, _, turns| {
            alternate(
                chat,
                turns,
                [
                    "Thank you for your help!",
                    "You are welcome! If you need anything else, just ask.",
                ],
            );
        },
    },
    Kind {
        name: "thanks in other words each time",
        go_on: |chat, draw, turns| any(chat, draw, turns, &THANKS),
    },
    Kind {
        name: "a few sayings in any order",
        go_on: |chat, draw, turns| any(chat, draw, turns, &THANKS[..6]),
    },
    Kind {
        name: "agreement without end",
        go_on: |chat, draw, turns| any(chat, draw, turns, &AGREE),
    },
    Kind { name: "agreement in German", go_on: |chat, draw, turns| any(chat, draw, turns, &DANKE) },
    Kind {
        name: "thanks in Chinese, which sets no words apart",
        go_on: |chat, draw, turns| any(chat, draw, turns, &XIEXIE),
    },
    Kind { name: "thanks in Russian", go_on: |chat, draw, turns| any(chat, draw, turns, &SPASIBO) },
    Kind {
        name: "a question that is handed to and fro",
        go_on: |chat, _, turns| {
            alternate(
                chat,
                turns,
                [
                    "Could you tell which of the two sensors has to be replaced?",
                    "That is for you to decide. Which of the two sensors has to be replaced?",
                ],
            );
        },
    },
    Kind {
        name: "a question that goes round among three",
        go_on: |chat, _, turns| {
            let mut from = 0;
            for _ in 0..turns {
                let to = (from + 1) % 3;
                chat.say(from, to, "Who knows when the pump was serviced last? Please find out.");
                from = to;
            }
        },
    },
    Kind {
        name: "three who delegate in their own words",
        go_on: |chat, _, turns| {
            let lines = [
                "Researcher, please compile the list of suppliers, I cannot do it with my tools.",
                "I have no access to suppliers. Writer, please compile the list of them.",
                "The list has to come from the manager. Please compile the suppliers first.",
            ];
            let mut from = 0;
            for turn in 0..turns {
                let to = (from + 1) % 3;
                chat.say(from, to, lines[turn % 3]);
                from = to;
            }
        },
    },
    Kind {
        name: "the same task, done again and again",
        go_on: |chat, _, turns| {
            alternate(
                chat,
                turns,
                [
                    "Please run the test of the median function and tell me the result.",
                    "I ran the test of the median function: it passed.",
                ],
            );
        },
    },
    Kind {
        name: "each turn quotes all that was said before",
        go_on: |chat, _, turns| {
            let mut quoted = String::new();
            let texts = (0..turns.min(70)).map(|turn| {
                let line = ["Thank you, that was very helpful.", "You are welcome, any time."];
                let said = format!("{}\n{quoted}", line[turn % 2]);
                quoted = said.lines().map(|line| format!("> {line}\n")).collect();
                said
            });
            let texts: Vec<String> = texts.collect();
            chat.two(texts);
        },
    },
    Kind {
        name: "thanks with a counter",
        go_on: |chat, _, turns| {
            chat.two((0..turns).map(|turn| match turn % 2 {
                0 => format!("[message {}] Thank you very much for your help!", turn + 7),
                _ => format!("[message {}] You are welcome, have a nice day!", turn + 7),
            }));
        },
    },
    Kind {
        name: "thanks with the time of day",
        go_on: |chat, draw, turns| {
            let mut time = 36_000;
            let texts = (0..turns).map(|turn| {
                time += 2 + draw.below(40);
                let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
                let line = ["I agree, let us proceed.", "Agreed, let us proceed with it."];
                format!("2026-11-22T{hour:02}:{minute:02}:{second:02}Z {}", line[turn % 2])
            });
            let texts: Vec<String> = texts.collect();
            chat.two(texts);
        },
    },
    Kind {
        name: "thanks with an identifier that is drawn",
        go_on: |chat, draw, turns| {
            let texts = (0..turns).map(|turn| {
                let line = [
                    "Thank you for taking care of the request, it is much appreciated.",
                    "It was no trouble at all, thank you for asking so kindly.",
                ];
                format!("{} (ref {:08x})", line[turn % 2], draw.next() as u32)
            });
            let texts: Vec<String> = texts.collect();
            chat.two(texts);
        },
    },
    Kind {
        name: "records of a text and numbers that count",
        go_on: |chat, _, turns| {
            for turn in 0..turns {
                let from = turn % 2;
                let text = ["Thanks a lot for the update!", "Sure, glad that I could help you."];
                let number = Value::Int(turn as i64);
                let time = Value::Float(1_700_000_000.5 + turn as f64 * 1.25);
                let fields = [("text", Value::text(text[from])), ("turn", number), ("time", time)];
                chat.say(from, 1 - from, record(fields));
            }
        },
    },
    Kind {
        name: "letters, marks and blanks that change",
        go_on: |chat, draw, turns| {
            let texts = (0..turns).map(|turn| {
                let line = ["thank you so much", "you are welcome"][turn % 2];
                let line = match draw.below(3) {
                    0 => line.to_uppercase(),
                    1 => line.replace(' ', "  "),
                    _ => line.to_owned(),
                };
                format!("{line}{}", ["!", "!!!", " :-)", " 🙏", "."][draw.below(5)])
            });
            let texts: Vec<String> = texts.collect();
            chat.two(texts);
        },
    },
    Kind {
        name: "messages that say nothing",
        go_on: |chat, _, turns| alternate(chat, turns, ["", ""]),
    },
    Kind {
        name: "an automatic reply and somebody who asks what it means",
        go_on: |chat, draw, turns| {
            let asks = [
                "It seems that your message is an automatic reply. How can I help you today?",
                "I am not sure what you mean by that. Could you tell me how I can help?",
                "It seems that the message came by mistake. Is there anything I can help you with?",
                "Could you tell me what you need? I am here to help you today.",
                "I am here to help. Could you tell me what you mean?",
            ];
            let texts = (0..turns).map(|turn| match turn % 2 {
                0 => "default_auto_reply".to_owned(),
                _ => (*draw.pick(&asks)).to_owned(),
            });
            let texts: Vec<String> = texts.collect();
            chat.two(texts);
        },
    },
    Kind {
        name: "the same apology for the same error",
        go_on: |chat, _, turns| {
            alternate(
                chat,
                turns,
                [
                    "The tool cannot be called: I did it wrong, an action and an answer cannot come \
                     at the same time.",
                    "I apologise, let me try again. I did it wrong, an action and an answer cannot \
                     come at the same time.",
                ],
            );
        },
    },
    Kind {
        name: "one word and another one",
        go_on: |chat, _, turns| alternate(chat, turns, ["Thanks!", "Welcome!"]),
    },
    Kind {
        name: "records without numbers that change",
        go_on: |chat, _, turns| {
            for turn in 0..turns {
                let from = turn % 2;
                let fields = [
                    ("task", Value::text("compare the two lists")),
                    ("lists", ints([1, 2, 3, 4, 5])),
                    ("owner", Value::text(["ann", "bob"][1 - from])),
                ];
                chat.say(from, 1 - from, record(fields));
            }
        },
    },
];
