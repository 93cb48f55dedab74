//! The logical structure of a PDF file, by which assistive software reads it.

use std::num::NonZeroU16;

use krilla::tagging::{Identifier, Node as Child, TableHeaderScope, Tag, TagGroup, TagKind, TagTree};

/// The place of an element in the structure.
pub type Node = usize;

/// What an element is.
#[derive(Debug, Clone)]
pub enum Role {
    Part,
    /// A heading of this level, with its text.
    Heading(NonZeroU16, String),
    Paragraph,
    Table,
    TableHead,
    TableBody,
    Row,
    ColumnName,
    RowName,
    Cell,
    /// With its description.
    Figure(String),
}

struct Element {
    role: Role,
    children: Vec<Node>,
    content: Vec<Identifier>,
}

#[derive(Default)]
pub struct Tags {
    elements: Vec<Element>,
    roots: Vec<Node>,
}

pub const TITLE: NonZeroU16 = NonZeroU16::MIN;

impl Tags {
    /// Adds an element after those that its parent has.
    pub fn add(&mut self, parent: Option<Node>, role: Role) -> Node {
        let node = self.elements.len();
        self.elements.push(Element { role, children: Vec::new(), content: Vec::new() });
        match parent.and_then(|parent| self.elements.get_mut(parent)) {
            Some(parent) => parent.children.push(node),
            None => self.roots.push(node),
        }
        node
    }

    /// Adds what was drawn for an element.
    pub fn fill(&mut self, node: Node, content: Identifier) {
        if let Some(element) = self.elements.get_mut(node) {
            element.content.push(content);
        }
    }

    pub fn tree(&self) -> TagTree {
        let roots: Vec<Child> = self.roots.iter().filter_map(|node| self.group(*node)).collect();
        roots.into()
    }

    fn group(&self, node: Node) -> Option<Child> {
        let element = self.elements.get(node)?;
        let mut group = TagGroup::new(kind(&element.role));
        for content in &element.content {
            group.push(*content);
        }
        for child in element.children.iter().filter_map(|child| self.group(*child)) {
            group.push(child);
        }
        (!group.children.is_empty()).then_some(Child::Group(group))
    }
}

fn kind(role: &Role) -> TagKind {
    match role {
        Role::Part => Tag::Section.into(),
        Role::Heading(level, text) => Tag::Hn(*level, Some(text.clone())).into(),
        Role::Paragraph => Tag::P.into(),
        Role::Table => Tag::Table.into(),
        Role::TableHead => Tag::THead.into(),
        Role::TableBody => Tag::TBody.into(),
        Role::Row => Tag::TR.into(),
        Role::ColumnName => Tag::TH(TableHeaderScope::Column).into(),
        Role::RowName => Tag::TH(TableHeaderScope::Row).into(),
        Role::Cell => Tag::TD.into(),
        Role::Figure(description) => Tag::Figure(Some(description.clone())).into(),
    }
}
