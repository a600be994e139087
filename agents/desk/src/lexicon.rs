//! The words of the shop and of its customers as stems, worked out once: comparing them is most of what a desk does.

use std::collections::{BTreeSet, HashMap};

use crate::business::Business;
use crate::business::services::Service;
use crate::topic::{CUES, Desk};
use crate::words::{number, stems, topic_stems};

/// A phrase as its stems.
pub(crate) type Phrase = Vec<String>;

/// Everything that messages are compared with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lexicon {
    /// What speaks for a desk, and how much.
    pub(crate) cues: Vec<(Desk, u32, Vec<Phrase>)>,
    /// The names of the products, in the order of the catalogue.
    pub(crate) names: Vec<Phrase>,
    /// Words that tell by themselves which product is meant: those of one product only, and those that only begin names
    /// (a brand); never those that name a kind of thing.
    pub(crate) telling: BTreeSet<String>,
    /// The categories, in the order of the catalogue.
    pub(crate) categories: Vec<Phrase>,
    /// What the services are called, in the order of the file.
    pub(crate) services: Vec<Called>,
}

/// What a service is called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Called {
    /// Its name and the owner's other words for it.
    pub(crate) phrases: Vec<Phrase>,
    /// Words that no other service has in its name.
    pub(crate) own: Phrase,
}

impl Lexicon {
    /// The lexicon of a shop.
    #[must_use]
    pub(crate) fn new(business: &Business) -> Self {
        let names: Vec<Phrase> =
            business.catalogue.products.iter().map(|product| stems(&product.name)).collect();
        let categories: Vec<Phrase> =
            business.catalogue.categories().into_iter().map(stems).collect();
        let phrases = |list: &str| list.split('|').map(stems).collect();
        let services = &business.services.all;
        Self {
            cues: CUES.iter().map(|(desk, weight, list)| (*desk, *weight, phrases(list))).collect(),
            telling: telling(&names, &categories),
            names,
            categories,
            services: services.iter().map(|service| called(service, services)).collect(),
        }
    }
}

fn telling(names: &[Phrase], categories: &[Phrase]) -> BTreeSet<String> {
    let names_a_kind = |stem: &String| categories.iter().any(|category| category.contains(stem));
    let mut uses: HashMap<&String, (usize, bool)> = HashMap::new();
    for name in names {
        for (index, stem) in name.iter().enumerate().filter(|(_, stem)| !names_a_kind(stem)) {
            let (count, begins) = uses.entry(stem).or_insert((0, true));
            *count += 1;
            *begins &= index == 0;
        }
    }
    let is_word = |stem: &str| {
        3 <= stem.len() && number(stem).is_none() && stem.chars().all(char::is_alphabetic)
    };
    let telling = uses
        .into_iter()
        .filter(|(stem, (count, begins))| is_word(stem) && (*count == 1 || *begins));
    telling.map(|(stem, _)| stem.clone()).collect()
}

fn called(service: &Service, all: &[Service]) -> Called {
    let phrases = service.also.iter().chain([&service.name]).map(|phrase| topic_stems(phrase));
    let is_of_another = |stem: &String| {
        let others = all.iter().filter(|other| other.id != service.id);
        others.into_iter().any(|other| topic_stems(&other.name).contains(stem))
    };
    Called {
        phrases: phrases.filter(|phrase| !phrase.is_empty()).collect(),
        own: topic_stems(&service.name).into_iter().filter(|stem| !is_of_another(stem)).collect(),
    }
}
