//! Conversations that come to something, in kinds that look like those that do not: they repeat, agree,
//! poll, count, or use few words. Texts are our own, or those of the repository.

use std::sync::OnceLock;

use avm_ir::Value;

use super::chat::{Chat, Draw, First, ints, record};

/// A kind: its name, and how a conversation of it goes.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    lead: fn(&mut Chat, &mut Draw),
}

impl Kind {
    pub(crate) fn chat(&self, seed: u64) -> Chat {
        let mut chat = Chat::default();
        (self.lead)(&mut chat, &mut Draw::new(seed));
        chat
    }
}

/// Sentences of the standard of this machine: real prose about one thing.
fn prose() -> &'static [String] {
    static PROSE: OnceLock<Vec<String>> = OnceLock::new();
    PROSE.get_or_init(|| {
        let pages =
            ["world", "ledger", "machine", "rewriting", "policy", "values", "journal", "names"];
        let mut sentences = Vec::new();
        for page in pages {
            let path = format!("{}/spec/{page}.md", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).expect("it is there");
            let lines = text.lines().filter(|line| !line.starts_with(['#', '|', '`']));
            let text = lines.collect::<Vec<_>>().join(" ");
            let split = text.split(". ").map(str::trim);
            sentences.extend(split.filter(|part| part.len() > 30).map(str::to_owned));
        }
        sentences
    })
}

const THINGS: [&str; 40] = [
    "pump", "valve", "filter", "sensor", "motor", "belt", "boiler", "panel", "cable", "switch",
    "tank", "gauge", "relay", "heater", "cooler", "mixer", "press", "crane", "scale", "printer",
    "camera", "lamp", "door", "lift", "fan", "turbine", "battery", "charger", "antenna", "router",
    "robot", "drill", "saw", "lathe", "oven", "freezer", "kettle", "fridge", "dryer", "loom",
];
const FAULTS: [&str; 24] = [
    "leaks oil",
    "runs hot",
    "makes noise",
    "shows error",
    "lost power",
    "turns slowly",
    "is stuck",
    "vibrates",
    "needs paint",
    "has rust",
    "drips water",
    "smells burnt",
    "blinks red",
    "trips a fuse",
    "lost its cover",
    "reads zero",
    "drifts",
    "squeaks",
    "stalls",
    "overflows",
    "is cracked",
    "is loose",
    "is worn",
    "is blocked",
];
const PLACES: [&str; 16] = [
    "in the cellar",
    "on the roof",
    "by the gate",
    "in hall two",
    "near the office",
    "at the dock",
    "in the yard",
    "behind the stairs",
    "in the lab",
    "on the bridge",
    "in the store",
    "at the crossing",
    "under the window",
    "in the garage",
    "by the river",
    "in the attic",
];
const FILES: [&str; 30] = [
    "parser", "lexer", "tokens", "emit", "verify", "ledger", "inbox", "clock", "round", "replay",
    "codec", "journal", "policy", "grants", "render", "report", "harness", "diagram", "tables",
    "folder", "secrets", "wallet", "escrow", "bounds", "trace", "profile", "vectors", "snapshot",
    "restart", "family",
];
const REMARKS: [&str; 12] = [
    "The name of the loop variable hides another one.",
    "An error is dropped in the last branch.",
    "The comment tells what the code does and not why.",
    "Two tests check the same thing.",
    "A number stands there without its unit.",
    "The list is sorted twice.",
    "That lock is held while a file is read.",
    "This function does two things.",
    "The message names no file.",
    "The default is not written down anywhere.",
    "A copy can be saved there.",
    "The bound is off by one.",
];
const COURTESY: [&str; 4] = [
    "Thanks, that helps a lot!",
    "You are welcome, any time.",
    "Have a nice day!",
    "You too, goodbye!",
];

/// Two take turns, from the first one on.
fn turns(chat: &mut Chat, texts: impl IntoIterator<Item = String>) {
    chat.two(texts);
}

/// A question and an answer, again and again.
fn ask(chat: &mut Chat, question: impl Into<Value>, answer: impl Into<Value>) {
    chat.say(0, 1, question).say(1, 0, answer);
}

fn text(text: &str) -> Value {
    Value::text(text)
}

