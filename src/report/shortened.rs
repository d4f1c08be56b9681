//! Texts that would fill a page.

/// A message is cut here, and a user's name: three of each stand for a group.
const MOST_CHARS: usize = 500;

/// What would fill the page is cut.
pub(super) fn shortened(text: &str) -> &str {
    text.char_indices().nth(MOST_CHARS).map_or(text, |(end, _)| &text[..end])
}
