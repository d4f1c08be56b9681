//! Charts as SVG: columns over a common axis. Where what stands is computed here, how it looks says page.css.

use std::fmt::Write as _;

/// Where the first column begins, and how wide all are together.
const LEFT: f64 = 56.0;
const WIDTH: f64 = 720.0;
/// Above the highest column and below the axis.
const TOP: f64 = 10.0;
const BOTTOM: f64 = 24.0;

/// More labels below the axis would touch each other.
const MOST_LABELS: usize = 8;

/// A chart of stacked columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chart {
    /// Tells it apart on its page.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What is to be seen in it, in a sentence.
    pub in_words: String,
    /// What the columns stand for.
    pub axis: &'static str,
    /// What is stacked, the lowest first.
    pub series: &'static [&'static str],
    /// The colour of the first of them.
    pub first_class: usize,
    /// What the line over the columns means; `None` where there is none.
    pub limit_name: Option<&'static str>,
    /// In units of the page.
    pub height: u32,
    /// From left to right.
    pub columns: Vec<Column>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Column {
    /// What it stands for.
    pub at: String,
    /// One for each of the series.
    pub values: Vec<f64>,
    /// How high the line is here.
    pub limit: Option<f64>,
}

/// A part of a column that can be seen.
#[derive(Debug)]
pub struct Bar<'chart> {
    /// Its colour.
    pub class: usize,
    /// What it counts.
    pub series: &'static str,
    /// Where.
    pub at: &'chart str,
    /// How many.
    pub value: String,
    /// Its place.
    pub x: f64,
    /// Its upper end.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

/// A line of the grid.
#[derive(Debug)]
pub struct Tick {
    /// Its height.
    pub y: f64,
    /// What it means.
    pub text: String,
}

/// A text below the axis.
#[derive(Debug)]
pub struct Label<'chart> {
    /// Its middle.
    pub x: f64,
    /// What it says.
    pub text: &'chart str,
}

impl Chart {
    /// In units of the page.
    #[must_use]
    pub const fn width(&self) -> f64 {
        WIDTH
    }

    fn ground(&self) -> f64 {
        f64::from(self.height) - BOTTOM
    }

    /// What the highest line of the grid means.
    fn ceiling(&self) -> f64 {
        let heights = self.columns.iter().map(|column| column.values.iter().sum::<f64>());
        let limits = self.columns.iter().filter_map(|column| column.limit);
        round_up(heights.chain(limits).fold(0.0, f64::max))
    }

    fn y(&self, value: f64) -> f64 {
        place(self.ground() - value / self.ceiling() * (self.ground() - TOP))
    }

    fn pitch(&self) -> f64 {
        (WIDTH - LEFT) / self.columns.len().max(1) as f64
    }