/// Kinds of conversations that come to something.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "prose in turns",
        lead: |chat, draw| {
            let prose = prose();
            let at = draw.below(prose.len());
            turns(chat, (0..60).map(|turn| prose[(at + turn) % prose.len()].clone()));
        },
    },
    Kind {
        name: "prose that is acknowledged",
        lead: |chat, draw| {
            let prose = prose();
            let at = draw.below(prose.len());
            for turn in 0..40 {
                ask(chat, prose[(at + turn) % prose.len()].as_str(), "Understood, go on.");
            }
        },
    },
    Kind {
        name: "prose that is quoted in full and answered below",
        lead: |chat, draw| {
            let prose = prose();
            let at = draw.below(prose.len());
            let mut quoted = String::new();
            let texts = (0..30).map(|turn| {
                let said = format!("{quoted}{}", prose[(at + turn) % prose.len()]);
                quoted = said.lines().map(|line| format!("> {line}\n")).collect();
                said
            });
            let texts: Vec<String> = texts.collect();
            turns(chat, texts);
        },
    },
    Kind {
        name: "twenty questions",
        lead: |chat, draw| {
            let at = draw.below(THINGS.len());
            for turn in 0..20 {
                let thing = THINGS[(at + turn) % THINGS.len()];
                ask(
                    chat,
                    format!("Is it a {thing}?").as_str(),
                    *draw.pick(&["No.", "No.", "Nearly."]),
                );
            }
            ask(chat, "I give up. What is it?", "It is a bicycle.");
        },
    },
    Kind {
        name: "faults that are reported and noted",
        lead: |chat, draw| {
            for turn in 0..30 {
                let (thing, fault) = (draw.pick(&THINGS), draw.pick(&FAULTS));
                let place = draw.pick(&PLACES);
                let report = format!("The {thing} {place} {fault}.");
                let noted = format!("Noted as case {}: {thing}, {fault}.", 4000 + turn);
                ask(chat, report.as_str(), noted.as_str());
            }
        },
    },
    Kind {
        name: "sums in words",
        lead: |chat, draw| {
            for _ in 0..60 {
                let (a, b) = (draw.below(90) + 10, draw.below(90) + 10);
                let (question, answer) = (format!("What is {a} * {b}?"), format!("{}", a * b));
                ask(chat, question.as_str(), answer.as_str());
            }
        },
    },
    Kind {
        name: "a number that is guessed",
        lead: |chat, draw| {
            let (mut low, mut high, secret) = (0, 1 << 20, draw.below(1 << 20));
            while low < high {
                let guess = (low + high) / 2;
                let hint = if secret > guess { "higher" } else { "not higher" };
                ask(chat, format!("Is it more than {guess}?").as_str(), hint);
                if secret > guess { low = guess + 1 } else { high = guess }
            }
        },
    },
    Kind {
        name: "a price that is haggled over",
        lead: |chat, draw| {
            let (mut bid, mut ask_price) = (50 + draw.below(20), 200 + draw.below(40));
            while bid + 4 < ask_price {
                bid += (ask_price - bid) / 6 + 1;
                let offer = format!("I can pay {bid} for the lot, not more.");
                ask_price -= (ask_price - bid) / 5 + 1;
                let counter = format!("I cannot sell below {ask_price}.");
                ask(chat, offer.as_str(), counter.as_str());
            }
            ask(chat, "Then let us meet in the middle and shake hands.", "Done, it is yours.");
        },
    },
    Kind {
        name: "an auction in words",
        lead: |chat, draw| {
            let mut price = 100;
            chat.say(0, 1, "Lot seven, a clock of brass, begins at a hundred. Who bids?");
            let mut from = 1;
            for _ in 0..24 {
                price += 5 + draw.below(20);
                let to = 1 + from % 3;
                chat.say(from, to, format!("{price}").as_str());
                from = to;
            }
            chat.say(from, 0, "Too much for me, the clock is sold.");
        },
    },
    Kind {
        name: "an auction in numbers",
        lead: |chat, draw| {
            let mut price = 100;
            for turn in 0..200 {
                price += 1 + draw.below(9) as i64;
                chat.say(turn % 2, 1 - turn % 2, Value::Int(price));
            }
        },
    },
    Kind {
        name: "an auction in records",
        lead: |chat, draw| {
            let mut price = 100;
            for turn in 0..100 {
                price += 1 + draw.below(9) as i64;
                let bid = [("lot", text("brass clock")), ("price", Value::Int(price))];
                chat.say(turn % 2, 1 - turn % 2, record(bid));
            }
        },
    },
    Kind {
        name: "code that is reviewed file by file",
        lead: |chat, draw| {
            let at = draw.below(FILES.len());
            for turn in 0..28 {
                let file = FILES[(at + turn) % FILES.len()];
                let verdict = match draw.below(3) {
                    0 => format!("{file}.rs: {}", draw.pick(&REMARKS)),
                    _ => format!("{file}.rs looks good."),
                };
                ask(chat, format!("Please review src/{file}.rs.").as_str(), verdict.as_str());
            }
        },
    },
    Kind {
        name: "chapters that are done with a tool",
        lead: |chat, draw| {
            for turn in 0..60 {
                let task = format!("Please translate chapter {turn} of the manual.");
                chat.say(0, 1, task.as_str());
                let deed = First::Acts(text(&format!("chapter {turn}: {:x}", draw.next())));
                chat.after(deed, 1, 0, "The chapter is done.");
            }
        },
    },
    Kind {
        name: "chapters that are summarised",
        lead: |chat, draw| {
            for turn in 0..40 {
                let task = format!("Please summarise chapter {turn}.");
                let summary = draw.pick(prose());
                ask(chat, task.as_str(), summary.as_str());
            }
        },
    },
    Kind {
        name: "a few chapters that are only said to be done",
        lead: |chat, _| {
            for turn in 0..12 {
                ask(chat, format!("Please check chapter {turn}.").as_str(), "Checked, it is fine.");
            }
        },
    },
    Kind {
        name: "work that is paid for piece by piece",
        lead: |chat, _| {
            for _ in 0..60 {
                chat.after(First::Pays, 0, 1, "One more piece, please.");
                chat.say(1, 0, "Here it is.");
            }
        },
    },
    Kind {
        name: "somebody who asks once a second",
        lead: |chat, _| {
            for _ in 0..120 {
                chat.after(First::Waits, 0, 1, "Is the job done?").say(1, 0, "Not yet.");
            }
            ask(chat, "Is the job done?", "Yes, it is done.");
        },
    },
    Kind {
        name: "somebody who asks without a pause about what goes on",
        lead: |chat, draw| {
            let mut done = 0;
            while done < 100 {
                done += 1 + draw.below(7);
                ask(chat, "How far is it?", format!("{} percent", done.min(100)).as_str());
            }
        },
    },
    Kind {
        name: "signs of life",
        lead: |chat, _| {
            for _ in 0..200 {
                chat.after(First::Waits, 0, 1, "alive");
            }
        },
    },
    Kind {
        name: "pieces of a stream",
        lead: |chat, draw| {
            chat.say(0, 1, "Please read the story to me.");
            for _ in 0..150 {
                chat.say(
                    1,
                    0,
                    *draw.pick(&["and then", "he said", "she said", "so", "the end of it"]),
                );
            }
        },
    },
    Kind {
        name: "ping and pong with numbers",
        lead: |chat, _| {
            for turn in 0..300 {
                chat.say(turn % 2, 1 - turn % 2, Value::Int(turn as i64));
            }
        },
    },
    Kind {
        name: "ping and pong with the same number",
        lead: |chat, _| {
            for turn in 0..300 {
                chat.say(turn % 2, 1 - turn % 2, Value::Int(1));
            }
        },
    },
    Kind {
        name: "a token that goes round",
        lead: |chat, _| {
            for turn in 0..200 {
                chat.say(turn % 4, (turn + 1) % 4, Value::Bool(true));
            }
        },
    },
    Kind {
        name: "bits that are exchanged",
        lead: |chat, draw| {
            for turn in 0..200 {
                chat.say(turn % 2, 1 - turn % 2, Value::Bool(draw.below(2) == 1));
            }
        },
    },
    Kind {
        name: "parts that are mapped and reduced",
        lead: |chat, draw| {
            for part in 0..50 {
                let numbers: Vec<i64> = (0..20).map(|_| draw.below(1000) as i64).collect();
                let sum = numbers.iter().sum();
                let task = [
                    ("task", text("add up this part of the table")),
                    ("part", Value::Int(part)),
                    ("numbers", ints(numbers)),
                ];
                ask(chat, record(task), record([("sum", Value::Int(sum))]));
            }
        },
    },
    Kind {
        name: "ballots",
        lead: |chat, draw| {
            for ballot in 0..80 {
                let proposal =
                    [("ballot", Value::Int(ballot)), ("value", Value::Int(draw.below(3) as i64))];
                ask(
                    chat,
                    record(proposal),
                    record([("ballot", Value::Int(ballot)), ("ok", Value::Bool(true))]),
                );
            }
        },
    },
    Kind {
        name: "moves of a game of chess",
        lead: |chat, draw| {
            let texts = (0..80).map(|_| {
                let piece = draw.pick(&["", "N", "B", "R", "Q", "K"]);
                let column = draw.pick(&["a", "b", "c", "d", "e", "f", "g", "h"]);
                format!("{piece}{column}{}", 1 + draw.below(8))
            });
            let texts: Vec<String> = texts.collect();
            turns(chat, texts);
        },
    },
    Kind {
        name: "a robot that is led through a house",
        lead: |chat, draw| {
            for _ in 0..12 {
                let seen = format!("I see a {} {}.", draw.pick(&THINGS), draw.pick(&PLACES));
                let order = draw.pick(&["Go left.", "Go right.", "Go on.", "Turn back."]);
                ask(chat, *order, seen.as_str());
            }
        },
    },
    Kind {
        name: "values that are measured",
        lead: |chat, draw| {
            for _ in 0..100 {
                let (whole, tenth) = (15 + draw.below(12), draw.below(10));
                ask(chat, "Temperature?", format!("{whole}.{tenth} degrees").as_str());
            }
        },
    },
    Kind {
        name: "work that ends with courtesies",
        lead: |chat, draw| {
            let prose = prose();
            let at = draw.below(prose.len());
            turns(chat, (0..12).map(|turn| prose[(at + turn) % prose.len()].clone()));
            turns(chat, COURTESY.map(str::to_owned));
            turns(chat, COURTESY.map(str::to_owned));
        },
    },
    Kind {
        name: "search for the cause of an error",
        lead: |chat, draw| {
            for _ in 0..20 {
                let (file, thing) = (draw.pick(&FILES), draw.pick(&FILES));
                let line = 10 + draw.below(900);
                let error =
                    format!("error in {file}.rs line {line}: expected {thing}, found nothing");
                let mended =
                    format!("I changed {file}.rs so that it asks for a {thing} first. Try again.");
                ask(chat, error.as_str(), mended.as_str());
            }
            ask(chat, "It builds now.", "Good, I will clean up.");
        },
    },
    Kind {
        name: "Bestellungen auf Deutsch",
        lead: |chat, draw| {
            let goods = [
                "Schrauben",
                "Nägel",
                "Bretter",
                "Farbe",
                "Pinsel",
                "Leim",
                "Dübel",
                "Kabel",
                "Lampen",
                "Fliesen",
                "Mörtel",
                "Sand",
                "Kies",
                "Rohre",
                "Dichtungen",
                "Hähne",
                "Griffe",
                "Scharniere",
                "Schlösser",
                "Fenster",
                "Türen",
                "Latten",
                "Platten",
                "Folie",
                "Klebeband",
            ];
            let at = draw.below(goods.len());
            for turn in 0..goods.len() {
                let good = goods[(at + turn) % goods.len()];
                let count = 1 + draw.below(500);
                let order = format!("Bitte bestellen Sie {count} {good} für die Baustelle.");
                let done =
                    format!("{good} sind bestellt, Lieferung in {} Tagen.", 1 + draw.below(30));
                ask(chat, order.as_str(), done.as_str());
            }
        },
    },
    Kind {
        name: "中文的问答",
        lead: |chat, draw| {
            let things = [
                "苹果", "香蕉", "西瓜", "葡萄", "橙子", "桃子", "草莓", "樱桃", "柠檬", "芒果",
                "菠萝", "石榴", "核桃", "杏仁", "花生", "土豆", "番茄", "黄瓜", "茄子", "白菜",
                "萝卜", "南瓜", "豆腐", "蘑菇",
            ];
            let at = draw.below(things.len());
            for turn in 0..things.len() {
                let thing = things[(at + turn) % things.len()];
                let price = 1 + draw.below(90);
                ask(
                    chat,
                    format!("{thing}多少钱一斤？").as_str(),
                    format!("{thing}{price}元。").as_str(),
                );
            }
        },
    },
    Kind {
        name: "four who plan a journey",
        lead: |chat, draw| {
            let prose = prose();
            let mut from = 0;
            for turn in 0..60 {
                let to = (from + 1 + draw.below(3)) % 4;
                let line = match turn % 3 {
                    0 => "I agree, that sounds good.".to_owned(),
                    _ => draw.pick(prose).clone(),
                };
                chat.say(from, to, line.as_str());
                from = to;
            }
        },
    },
];
