//! The table of numbering plans says of no number what libphonenumber does not say of it.
//!
//! It is made here, from the metadata of the libphonenumber in use; `AUTHWAVE_NUMBERING=write` writes it anew.

#![expect(deprecated, reason = "only libphonenumber itself, which takes them away, finds its fields empty")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use prost::Message as _;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};
use rlibphonenumber::{
    PHONE_NUMBER_UTIL, PhoneMetadata, PhoneMetadataCollection, PhoneNumberDesc, PhoneNumberType,
    get_national_significant_number_owned,
};
use serde_json::Value;

use authwave::input::numbering::{Kind, planned};

use super::support::world::of_the_project;

const CODES: usize = 1000;
const LENGTHS: usize = 18;

/// What a place of the table may hold beside the place of ten others.
const NOTHING: u16 = 0;
const MOBILE: u16 = 1;
const NOT_MOBILE: u16 = 2;
const PREMIUM_RATE: u16 = 3;
const FIRST: u16 = 4;

fn metadata() -> PhoneMetadataCollection {
    let told = Command::new(Path::new(env!("CARGO")).with_file_name("rustc")).arg("-vV").output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // Packages of other platforms need not be there.
    let asked = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version=1", "--filter-platform", host])
        .current_dir(of_the_project(""))
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&asked.stdout).unwrap();
    let package =
        told["packages"].as_array().unwrap().iter().find(|it| it["name"] == "rlibphonenumber").unwrap();
    let place = PathBuf::from(package["manifest_path"].as_str().unwrap());
    let bytes = fs::read(place.with_file_name("src/generated/metadata/metadata.bin")).unwrap();
    PhoneMetadataCollection::decode(&*bytes).unwrap()
}

/// A pattern, which is walked digit by digit.
struct Automaton {
    dfa: DFA,
    cache: Cache,
}

impl Automaton {
    fn new(pattern: &str) -> Self {
        let dfa = DFA::builder()
            .configure(Config::new().match_kind(MatchKind::All).cache_capacity(1 << 24))
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(thompson::Config::new().utf8(false))
            .build(pattern)
            .unwrap();
        let cache = dfa.create_cache();
        Self { dfa, cache }
    }

    fn start(&mut self) -> LazyStateID {
        self.dfa.start_state_forward(&mut self.cache, &Input::new("").anchored(Anchored::Yes)).unwrap()
    }

    fn step(&mut self, state: LazyStateID, digit: u8) -> LazyStateID {
        self.dfa.next_state(&mut self.cache, state, b'0' + digit).unwrap()
    }

    /// Whether what was walked so far is a match.
    fn matches(&mut self, state: LazyStateID) -> bool {
        self.dfa.next_eoi_state(&mut self.cache, state).unwrap().is_match()
    }
}

/// A description of numbers: their lengths, where there are any, and the automaton of their pattern.
#[derive(Clone)]
struct Description {
    lengths: Vec<i32>,
    automaton: Option<usize>,
}

struct Region {
    general: Description,
    /// In the order in which libphonenumber asks, up to the last two, fixed lines and mobiles.
    kinds: Vec<(Description, u16)>,
    fixed_line: Description,
    mobile: Description,
    has_one_pattern: bool,
    /// Whatever begins so belongs to the region.
    leading_digits: Option<usize>,
}

/// All regions of a country code, the main one first.
struct Plan {
    automata: Vec<Automaton>,
    places: HashMap<String, usize>,
    regions: Vec<Region>,
    /// What is taken away from numbers that begin so.
    national_prefix: Option<usize>,
}

impl Plan {
    fn new(metadata: &[&PhoneMetadata]) -> Self {
        let mut plan =
            Self { automata: Vec::new(), places: HashMap::new(), regions: Vec::new(), national_prefix: None };
        plan.national_prefix = plan.prefix(metadata[0].national_prefix_for_parsing.as_deref());
        for region in metadata {
            let kinds = [
                (&region.premium_rate, PREMIUM_RATE),
                (&region.toll_free, NOT_MOBILE),
                (&region.shared_cost, NOT_MOBILE),
                (&region.voip, MOBILE),
                (&region.personal_number, MOBILE),
                (&region.pager, MOBILE),
                (&region.uan, NOT_MOBILE),
                (&region.voicemail, NOT_MOBILE),
            ];
            let region = Region {
                general: plan.description(region.general_desc.as_ref()),
                kinds: kinds.map(|(kind, told)| (plan.description(kind.as_ref()), told)).to_vec(),
                fixed_line: plan.description(region.fixed_line.as_ref()),
                mobile: plan.description(region.mobile.as_ref()),
                has_one_pattern: region.same_mobile_and_fixed_line_pattern(),
                leading_digits: plan.prefix(region.leading_digits.as_deref()),
            };
            plan.regions.push(region);
        }
        plan
    }

