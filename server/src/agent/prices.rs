//! What answers cost: a dated table of public list prices, and sums of money. Pure. A price that is not in the table is not
//! guessed: it is unknown, and people are shown "–".
//!
//! Sources, read on 2026-11-21: Anthropic's pricing page and the models' own pages (platform.claude.com/docs, "Pricing";
//! cache writes are those of five minutes), OpenAI's models' pages (developers.openai.com/api/docs/models), standard tier,
//! no batch, no fast mode, no regional surcharge. Discounts that an account has are not known here.

use serde::{Deserialize, Serialize};

use crate::provider::Usage;

/// Nanodollars (10⁻⁹ US dollars): a token of the cheapest model costs a few.
pub const NANO: f64 = 1e9;

/// A sum of money, and how much is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// What is known, in nanodollars.
    pub nanodollars: u64,
    /// Answers whose price is not known.
    pub unpriced: u64,
}

impl Cost {
    /// Adds an answer's cost; `None` where it is not known.
    pub fn add(&mut self, nanodollars: Option<u64>) {
        match nanodollars {
            Some(more) => self.nanodollars = self.nanodollars.saturating_add(more),
            None => self.unpriced += 1,
        }
    }

    /// US dollars; `None` where a part is not known.
    pub fn dollars(self) -> Option<f64> {
        (self.unpriced == 0).then_some(self.nanodollars as f64 / NANO)
    }
}

/// Nanodollars a token: the price of a million tokens in dollars, times a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rates {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
}

/// A model, by the beginning of its name. The longest beginning that fits counts.
struct Price {
    provider: &'static str,
    model: &'static str,
    rates: Rates,
    /// Requests with more input than so many tokens cost something else as a whole.
    long: Option<(u64, Rates)>,
}

/// Dollars a million tokens: input, output, cache reads, cache writes.
const fn rates(input: f64, output: f64, cache_read: f64, cache_write: f64) -> Rates {
    const fn nano(dollars: f64) -> u64 {
        (dollars * 1000.0 + 0.5) as u64
    }
    Rates { input: nano(input), output: nano(output), cache_read: nano(cache_read), cache_write: nano(cache_write) }
}

const fn claude(model: &'static str, rates: Rates) -> Price {
    Price { provider: "anthropic", model, rates, long: None }
}

const fn gpt(model: &'static str, rates: Rates) -> Price {
    Price { provider: "openai", model, rates, long: None }
}

/// More than 272,000 tokens of input: input and cache cost twice as much, output half as much again.
const fn gpt_long(model: &'static str, rates: Rates) -> Price {
    let long = Rates {
        input: rates.input * 2,
        output: rates.output * 3 / 2,
        cache_read: rates.cache_read * 2,
        cache_write: rates.cache_write * 2,
    };
    Price { provider: "openai", model, rates, long: Some((272_000, long)) }
}

/// What runs on the person's own machine, or is no model at all.
const fn free(provider: &'static str) -> Price {
    Price { provider, model: "", rates: rates(0.0, 0.0, 0.0, 0.0), long: None }
}

const PRICES: &[Price] = &[
    claude("claude-fable-5-1", rates(10.0, 50.0, 0.25, 12.5)),
    claude("claude-fable-5", rates(10.0, 50.0, 1.0, 12.5)),
    claude("claude-opus-5-5", rates(4.0, 20.0, 0.2, 5.0)),
    claude("claude-opus-5", rates(5.0, 25.0, 0.5, 6.25)),
    claude("claude-opus-4-8", rates(5.0, 25.0, 0.5, 6.25)),
    claude("claude-opus-4-7", rates(5.0, 25.0, 0.5, 6.25)),
    claude("claude-opus-4-6", rates(5.0, 25.0, 0.5, 6.25)),
    claude("claude-opus-4-5", rates(5.0, 25.0, 0.5, 6.25)),
    claude("claude-opus-4-1", rates(15.0, 75.0, 1.5, 18.75)),
    claude("claude-sonnet-5-5", rates(2.0, 10.0, 0.1, 2.5)),
    claude("claude-sonnet-5", rates(2.0, 10.0, 0.2, 2.5)),
    claude("claude-sonnet-4", rates(3.0, 15.0, 0.3, 3.75)),
    Price {
        provider: "anthropic",
        model: "claude-haiku-5-5",
        rates: rates(0.1, 0.5, 0.01, 0.125),
        long: Some((100_000, rates(0.5, 2.5, 0.05, 0.625))),
    },
    claude("claude-haiku-4-5", rates(1.0, 5.0, 0.1, 1.25)),
    gpt_long("gpt-6.2-sol", rates(2.0, 10.0, 0.1, 2.5)),
    gpt_long("gpt-6.1-sol", rates(2.0, 10.0, 0.1, 2.5)),
    gpt_long("gpt-6-sol", rates(2.0, 10.0, 0.2, 2.5)),
    gpt_long("gpt-6-luna", rates(0.1, 0.5, 0.01, 0.125)),
    gpt_long("gpt-6-astra", rates(10.0, 50.0, 1.0, 12.5)),
    gpt_long("gpt-5.6-terra", rates(2.0, 12.0, 0.2, 2.5)),
    gpt_long("gpt-5.6-luna", rates(0.2, 1.2, 0.02, 0.25)),
    gpt("gpt-5.4-mini", rates(0.75, 4.5, 0.075, 0.75)),
    gpt("gpt-5.4-nano", rates(0.2, 1.25, 0.02, 0.2)),
    free("offline"),
    free("ollama"),
    free("llamacpp"),
    free("lmstudio"),
    free("vllm"),
];

