//! A schema as it lies on the wire: logical types are looked through, since readers resolve what is beneath them.

use apache_avro::{
    Schema,
    schema::{
        ArraySchema, EnumSchema, FixedSchema, InnerDecimalSchema, MapSchema, RecordSchema, UnionSchema, UuidSchema,
    },
};

#[derive(Clone, Copy)]
pub enum Shape<'s> {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(&'s FixedSchema),
    Array(&'s ArraySchema),
    Map(&'s MapSchema),
    Enum(&'s EnumSchema),
    Record(&'s RecordSchema),
    Union(&'s UnionSchema),
}

/// The shape of a schema; `None` for a reference, which must be followed first.
pub fn shape(schema: &Schema) -> Option<Shape<'_>> {
    Some(match schema {
        Schema::Null => Shape::Null,
        Schema::Boolean => Shape::Boolean,
        Schema::Int | Schema::Date | Schema::TimeMillis => Shape::Int,
        Schema::Long
        | Schema::TimeMicros
        | Schema::TimestampMillis
        | Schema::TimestampMicros
        | Schema::TimestampNanos
        | Schema::LocalTimestampMillis
        | Schema::LocalTimestampMicros
        | Schema::LocalTimestampNanos => Shape::Long,
        Schema::Float => Shape::Float,
        Schema::Double => Shape::Double,
        Schema::Bytes | Schema::BigDecimal | Schema::Uuid(UuidSchema::Bytes) => Shape::Bytes,
        Schema::String | Schema::Uuid(UuidSchema::String) => Shape::String,
        Schema::Fixed(fixed) | Schema::Duration(fixed) | Schema::Uuid(UuidSchema::Fixed(fixed)) => Shape::Fixed(fixed),
        Schema::Decimal(decimal) => match &decimal.inner {
            InnerDecimalSchema::Bytes => Shape::Bytes,
            InnerDecimalSchema::Fixed(fixed) => Shape::Fixed(fixed),
        },
        Schema::Array(array) => Shape::Array(array),
        Schema::Map(map) => Shape::Map(map),
        Schema::Enum(enumeration) => Shape::Enum(enumeration),
        Schema::Record(record) => Shape::Record(record),
        Schema::Union(union) => Shape::Union(union),
        Schema::Ref { .. } => return None,
    })
}

/// What to call a schema in a message.
pub fn described(schema: &Schema) -> String {
    if let Schema::Decimal(decimal) = schema {
        return format!("decimal({}, {})", decimal.precision, decimal.scale);
    }
    let (kind, name) = match shape(schema) {
        Some(Shape::Record(record)) => ("record", Some(&record.name)),
        Some(Shape::Enum(enumeration)) => ("enum", Some(&enumeration.name)),
        Some(Shape::Fixed(fixed)) => ("fixed", Some(&fixed.name)),
        Some(Shape::Union(union)) => {
            let branches: Vec<String> = union.variants().iter().map(described).collect();
            return format!("union of {}", branches.join(", "));
        }
        Some(Shape::Array(array)) => return format!("array of {}", described(&array.items)),
        Some(Shape::Map(map)) => return format!("map of {}", described(&map.types)),
        Some(Shape::Null) => ("null", None),
        Some(Shape::Boolean) => ("boolean", None),
        Some(Shape::Int) => ("int", None),
        Some(Shape::Long) => ("long", None),
        Some(Shape::Float) => ("float", None),
        Some(Shape::Double) => ("double", None),
        Some(Shape::Bytes) => ("bytes", None),
        Some(Shape::String) => ("string", None),
        None => match schema {
            Schema::Ref { name } => ("type", Some(name)),
            _ => ("type", None),
        },
    };
    match name {
        Some(name) => format!("{kind} {}", name.fullname(None)),
        None => kind.to_owned(),
    }
}
