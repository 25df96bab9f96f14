//! For people: a drawing that needs no program but a browser.

use std::fmt::Write as _;

use super::{Group, Picture};

const MARGIN: usize = 24;
const DOOR_WIDTH: usize = 190;
const WAY_WIDTH: usize = 330;
const CHIP: (usize, usize) = (84, 24);
const CHIP_GAP: usize = 6;
const CHIPS_IN_ROW: usize = 6;
const LINE: usize = 18;
const PAD: usize = 14;
const GROUP_GAP: usize = 20;

const STYLE: &str = "\
  .paper { fill: #ffffff }
  .door { fill: #e8f0fe; stroke: #3367d6 } .pool { fill: #f6f8fa; stroke: #8c959f }
  .chip { fill: #dafbe1; stroke: #2da44e } .way { fill: none; stroke: #3367d6; stroke-width: 1.5 }
  text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328 }
  .name { font-weight: 600 } .small { font-size: 11px; fill: #59636e } .mid { text-anchor: middle }
";

/// A pool and where it is drawn.
struct Placed<'p> {
    group: &'p Group,
    top: usize,
    height: usize,
    /// Where the ways come in.
    entries: usize,
}

/// Prints the picture as SVG.
#[must_use]
pub fn render(picture: &Picture) -> String {
    let placed = place(picture);
    let bottom = placed.last().map_or(MARGIN, |p| p.top + p.height);
    let doors_height =
        picture.doors.iter().map(door_height).sum::<usize>() + GROUP_GAP * picture.doors.len();
    let height = bottom.max(MARGIN + 30 + doors_height) + MARGIN;
    let width = MARGIN * 2 + DOOR_WIDTH + WAY_WIDTH + group_width();
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">"
    ));
    line(&format!("<title>{}</title>", escape(&picture.title)));
    line(&format!("<style>\n{STYLE}</style>"));
    line(&format!(
        "<rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>"
    ));
    line(&text((MARGIN, MARGIN + 12), "name", &picture.title));
    let doors = place_doors(picture, height);
    line(&ways(picture, &placed, &doors));
    for (door, top) in picture.doors.iter().zip(&doors) {
        line(&rect(
            (MARGIN, *top),
            (DOOR_WIDTH, door_height(door)),
            "door",
        ));
        line(&text((MARGIN + PAD, top + PAD + 10), "name", &door.name));
        for (index, said) in door.lines.iter().enumerate() {
            line(&text(
                (MARGIN + PAD, top + PAD + 10 + LINE * (index + 1)),
                "small",
                said,
            ));
        }
    }
    for pool in &placed {
        line(&draw_group(pool));
    }
    line("</svg>");
    out
}

fn group_left() -> usize {
    MARGIN + DOOR_WIDTH + WAY_WIDTH
}

fn group_width() -> usize {
    PAD * 2 + CHIPS_IN_ROW * (CHIP.0 + CHIP_GAP) - CHIP_GAP
}

fn door_height(door: &super::Door) -> usize {
    PAD * 2 + LINE * (door.lines.len() + 1) - 4
}

fn group_height(group: &Group, entries: usize) -> usize {
    let hosts = group
        .hosts
        .iter()
        .map(|(_, chips)| LINE + rows(chips.len()) * (CHIP.1 + CHIP_GAP));
    (PAD * 2 + LINE + hosts.sum::<usize>()).max(PAD + LINE * (entries + 1))
}

fn rows(chips: usize) -> usize {
    chips.div_ceil(CHIPS_IN_ROW)
}

fn place(picture: &Picture) -> Vec<Placed<'_>> {
    let mut top = MARGIN + 30;
    let mut placed = Vec::new();
    for (index, group) in picture.groups.iter().enumerate() {
        let entries = picture.ways.iter().filter(|w| w.group == index).count();
        let height = group_height(group, entries);
        placed.push(Placed {
            group,
            top,
            height,
            entries,
        });
        top += height + GROUP_GAP;
    }
    placed
}

/// The doors one below the other, in the middle of the height.
fn place_doors(picture: &Picture, height: usize) -> Vec<usize> {
    let total: usize = picture
        .doors
        .iter()
        .map(|d| door_height(d) + GROUP_GAP)
        .sum();
    let mut top = (height.saturating_sub(total) / 2).max(MARGIN + 30);
    picture
        .doors
        .iter()
        .map(|door| {
            let at = top;
            top += door_height(door) + GROUP_GAP;
            at
        })
        .collect()
}

fn ways(picture: &Picture, placed: &[Placed<'_>], doors: &[usize]) -> String {
    let mut out = String::new();
    let mut entered = vec![0; placed.len()];
    for way in &picture.ways {
        let pool = &placed[way.group];
        let from = (
            MARGIN + DOOR_WIDTH,
            doors[way.door] + door_height(&picture.doors[way.door]) / 2,
        );
        let step = (pool.height / (pool.entries + 1)).max(LINE);
        let to = (group_left(), pool.top + step * (entered[way.group] + 1));
        entered[way.group] += 1;
        let middle = from.0 + 90;
        // A String takes any text.
        let _ = writeln!(
            out,
            "<path class=\"way\" d=\"M {} {} C {middle} {}, {} {}, {} {} H {}\"/>",
            from.0,
            from.1,
            from.1,
            from.0 + 30,
            to.1,
            middle,
            to.1,
            to.0
        );
        let _ = writeln!(out, "{}", text((middle + 8, to.1 - 5), "small", &way.label));
    }
    out.pop();
    out
}

fn draw_group(pool: &Placed<'_>) -> String {
    let left = group_left();
    let mut out = rect((left, pool.top), (group_width(), pool.height), "pool");
    let mut y = pool.top + PAD + 10;
    out.push_str(&text((left + PAD, y), "name", &pool.group.name));
    let beside = left + PAD + 10 + pool.group.name.chars().count() * 8;
    out.push_str(&text((beside, y), "small", &pool.group.line));
    for (host, chips) in &pool.group.hosts {
        y += LINE;
        out.push_str(&text((left + PAD, y), "small", host));
        y += 6;
        for (index, chip) in chips.iter().enumerate() {
            let column = index % CHIPS_IN_ROW;
            let at = (
                left + PAD + column * (CHIP.0 + CHIP_GAP),
                y + index / CHIPS_IN_ROW * (CHIP.1 + CHIP_GAP),
            );
            out.push_str(&rect(at, CHIP, "chip"));
            out.push_str(&text((at.0 + CHIP.0 / 2, at.1 + 16), "small mid", chip));
        }
        y += rows(chips.len()) * (CHIP.1 + CHIP_GAP);
    }
    out
}

fn rect(at: (usize, usize), size: (usize, usize), class: &str) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\"/>",
        at.0, at.1, size.0, size.1
    )
}

fn text(at: (usize, usize), class: &str, said: &str) -> String {
    format!(
        "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
        at.0,
        at.1,
        escape(said)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
