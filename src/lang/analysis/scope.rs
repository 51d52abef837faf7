//! What names mean at a place, and what expressions give.

use std::cell::Cell;
use std::rc::Rc;

use crate::args::Recipe;
use crate::graph::NodeId;
use crate::span::Span;
use crate::syntax::tree::{Template, Unit};
use crate::types::{DomainId, RecipeKind, Task};

/// A term of a weighted sum of losses, with the values that it reads.
pub(crate) type Loss = (f64, Recipe, Vec<(NodeId, Span)>);

/// What an expression gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    /// A mistake, reported already.
    Unknown,
    Node(NodeId),
    Number {
        value: f64,
        integer: Option<i64>,
        unit: Option<Unit>,
    },
    Bool(bool),
    Text(Template),
    List(Vec<(Item, Span)>),
    Range {
        low: Option<f64>,
        high: Option<f64>,
    },
    Recipe {
        recipe: Recipe,
        kind: RecipeKind,
        /// The values that its arguments read, numbered from 1.
        inputs: Vec<(NodeId, Span)>,
    },
    Losses(Vec<Loss>),
    /// A bare column of the table that is given in the same call (a `def`'s parameter of type `column`).
    ColumnName(String, Span),
}

impl Item {
    pub(crate) fn int(value: i64) -> Item {
        Item::Number { value: value as f64, integer: Some(value), unit: None }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) item: Item,
    pub(crate) used: Rc<Cell<bool>>,
}

/// The rows whose columns stand bare.
#[derive(Clone, Debug)]
pub(crate) struct RowScope {
    /// The table or split.
    pub(crate) table: NodeId,
    /// The rows of the task.
    pub(crate) domain: DomainId,
    /// Of a recommender: the columns that exist when ranking.
    pub(crate) pair: Option<(String, String)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) file: usize,
    pub(crate) locals: Vec<Local>,
    pub(crate) row: Option<RowScope>,
    /// The task of the train around.
    pub(crate) task: Option<Task>,
    /// Weights may stand here.
    pub(crate) network: bool,
    /// Inside a `def`: no data is seen, only parameters, params and other defs.
    pub(crate) closed: bool,
}

impl Scope {
    pub(crate) fn of_file(file: usize) -> Self {
        Scope { file, ..Scope::default() }
    }

    pub(crate) fn with_local(&mut self, name: &str, span: Span, item: Item) -> Rc<Cell<bool>> {
        let used = Rc::new(Cell::new(false));
        self.locals.push(Local { name: name.into(), span, item, used: used.clone() });
        used
    }
}
