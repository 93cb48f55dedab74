//! The widths of a table's columns, by their content. Pure.

use crate::documents::font::Font;

/// What a column needs: the width of its longest word, and that of its longest cell in one line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Need {
    pub least: f32,
    pub most: f32,
}

impl Need {
    pub fn of<'a>(
        name: &'a str,
        cells: impl Iterator<Item = &'a str>,
        number: bool,
        size: f32,
        padding: f32,
    ) -> Self {
        let mut need =
            Need { least: Font::Bold.longest_word(name, size), most: Font::Bold.width(name, size) };
        for cell in cells {
            let line = cell.lines().map(|line| Font::Regular.width(line, size)).fold(0.0, f32::max);
            // A number with its unit stays in one line.
            let word = if number { line } else { Font::Regular.longest_word(cell, size) };
            need = Need { least: need.least.max(word), most: need.most.max(line) };
        }
        Need { least: need.least + padding, most: need.most + padding }
    }
}

/// The widths that share this room: nothing is broken within a word if there is room for it, and long texts get what short
/// ones do not need.
pub fn widths(needs: &[Need], room: f32) -> Vec<f32> {
    // A single long word, such as an address, does not take the room of all others.
    let cap = room * if needs.len() > 2 { 0.4 } else { 0.7 };
    let needs: Vec<Need> = needs
        .iter()
        .map(|need| Need { least: need.least.min(cap), most: need.most.max(need.least) })
        .collect();
    let least: f32 = needs.iter().map(|need| need.least).sum();
    let most: f32 = needs.iter().map(|need| need.most).sum();
    if least >= room {
        return needs.iter().map(|need| need.least * room / least).collect();
    }
    if most <= room {
        // What is left goes to the long texts more than to the short ones.
        let weights: f32 = needs.iter().map(|need| need.most.powi(2)).sum();
        let more = |need: &Need| (room - most) * need.most.powi(2) / weights.max(1.0);
        return needs.iter().map(|need| need.most + more(need)).collect();
    }
    // A text that is twice as long does not need twice the width: it has more lines.
    let wish = |need: &Need| (need.most - need.least).max(0.0).sqrt();
    let wishes: f32 = needs.iter().map(wish).sum();
    let mut widths: Vec<f32> = needs.iter().map(|need| need.least).collect();
    let mut left = room - least;
    let mut open: Vec<usize> = (0..needs.len()).collect();
    let mut sum = wishes;
    // No column gets more than its longest cell needs.
    while left > 0.01 && sum > 0.0 {
        let share = left / sum;
        let (full, others): (Vec<usize>, Vec<usize>) = open
            .iter()
            .partition(|place| widths[**place] + wish(&needs[**place]) * share >= needs[**place].most);
        if full.is_empty() {
            for place in others {
                widths[place] += wish(&needs[place]) * share;
            }
            break;
        }
        for place in full {
            left -= needs[place].most - widths[place];
            widths[place] = needs[place].most;
        }
        open = others;
        sum = open.iter().map(|place| wish(&needs[*place])).sum();
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_broken_where_there_is_room_and_the_room_is_used() {
        let need = |least, most| Need { least, most };
        for needs in [
            vec![need(40.0, 60.0), need(40.0, 900.0), need(50.0, 50.0)],
            vec![need(40.0, 4000.0), need(40.0, 900.0)],
            vec![need(10.0, 20.0), need(10.0, 20.0)],
            vec![need(100.0, 120.0); 4],
        ] {
            let widths = widths(&needs, 500.0);
            assert!((widths.iter().sum::<f32>() - 500.0).abs() < 0.5, "{widths:?}");
            assert!(widths.iter().zip(&needs).all(|(width, need)| *width >= need.least - 0.01), "{widths:?}");
        }
        let narrow = widths(&[need(200.0, 300.0); 5], 500.0);
        assert!(narrow.iter().all(|width| (*width - 100.0).abs() < 0.1));
    }
}