    fn automaton(&mut self, pattern: &str) -> usize {
        *self.places.entry(pattern.to_owned()).or_insert_with(|| {
            self.automata.push(Automaton::new(pattern));
            self.automata.len() - 1
        })
    }

    /// A pattern of the whole number, as `^(?:…)$`. libphonenumber takes a shorter one for one that matches everything.
    fn description(&mut self, description: Option<&PhoneNumberDesc>) -> Description {
        let Some(description) = description else {
            return Description { lengths: Vec::new(), automaton: None };
        };
        let pattern = description.national_number_pattern.as_deref();
        assert!(pattern.is_none_or(|pattern| pattern.len() > 6), "{pattern:?}");
        let automaton = pattern.map(|pattern| self.automaton(pattern));
        Description { lengths: description.possible_length.clone(), automaton }
    }

    /// A pattern of a number's beginning.
    fn prefix(&mut self, pattern: Option<&str>) -> Option<usize> {
        let pattern = pattern.filter(|pattern| !pattern.is_empty())?;
        assert!(pattern.len() > 6, "{pattern}");
        Some(self.automaton(pattern.strip_suffix('$').unwrap()))
    }

    /// What is certain of numbers of this length.
    fn root(&mut self, length: usize, tens: &mut Tens) -> u16 {
        let states = self.automata.iter_mut().map(Automaton::start).collect();
        let seen = Walked { states, regions: vec![false; self.regions.len()] };
        self.walk(seen, length, &mut Walk { length, tens, known: HashMap::new() })
    }

    fn walk(&mut self, walked: Walked, left: usize, walk: &mut Walk<'_>) -> u16 {
        if let Some(known) = walk.known.get(&(walked.clone(), left)) {
            return *known;
        }
        let told = if left == 0 {
            self.told(&walked, walk.length)
        } else {
            let next = std::array::from_fn(|digit| {
                let next = self.step(&walked, u8::try_from(digit).unwrap());
                let loses_digits = self.national_prefix.is_some_and(|place| self.matches(&next, place));
                if loses_digits { NOTHING } else { self.walk(next, left - 1, walk) }
            });
            walk.tens.place(next)
        };
        walk.known.insert((walked, left), told);
        told
    }

    fn step(&mut self, walked: &Walked, digit: u8) -> Walked {
        let steps = self.automata.iter_mut().zip(&walked.states);
        let states = steps.map(|(automaton, state)| automaton.step(*state, digit)).collect();
        let mut next = Walked { states, regions: walked.regions.clone() };
        for region in 0..self.regions.len() {
            let leading = self.regions[region].leading_digits;
            next.regions[region] |= leading.is_some_and(|place| self.matches(&next, place));
        }
        next
    }

    fn matches(&mut self, walked: &Walked, place: usize) -> bool {
        self.automata[place].matches(walked.states[place])
    }

    fn fits(&mut self, walked: &Walked, length: usize, description: &Description) -> bool {
        let length = i32::try_from(length).unwrap();
        let has_length = description.lengths.is_empty() || description.lengths.contains(&length);
        has_length && description.automaton.is_some_and(|place| self.matches(walked, place))
    }

    /// `getNumberType` of libphonenumber.
    fn told(&mut self, walked: &Walked, length: usize) -> u16 {
        let is_only_one = self.regions.len() == 1;
        for region in 0..self.regions.len() {
            let told = self.told_by_region(region, walked, length);
            if is_only_one || walked.regions[region] || told != NOTHING {
                return told;
            }
        }
        NOTHING
    }

    fn told_by_region(&mut self, region: usize, walked: &Walked, length: usize) -> u16 {
        let Region { general, kinds, fixed_line, mobile, has_one_pattern, .. } = &self.regions[region];
        let (general, kinds, has_one_pattern) = (general.clone(), kinds.clone(), *has_one_pattern);
        let (fixed_line, mobile) = (fixed_line.clone(), mobile.clone());
        if !self.fits(walked, length, &general) {
            return NOTHING;
        }
        for (kind, told) in &kinds {
            if self.fits(walked, length, kind) {
                return *told;
            }
        }
        let is_mobile = self.fits(walked, length, &mobile);
        match self.fits(walked, length, &fixed_line) {
            true if has_one_pattern || is_mobile => MOBILE,
            true => NOT_MOBILE,
            false if !has_one_pattern && is_mobile => MOBILE,
            false => NOTHING,
        }
    }
}

/// Where the automata of a plan are, and the regions to which the leading digits belong.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Walked {
    states: Vec<LazyStateID>,
    regions: Vec<bool>,
}

/// A walk through all numbers of one length.
struct Walk<'a> {
    length: usize,
    tens: &'a mut Tens,
    known: HashMap<(Walked, usize), u16>,
}

/// What each next digit leads to.
#[derive(Default)]
struct Tens {
    all: Vec<[u16; 10]>,
    places: HashMap<[u16; 10], u16>,
}