/// Endings of a name that are another product, at another price.
const OTHER_PRODUCTS: [&str; 5] = ["-pro", "-fast", "-ultrafast", "-cloud", ":cloud"];

/// What an answer cost, in nanodollars: what the service itself says, else by the table. `None` where neither is known, and
/// where the service counted no tokens.
pub fn cost(provider: &str, model: &str, usage: &Usage) -> Option<u64> {
    if usage.cost.is_some() {
        return usage.cost;
    }
    let prompt = usage.input.checked_add(usage.cache_read)?.checked_add(usage.cache_write)?;
    if OTHER_PRODUCTS.iter().any(|ending| model.ends_with(ending)) {
        return None;
    }
    let fits = |price: &&Price| price.provider == provider && begins(model, price.model);
    let price = PRICES.iter().filter(fits).max_by_key(|price| price.model.len())?;
    if prompt + usage.output == 0 && !price.model.is_empty() {
        return None;
    }
    let rates = price.long.filter(|(above, _)| prompt > *above).map_or(price.rates, |(_, rates)| rates);
    let parts = [
        (usage.input, rates.input),
        (usage.output, rates.output),
        (usage.cache_read, rates.cache_read),
        (usage.cache_write, rates.cache_write),
    ];
    Some(parts.iter().fold(0_u64, |sum, (tokens, rate)| sum.saturating_add(tokens.saturating_mul(*rate))))
}

/// Whether a name is this model's: the same, or with a date or a version behind it. `claude-sonnet-5` is no beginning of
/// `claude-sonnet-50`.
fn begins(model: &str, beginning: &str) -> bool {
    model
        .strip_prefix(beginning)
        .is_some_and(|rest| beginning.is_empty() || rest.is_empty() || rest.starts_with(['-', '@', '[', ':']))
}

/// `$0.0042`, `$1.23`: cents from ten cents on.
pub fn shown(nanodollars: u64) -> String {
    let dollars = nanodollars as f64 / NANO;
    if dollars < 0.1 { format!("${dollars:.4}") } else { format!("${dollars:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(provider: &str, model: &str, [input, output, cache_read, cache_write]: [u64; 4]) -> Option<u64> {
        cost(provider, model, &Usage { input, output, cache_read, cache_write, ..Usage::default() })
    }

    #[test]
    fn answers_cost_what_the_table_says() {
        const MILLION: u64 = 1_000_000;
        let dollars = |provider: &str, model: &str| {
            let one = |at: usize| {
                let mut tokens = [0; 4];
                tokens[at] = MILLION;
                of(provider, model, tokens).map(|nano| nano as f64 / NANO)
            };
            (0..4).map(one).collect::<Option<Vec<f64>>>()
        };
        assert_eq!(dollars("anthropic", "claude-sonnet-5"), Some(vec![2.0, 10.0, 0.2, 2.5]));
        assert_eq!(dollars("anthropic", "claude-sonnet-5-5"), Some(vec![2.0, 10.0, 0.1, 2.5]));
        assert_eq!(dollars("anthropic", "claude-opus-4-5-20251101"), Some(vec![5.0, 25.0, 0.5, 6.25]));
        assert_eq!(dollars("anthropic", "claude-sonnet-4-6"), Some(vec![3.0, 15.0, 0.3, 3.75]));
        assert_eq!(dollars("ollama", "qwen3:8b"), Some(vec![0.0; 4]));
        for (provider, model) in [
            ("anthropic", "claude-test"),
            ("anthropic", "claude-sonnet-50"),
            ("openai", "gpt-6-astra-pro"),
            ("openrouter", "anthropic/claude-sonnet-5"),
            ("ollama", "gpt-oss:120b-cloud"),
            ("editor", "claude-sonnet-5"),
        ] {
            assert_eq!(dollars(provider, model), None, "{provider} {model}");
        }
    }

    #[test]
    fn long_requests_cost_more_as_a_whole() {
        assert_eq!(of("anthropic", "claude-haiku-5-5", [100_000, 100, 0, 0]), Some(100_000 * 100 + 100 * 500));
        assert_eq!(of("anthropic", "claude-haiku-5-5", [1, 100, 100_000, 0]), Some(500 + 100 * 2_500 + 100_000 * 50));
        assert_eq!(of("openai", "gpt-6.2-sol", [272_001, 0, 0, 0]), Some(272_001 * 4_000));
    }

    #[test]
    fn what_the_service_says_goes_before_the_table() {
        let usage = Usage { input: 10, cost: Some(7), ..Usage::default() };
        assert_eq!(cost("openrouter", "x/y", &usage), Some(7));
        assert_eq!(cost("anthropic", "claude-sonnet-5", &usage), Some(7));
        assert_eq!(of("anthropic", "claude-sonnet-5", [0; 4]), None, "no tokens were counted");
        assert_eq!(of("offline", "offline", [0; 4]), Some(0));
    }

    #[test]
    fn a_sum_with_an_unknown_part_is_unknown() {
        let mut sum = Cost::default();
        sum.add(Some(2_500_000));
        assert_eq!(sum.dollars(), Some(0.0025));
        sum.add(None);
        assert_eq!((sum.dollars(), sum.nanodollars), (None, 2_500_000));
        assert_eq!((shown(2_500_000).as_str(), shown(1_234_000_000).as_str()), ("$0.0025", "$1.23"));
    }
}
