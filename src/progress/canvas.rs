//! Lines at the end of a terminal that are drawn anew in their place. Pure: gives what is to be written.
//!
//! Each ends with a line break, so that the cursor rests on an empty line below: what the terminal itself writes there,
//! as `^C`, goes away with the next drawing.

/// How large a terminal is, in columns and lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: usize,
    pub(super) height: usize,
}

/// What stands there now.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    lines: Vec<String>,
}

impl Canvas {
    /// Other lines in the place of the last ones, as many as there is room for.
    pub(super) fn draw(&mut self, lines: &[String], size: Size) -> String {
        let erased = self.erased(size);
        let room = size.height.saturating_sub(1);
        self.lines = lines.iter().take(room).cloned().collect();
        erased + &self.text()
    }

    /// Whole lines of text above those that stand there.
    pub(super) fn above(&self, text: &str, size: Size) -> String {
        let lines_end = if text.ends_with('\n') || self.lines.is_empty() { "" } else { "\n" };
        self.erased(size) + text + lines_end + &self.text()
    }

    /// Nothing in their place.
    pub(super) fn clear(&mut self, size: Size) -> String {
        let erased = self.erased(size);
        self.lines.clear();
        erased
    }

    fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// A terminal that was made narrower has broken the lines, as most do, so they take more rows than were written.
    fn erased(&self, size: Size) -> String {
        let rows: usize = self.lines.iter().map(|line| shown(line).div_ceil(size.width.max(1)).max(1)).sum();
        // ECMA-48: to the line's beginning, up, and erase all that follows.
        if rows == 0 { String::new() } else { format!("\r\u{1b}[{rows}A\u{1b}[J") }
    }
}

/// How many columns a line takes; colours take none.
fn shown(line: &str) -> usize {
    let mut is_colour = false;
    let takes_one = |c: &char| {
        is_colour |= *c == '\u{1b}';
        let takes_one = !is_colour;
        is_colour &= *c != 'm';
        takes_one
    };
    line.chars().filter(takes_one).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Size = Size { width: 80, height: 24 };

    fn lines(lengths: &[usize]) -> Vec<String> {
        lengths.iter().map(|length| "x".repeat(*length)).collect()
    }

    #[test]
    fn lines_are_drawn_in_the_place_of_the_last_ones_and_go_without_a_trace() {
        let mut canvas = Canvas::default();
        assert_eq!(canvas.draw(&lines(&[1, 2]), WIDE), "x\nxx\n");
        assert_eq!(canvas.draw(&lines(&[3]), WIDE), "\r\u{1b}[2A\u{1b}[Jxxx\n");
        assert_eq!(canvas.above("log\n", WIDE), "\r\u{1b}[1A\u{1b}[Jlog\nxxx\n");
        assert_eq!(canvas.above("log", WIDE), "\r\u{1b}[1A\u{1b}[Jlog\nxxx\n");
        assert_eq!(canvas.clear(WIDE), "\r\u{1b}[1A\u{1b}[J");
        assert_eq!((canvas.clear(WIDE), canvas.above("log", WIDE)), (String::new(), "log".to_owned()));
    }

    #[test]
    fn lines_that_a_narrower_terminal_has_broken_are_taken_away_whole() {
        let mut canvas = Canvas::default();
        canvas.draw(
            &[lines(&[80, 41, 40, 0]), vec![format!("\u{1b}[31m{}\u{1b}[0m", "x".repeat(40))]].concat(),
            WIDE,
        );
        assert_eq!(canvas.clear(Size { width: 40, height: 24 }), "\r\u{1b}[7A\u{1b}[J");
    }

    #[test]
    fn a_low_terminal_shows_as_many_lines_as_it_has() {
        let mut canvas = Canvas::default();
        assert_eq!(canvas.draw(&lines(&[1, 1, 1]), Size { height: 3, ..WIDE }), "x\nx\n");
    }
}