impl Tens {
    fn place(&mut self, next: [u16; 10]) -> u16 {
        if next[0] < FIRST && next.iter().all(|other| *other == next[0]) {
            return next[0];
        }
        *self.places.entry(next).or_insert_with(|| {
            self.all.push(next);
            u16::try_from(self.all.len() - 1).unwrap() + FIRST
        })
    }
}

fn table() -> Vec<u8> {
    let metadata = metadata();
    let mut codes: BTreeMap<usize, Vec<&PhoneMetadata>> = BTreeMap::new();
    for region in &metadata.metadata {
        let regions = codes.entry(usize::try_from(region.country_code()).unwrap()).or_default();
        let place = if region.main_country_for_code() { 0 } else { regions.len() };
        regions.insert(place, region);
    }
    let (mut tens, mut roots, mut places) = (Tens::default(), Vec::new(), vec![0; CODES]);
    for (at, (code, regions)) in (1..).zip(&codes) {
        places[*code] = at;
        let mut plan = Plan::new(regions);
        // One digit is too short for libphonenumber.
        roots.extend([NOTHING; 2]);
        roots.extend((2..LENGTHS).map(|length| plan.root(length, &mut tens)));
    }
    let count = u16::try_from(codes.len()).unwrap();
    let all = [count].into_iter().chain(places).chain(roots).chain(tens.all.into_iter().flatten());
    all.flat_map(u16::to_le_bytes).collect()
}

fn place() -> String {
    of_the_project("src/input/numbering.bin")
}

#[test]
fn the_table_is_what_the_metadata_of_libphonenumber_says() {
    let table = table();
    if std::env::var_os("AUTHWAVE_NUMBERING").is_some_and(|it| it == "write") {
        fs::write(place(), &table).unwrap();
    }
    assert!(
        fs::read(place()).unwrap() == table,
        "write it anew: AUTHWAVE_NUMBERING=write cargo test --test it numbering"
    );
}

/// What libphonenumber says of a number: its form, and its kind.
fn asked(digits: &str) -> Option<(String, Kind)> {
    let parsed = PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).ok()?;
    let kind = match PHONE_NUMBER_UTIL.get_number_type(&parsed) {
        PhoneNumberType::Unknown => return None,
        PhoneNumberType::PremiumRate => Kind::PremiumRate,
        PhoneNumberType::FixedLine
        | PhoneNumberType::TollFree
        | PhoneNumberType::SharedCost
        | PhoneNumberType::UAN
        | PhoneNumberType::VoiceMail => Kind::NotMobile,
        _ => Kind::Mobile,
    };
    Some((format!("{} {}", parsed.country_code, get_national_significant_number_owned(&parsed)), kind))
}

#[track_caller]
fn assert_same(digits: &str) -> bool {
    let Some(told) = planned(digits) else { return false };
    let (code, national) = digits.split_at(usize::from(told.code_digits));
    assert_eq!(asked(digits), Some((format!("{code} {national}"), told.kind)), "{digits}");
    true
}

/// Goes every way through the table and asks libphonenumber at its end, with some digits behind.
#[test]
fn wherever_the_table_is_certain_libphonenumber_says_the_same() {
    let bytes = fs::read(place()).unwrap();
    let table: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let tens = 1 + CODES + usize::from(table[0]) * LENGTHS;
    let mut ends = 0;
    for code in 1..CODES {
        let Some(place) = usize::from(table[1 + code]).checked_sub(1) else { continue };
        for length in 0..LENGTHS {
            let mut ways = vec![(code.to_string(), table[1 + CODES + place * LENGTHS + length], length)];
            while let Some((digits, leads_to, left)) = ways.pop() {
                if leads_to >= FIRST {
                    let next = tens + usize::from(leads_to - FIRST) * 10;
                    ways.extend(
                        (0..10).map(|digit| (format!("{digits}{digit}"), table[next + digit], left - 1)),
                    );
                } else if leads_to != NOTHING {
                    for rest in ["00000000000000000", "12345678901234567", "99999999999999999"] {
                        assert!(assert_same(&format!("{digits}{}", &rest[..left])), "{digits}");
                    }
                    ends += 1;
                }
            }
        }
    }
    assert!(ends > 10_000, "{ends}");
}

/// Digits that begin like a number of some country, so that most are near to valid ones.
fn digits() -> impl Strategy<Value = String> {
    let codes: Vec<i32> = PHONE_NUMBER_UTIL.get_supported_calling_codes().collect();
    let number =
        (prop::sample::select(codes), "[0-9]{0,18}").prop_map(|(code, national)| format!("{code}{national}"));
    prop_oneof![8 => number.clone(), 1 => number.prop_map(|digits| format!("0{digits}")), 1 => "[0-9]{0,24}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn of_no_number_says_the_table_what_libphonenumber_does_not(digits in digits()) {
        assert_same(&digits);
    }
}
