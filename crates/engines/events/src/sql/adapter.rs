//! What a file has not as a column, though the table has.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::SchemaRef,
    common::{
        ScalarValue,
        tree_node::{Transformed, TreeNode as _},
    },
    error::Result,
    physical_expr::{
        PhysicalExpr,
        expressions::{Column, lit},
    },
    physical_expr_adapter::{
        DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
    },
};

use super::attribute::{Attribute, logical};
use crate::schema::{self, MIXED, Place, Promoted, Signal};

/// Reads promoted attributes out of a file's maps where it has no column for them.
#[derive(Clone, Debug)]
pub(super) struct Adapters {
    pub(super) signal: Signal,
    pub(super) promoted: Arc<Promoted>,
}

impl PhysicalExprAdapterFactory for Adapters {
    fn create(
        &self,
        logical: SchemaRef,
        physical: SchemaRef,
    ) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let default = DefaultPhysicalExprAdapterFactory
            .create(Arc::clone(&logical), Arc::clone(&physical))?;
        Ok(Arc::new(Adapter { of: self.clone(), logical, physical, default }))
    }
}

#[derive(Debug)]
struct Adapter {
    of: Adapters,
    logical: SchemaRef,
    physical: SchemaRef,
    default: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for Adapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let replaced = expr.transform_down(|expr| {
            let name = expr.downcast_ref::<Column>().map(|column| column.name().to_owned());
            let Some(name) = name else { return Ok(Transformed::no(expr)) };
            Ok(match self.attribute(&name, &expr)? {
                None => Transformed::no(expr),
                // Its columns are the default adapter's to find.
                Some(found) => Transformed::new(
                    found,
                    true,
                    datafusion::common::tree_node::TreeNodeRecursion::Jump,
                ),
            })
        })?;
        self.default.rewrite(replaced.data)
    }
}

impl Adapter {
    /// What stands for a promoted attribute's column; `None` when the file has it, and all of it.
    fn attribute(
        &self,
        name: &str,
        column: &Arc<dyn PhysicalExpr>,
    ) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let Some((number, one)) = self.of.promoted.of_column(name) else { return Ok(None) };
        let own = self.physical.fields().find(name);
        let column = match own {
            Some((_, field)) if !field.metadata().contains_key(MIXED) => return Ok(None),
            Some(_) => Some(Arc::clone(column)),
            // The file knew the attribute, and no row has it.
            None if number < schema::known(&self.physical) => {
                return Ok(Some(lit(ScalarValue::try_from(&logical(one.kind))?)));
            }
            None => None,
        };
        let map = match one.place {
            Place::Record => self.of.signal.attributes(),
            Place::Resource => "ResourceAttributes",
        };
        let of = |name: &str| -> Result<Arc<dyn PhysicalExpr>> {
            Ok(Arc::new(Column::new_with_schema(name, &self.logical)?))
        };
        let maps = [of(map)?, of(&schema::other(map))?];
        Ok(Some(Arc::new(Attribute::new(&one.key, one.kind, maps, column))))
    }
}
