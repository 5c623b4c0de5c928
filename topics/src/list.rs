//! The closed list of the platform's public topics.

use std::{marker::PhantomData, time::Duration};

use tradewind_schemas::{
    CustomerId, IntentId, OrderId, PaymentId, Sku,
    catalog::{CatalogCommand, CatalogEntry, CatalogEvent, CatalogKey},
    edge::EdgeReply,
    identity::{DirectoryEntry, DirectoryShelf, IdentityCommand, IdentityEvent, IdentityKey, SubjectKey, SubjectKeyId},
    inventory::{InventoryCommand, InventoryEvent},
    order::{CustomerOrder, OrderCommand, OrderEvent},
    payment::{PaymentAttempt, PaymentCommand, PaymentEvent, PaymentIntent},
    runtime::{Member, Shop, ShopKey, TaskKey},
};

use crate::Cleanup;

/// A topic: its name without the run's namespace, whose it is, how it forgets, and the types of its keys and payloads.
pub struct Topic<K, V> {
    pub name: &'static str,
    pub owner: &'static str,
    pub cleanup: Cleanup,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for Topic<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K, V> Copy for Topic<K, V> {}

impl<K, V> Topic<K, V> {
    /// The platform's own topics are those of this list. One that is made elsewhere, for an example or a test, is
    /// created by nobody, and has a codec only where it is given one.
    pub const fn new(name: &'static str, owner: &'static str, cleanup: Cleanup) -> Self {
        Self { name, owner, cleanup, types: PhantomData }
    }
}

const DAY: u64 = 86_400;
const WEEK: Cleanup = Cleanup::Delete { after: Duration::from_secs(7 * DAY) };
const TABLE: Cleanup = Cleanup::Compact { tombstones_for: Duration::from_secs(DAY) };

/// Declares the topics, and the list of them all that `topics plan|apply`, the registry and the tests go through.
macro_rules! topics {
    ($($(#[$doc:meta])* $constant:ident: $key:ty => $payload:ty = $name:literal, $owner:literal, $cleanup:expr;)*) => {
        $($(#[$doc])* pub const $constant: Topic<$key, $payload> = Topic::new($name, $owner, $cleanup);)*

        /// Every public topic, without its types.
        pub fn all() -> Vec<Declared> {
            vec![$(Declared {
                name: $constant.name,
                owner: $constant.owner,
                cleanup: $constant.cleanup,
                schema: <$payload as tradewind_schemas::Contract>::schema,
            }),*]
        }

        /// Visits every public topic.
        pub fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
            $(visitor.visit($constant)?;)*
            Ok(())
        }
    };
}

/// Something to be done with each topic, types and all.
pub trait Visitor {
    type Error;
    fn visit<K, V: tradewind_schemas::Contract>(&mut self, topic: Topic<K, V>) -> Result<(), Self::Error>;
}

/// A topic of the list, without its types.
pub struct Declared {
    pub name: &'static str,
    pub owner: &'static str,
    pub cleanup: Cleanup,
    /// The schema of its values, given its name.
    pub schema: fn(&str) -> apache_avro::Schema,
}

topics! {
    IDENTITY_COMMANDS: IdentityKey => IdentityCommand = "identity.commands", "identity", Cleanup::Keep;
    IDENTITY_EVENTS: IdentityKey => IdentityEvent = "identity.events", "identity", Cleanup::Keep;
    /// People's data keys, wrapped.
    IDENTITY_KEYS: SubjectKeyId => SubjectKey = "identity.keys", "identity", TABLE;
    /// The repartition topic of the stage `identity.directory`.
    IDENTITY_DIRECTORY: DirectoryShelf => DirectoryEntry = "identity.directory", "identity", Cleanup::Keep;
    CATALOG_COMMANDS: CatalogKey => CatalogCommand = "catalog.commands", "catalog", Cleanup::Keep;
    CATALOG_EVENTS: CatalogKey => CatalogEvent = "catalog.events", "catalog", Cleanup::Keep;
    /// What edges quote from.
    CATALOG_PRODUCTS: CatalogKey => CatalogEntry = "catalog.products", "catalog", TABLE;
    INVENTORY_COMMANDS: Sku => InventoryCommand = "inventory.commands", "inventory", Cleanup::Keep;
    INVENTORY_EVENTS: Sku => InventoryEvent = "inventory.events", "inventory", Cleanup::Keep;
    ORDER_COMMANDS: OrderId => OrderCommand = "order.commands", "order", Cleanup::Keep;
    ORDER_EVENTS: OrderId => OrderEvent = "order.events", "order", Cleanup::Keep;
    /// The repartition topic of the stage `order.by-customer`.
    ORDER_BY_CUSTOMER: CustomerId => CustomerOrder = "order.by-customer", "order", Cleanup::Keep;
    PAYMENT_COMMANDS: PaymentId => PaymentCommand = "payment.commands", "payment", Cleanup::Keep;
    PAYMENT_EVENTS: PaymentId => PaymentEvent = "payment.events", "payment", Cleanup::Keep;
    PAYMENT_INTENTS: PaymentId => PaymentIntent = "payment.intents", "payment", WEEK;
    PAYMENT_ATTEMPTS: IntentId => PaymentAttempt = "payment.attempts", "payment", TABLE;
    /// Which worker answers questions about which task.
    RUNTIME_MEMBERS: TaskKey => Member = "runtime.members", "runtime", TABLE;
    /// With which keys the shop was begun; a record or two.
    RUNTIME_SHOP: ShopKey => Shop = "runtime.shop", "runtime", Cleanup::Keep;
    /// Unkeyed; the partition is the edge's.
    EDGE_REPLIES: () => EdgeReply = "edge.replies", "edge", Cleanup::Delete { after: Duration::from_secs(3600) };
}