    /// The columns, without what is 0.
    #[must_use]
    pub fn bars(&self) -> Vec<Bar<'_>> {
        let (pitch, mut bars) = (self.pitch(), Vec::new());
        let gap = if pitch > 12.0 { 3.0 } else { pitch * 0.15 };
        for (column, x) in self.columns.iter().zip(0_u32..) {
            let mut below = 0.0;
            for ((value, series), class) in column.values.iter().zip(self.series).zip(self.first_class..) {
                if *value > 0.0 {
                    let (top, bottom) = (self.y(below + value), self.y(below));
                    bars.push(Bar {
                        class,
                        series,
                        at: &column.at,
                        value: rounded(*value),
                        x: place(LEFT + f64::from(x) * pitch + gap / 2.0),
                        y: top,
                        width: place(pitch - gap),
                        height: place(bottom - top),
                    });
                }
                below += value;
            }
        }
        bars
    }

    /// Four lines and the ground.
    #[must_use]
    pub fn ticks(&self) -> Vec<Tick> {
        let tick = |part: u32| {
            let value = self.ceiling() * f64::from(part) / 4.0;
            Tick { y: self.y(value), text: rounded(value) }
        };
        (0..=4).map(tick).collect()
    }

    /// Below the columns, as many as there is room for.
    #[must_use]
    pub fn labels(&self) -> Vec<Label<'_>> {
        let every = self.columns.len().div_ceil(MOST_LABELS).max(1);
        let all = self.columns.iter().zip(0_u32..);
        all.step_by(every)
            .map(|(column, x)| Label {
                x: place(LEFT + (f64::from(x) + 0.5) * self.pitch()),
                text: &column.at,
            })
            .collect()
    }

    /// The line over the columns, in the language of SVG paths; empty where there is none.
    #[must_use]
    pub fn limit_path(&self) -> String {
        let (mut path, mut is_drawn) = (String::new(), false);
        for (column, x) in self.columns.iter().zip(0_u32..) {
            let Some(limit) = column.limit else {
                is_drawn = false;
                continue;
            };
            let (from, y) = (place(LEFT + f64::from(x) * self.pitch()), self.y(limit));
            // Writing to a `String` cannot fail.
            let _ =
                write!(path, "{}{from} {y}H{}", if is_drawn { "L" } else { "M" }, place(from + self.pitch()));
            is_drawn = true;
        }
        path
    }
}

/// To a tenth of a unit, which nobody can see.
fn place(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// The next of 4, 8, 12, 20, 40, 80, …, so that a quarter of it is a plain number.
fn round_up(highest: f64) -> f64 {
    let mut power = 1.0;
    loop {
        if let Some(found) = [4.0, 8.0, 12.0, 20.0].into_iter().find(|step| step * power >= highest) {
            return found * power;
        }
        power *= 10.0;
    }
}

/// A number as people write it: whole from 10 on.
#[must_use]
pub fn rounded(value: f64) -> String {
    if value >= 10.0 || value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(columns: &[(f64, f64, Option<f64>)]) -> Chart {
        let column = |(a, b, limit): &(f64, f64, Option<f64>)| Column {
            at: "x".to_owned(),
            values: vec![*a, *b],
            limit: *limit,
        };
        Chart {
            series: &["a", "b"],
            height: 134,
            columns: columns.iter().map(column).collect(),
            ..Chart::default()
        }
    }

    #[test]
    fn columns_are_stacked_to_scale_and_what_is_0_is_left_out() {
        let chart = chart(&[(1.0, 3.0, None), (0.0, 2.0, None)]);
        let bars: Vec<_> = chart.bars().iter().map(|bar| (bar.series, bar.y, bar.height)).collect();
        assert_eq!(bars, [("a", 85.0, 25.0), ("b", 10.0, 75.0), ("b", 60.0, 50.0)]);
        assert!(chart.bars().iter().all(|bar| bar.x >= LEFT && bar.x + bar.width <= WIDTH));
    }

    #[test]
    fn the_limit_counts_for_the_scale_and_is_drawn_where_it_is_known() {
        let chart = chart(&[(1.0, 0.0, None), (1.0, 0.0, Some(8.0)), (1.0, 0.0, Some(4.0))]);
        let ticks: Vec<String> = chart.ticks().into_iter().map(|tick| tick.text).collect();
        assert_eq!(ticks, ["0", "2", "4", "6", "8"]);
        assert_eq!(chart.limit_path(), "M277.3 10H498.6L498.7 60H720");
    }

    #[test]
    fn a_chart_without_columns_is_drawn_without_harm() {
        let empty = chart(&[]);
        assert!(empty.bars().is_empty() && empty.labels().is_empty() && empty.limit_path().is_empty());
        assert!(empty.ticks().iter().all(|tick| tick.y.is_finite()));
    }

    #[test]
    fn a_hundred_columns_have_a_few_labels() {
        assert!(chart(&[(1.0, 1.0, None); 120]).labels().len() <= MOST_LABELS);
        assert_eq!(chart(&[(1.0, 1.0, None); 16]).labels().len(), MOST_LABELS);
    }
}
