//! The pages as a tagged PDF file: PDF/UA-1, with embedded parts of the fonts.

use krilla::color::rgb;
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{Path, PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, SpanTag};
use krilla::text::{Font as Embedded, GlyphId, KrillaGlyph};
use krilla::{Document as File, SerializeSettings};

use super::pages::{Op, Page, Place};
use super::pieces::Mark;
use super::tags::Tags;
use crate::config::logo::Logo;
use crate::documents::drawing::Color;
use crate::documents::font::{Font, one_line, printable};
use crate::documents::model::Document;
use crate::problem::{Problem, Result};

/// The fonts and the logo, each once in the file.
struct Resources {
    regular: Embedded,
    bold: Embedded,
    logo: Option<Image>,
}

impl Resources {
    fn new(logo: Option<&Logo>) -> Result<Self> {
        let embedded = |font: Font| {
            Embedded::new(font.face().file.into(), 0)
                .ok_or_else(|| Problem::internal("a font cannot be read"))
        };
        let logo = logo.map(|logo| {
            let pixels = logo.colors.chunks_exact(3).zip(&logo.opacity);
            let pixels: Vec<u8> = pixels.flat_map(|(color, opacity)| [color, &[*opacity]].concat()).collect();
            Image::from_rgba8(pixels, logo.width, logo.height)
        });
        Ok(Resources { regular: embedded(Font::Regular)?, bold: embedded(Font::Bold)?, logo })
    }
}

/// # Errors
/// If the file cannot be written.
pub fn write(
    document: &Document,
    size: (f32, f32),
    pages: Vec<Page>,
    places: &[Place],
    mut tags: Tags,
) -> Result<Vec<u8>> {
    let configuration = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| Problem::internal(format!("{error:?}")))?;
    let mut file = File::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let title = one_line(&document.title);
    let language = document.locale.as_str().to_owned();
    let metadata = Metadata::new().title(title.clone()).language(language.clone());
    file.set_metadata(metadata.authors(vec![printable(&document.entity)]).creator("Mesa".to_owned()));
    let resources = Resources::new(document.logo.as_deref())?;
    let count = pages.len();
    for page in pages {
        let settings = PageSettings::from_wh(size.0, size.1)
            .ok_or_else(|| Problem::internal("a page without a size"))?;
        let mut sheet = file.start_page_with(settings);
        let mut surface = sheet.surface();
        draw(&mut surface, page, &resources, &mut tags);
        surface.finish();
        sheet.finish();
    }
    let mut outline = Outline::new();
    let start = [Place { name: title, page: 0, y: 0.0 }];
    for place in if places.is_empty() { &start } else { places } {
        let target =
            XyzDestination::new(place.page.min(count.saturating_sub(1)), Point::from_xy(0.0, place.y));
        outline.push_child(OutlineNode::new(one_line(&place.name), target));
    }
    file.set_outline(outline);
    file.set_tag_tree(tags.tree().with_lang(Some(language)));
    file.finish().map_err(|error| Problem::internal(format!("a PDF file: {error:?}")))
}

/// Draws a page; what belongs together in the structure is one piece of content.
fn draw(surface: &mut Surface<'_>, page: Page, resources: &Resources, tags: &mut Tags) {
    let mut open = None;
    for (mark, op) in page {
        if open != Some(mark) {
            if open.is_some() {
                surface.end_tagged();
            }
            let artifact = |kind| ContentTag::Artifact(Artifact::with_kind(kind));
            let content = surface.start_tagged(match mark {
                Mark::Element(_) => ContentTag::Span(SpanTag::empty()),
                Mark::Header => artifact(ArtifactType::Header),
                Mark::Footer => artifact(ArtifactType::Footer),
                Mark::Decoration => artifact(ArtifactType::Layout),
            });
            if let Mark::Element(node) = mark {
                tags.fill(node, content);
            }
            open = Some(mark);
        }
        draw_one(surface, op, resources);
    }
    if open.is_some() {
        surface.end_tagged();
    }
}

fn draw_one(surface: &mut Surface<'_>, op: Op, resources: &Resources) {
    match op {
        Op::Text { x, y, font, size, color, text } => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(color)));
            let embedded = if font == Font::Regular { &resources.regular } else { &resources.bold };
            let glyphs = font.glyphs(&text).into_iter().map(|(glyph, text_range)| KrillaGlyph {
                glyph_id: GlyphId::new(glyph.id),
                text_range,
                x_advance: glyph.width,
                x_offset: 0.0,
                y_offset: 0.0,
                y_advance: 0.0,
                location: None,
            });
            let glyphs: Vec<KrillaGlyph> = glyphs.collect();
            surface.draw_glyphs(Point::from_xy(x, y), &glyphs, embedded.clone(), &text, size, false);
        }
        Op::Line { from, to, thick, color } => {
            surface.set_fill(None);
            surface.set_stroke(Some(Stroke {
                paint: paint(color).into(),
                width: thick,
                ..Stroke::default()
            }));
            let mut path = PathBuilder::new();
            path.move_to(from.0, from.1);
            path.line_to(to.0, to.1);
            draw_path(surface, path.finish());
        }
        Op::Fill { x, y, width, height, color } => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(color)));
            let mut path = PathBuilder::new();
            if let Some(area) = Rect::from_xywh(x, y, width, height) {
                path.push_rect(area);
            }
            draw_path(surface, path.finish());
        }
        Op::Dot { x, y, radius, color } => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(color)));
            draw_path(surface, circle(x, y, radius));
        }
        Op::Logo { x, y, width, height } => {
            if let (Some(logo), Some(size)) = (&resources.logo, Size::from_wh(width, height)) {
                surface.push_transform(&Transform::from_translate(x, y));
                surface.draw_image(logo.clone(), size);
                surface.pop();
            }
        }
        Op::Empty => {}
    }
}

fn draw_path(surface: &mut Surface<'_>, path: Option<Path>) {
    if let Some(path) = path {
        surface.draw_path(&path);
    }
}

/// Four curves that approximate a circle.
fn circle(x: f32, y: f32, radius: f32) -> Option<Path> {
    let bend = radius * 0.5523;
    let mut path = PathBuilder::new();
    path.move_to(x + radius, y);
    path.cubic_to(x + radius, y + bend, x + bend, y + radius, x, y + radius);
    path.cubic_to(x - bend, y + radius, x - radius, y + bend, x - radius, y);
    path.cubic_to(x - radius, y - bend, x - bend, y - radius, x, y - radius);
    path.cubic_to(x + bend, y - radius, x + radius, y - bend, x + radius, y);
    path.close();
    path.finish()
}

fn paint([red, green, blue]: Color) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

fn fill(color: Color) -> Fill {
    Fill { paint: paint(color).into(), opacity: NormalizedF32::ONE, ..Fill::default() }
}
