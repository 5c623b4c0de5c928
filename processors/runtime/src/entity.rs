//! A key's state as a capability sees it: a head, and rows.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tradewind_schemas::{RowKey, View};
use tradewind_state::{Range, StateError, StoreId, TaskState};

use crate::stored;

/// The stores of every task.
pub const STORES: [StoreId; 5] = [STATE, VIEWS, OUTCOMES, TIMERS, PARKED];
/// The store of heads and rows.
pub const STATE: StoreId = 1;
/// The store of views.
pub(crate) const VIEWS: StoreId = 2;
/// What became of clients' commands, for a day.
pub(crate) const OUTCOMES: StoreId = 3;
/// Commands to be given later, by when.
pub const TIMERS: StoreId = 4;
/// Keys whose records go to the dead letters until redriven.
pub(crate) const PARKED: StoreId = 5;

/// A kind of rows that a capability keeps under each key, such as the reservations of a SKU. There may be any number
/// of them: they are read and written one by one.
pub struct Rows<R, V> {
    /// From 1, for good.
    table: u8,
    types: PhantomData<fn(R) -> V>,
}

impl<R, V> Rows<R, V> {
    pub const fn new(table: u8) -> Self {
        assert!(table > 0, "table 0 is the head");
        Self { table, types: PhantomData }
    }
}

/// The state under one key. Dereferences to the head.
pub struct Entity<'t, S> {
    head: S,
    key: &'t str,
    task: &'t mut TaskState,
    /// A store that failed while a pure function read: that function cannot say so, so it is kept here, and the
    /// runtime throws the whole record's work away.
    fault: RefCell<Option<StateError>>,
}

impl<S> Deref for Entity<'_, S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.head
    }
}

impl<S> DerefMut for Entity<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.head
    }
}

impl<'t, S: Default + Serialize + DeserializeOwned> Entity<'t, S> {
    pub(crate) fn load(task: &'t mut TaskState, key: &'t str, format: u8) -> Result<Self, StateError> {
        let head =
            task.read(STATE, &head_key(key), |bytes| bytes.map(|bytes| stored::read(bytes, format)).transpose())??;
        let head = head.unwrap_or_default();
        Ok(Self { head, key, task, fault: RefCell::new(None) })
    }

    pub(crate) fn save(self, format: u8) -> Result<(), StateError> {
        self.check()?;
        self.task.put(STATE, &head_key(self.key), stored::write(&self.head, format));
        Ok(())
    }

    /// The fault that a read met, if one did.
    pub(crate) fn check(&self) -> Result<(), StateError> {
        self.fault.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// The key, as text.
    pub fn key(&self) -> &str {
        self.key
    }

    /// The views under the same key.
    pub(crate) fn views(&self) -> Views<'_> {
        Views::new(self.task, self.key)
    }

    pub(crate) fn apply_views(&mut self, changes: Changes) {
        apply(changes, VIEWS, self.task);
    }

    pub fn row<R: RowKey, V: DeserializeOwned>(&self, rows: Rows<R, V>, row: &R) -> Option<V> {
        let key = row_key(rows.table, self.key, row);
        let read = self.task.read(STATE, &key, |bytes| bytes.map(|bytes| stored::read(bytes, 1)).transpose());
        self.sound(read.flatten()).flatten()
    }

    /// The first `limit` rows, in order of their keys.
    pub fn rows<R: RowKey, V: DeserializeOwned>(&self, rows: Rows<R, V>, limit: usize) -> Vec<V> {
        let prefix = row_key(rows.table, self.key, &());
        let read = self.task.scan(STATE, Range::prefix(&prefix), limit);
        let values = read.and_then(|found| found.iter().map(|(_, bytes)| stored::read(bytes, 1)).collect());
        self.sound(values).unwrap_or_default()
    }

    pub fn put<R: RowKey, V: Serialize>(&mut self, rows: Rows<R, V>, row: &R, value: &V) {
        self.task.put(STATE, &row_key(rows.table, self.key, row), stored::write(value, 1));
    }

    pub fn remove<R: RowKey, V>(&mut self, rows: Rows<R, V>, row: &R) {
        self.task.delete(STATE, &row_key(rows.table, self.key, row));
    }

    fn sound<T>(&self, read: Result<T, StateError>) -> Option<T> {
        read.map_err(|fault| self.fault.replace(Some(fault))).ok()
    }
}

/// Writes the views under one key. What is written reaches the task when the record has succeeded.
pub struct Views<'t> {
    key: &'t str,
    task: &'t TaskState,
    changes: Changes,
    fault: Option<StateError>,
}

/// Changes to one store.
pub(crate) type Changes = BTreeMap<Bytes, Option<Bytes>>;

impl<'t> Views<'t> {
    pub(crate) fn new(task: &'t TaskState, key: &'t str) -> Self {
        Self { key, task, changes: Changes::new(), fault: None }
    }

    pub(crate) fn into_changes(self) -> Result<Changes, StateError> {
        self.fault.map_or(Ok(self.changes), Err)
    }

    /// The key that the views are about, as text.
    pub fn key(&self) -> &str {
        self.key
    }

    pub fn get<R: RowKey, V: DeserializeOwned>(&mut self, view: View<R, V>, row: &R) -> Option<V> {
        let key = row_key(view.table, self.key, row);
        let read = match self.changes.get(&key) {
            Some(change) => Ok(change.clone()),
            None => self.task.get(VIEWS, &key),
        };
        match read.and_then(|bytes| bytes.map(|bytes| stored::read(&bytes, 1)).transpose()) {
            Ok(value) => value,
            Err(fault) => {
                self.fault = Some(fault);
                None
            }
        }
    }

    pub fn put<R: RowKey, V: Serialize>(&mut self, view: View<R, V>, row: &R, value: &V) {
        self.changes.insert(row_key(view.table, self.key, row), Some(stored::write(value, 1)));
    }

    pub fn remove<R: RowKey, V>(&mut self, view: View<R, V>, row: &R) {
        self.changes.insert(row_key(view.table, self.key, row), None);
    }
}

/// Applies what was written to views.
pub(crate) fn apply(changes: Changes, store: StoreId, task: &mut TaskState) {
    for (key, change) in changes {
        match change {
            Some(value) => task.put(store, &key, value),
            None => task.delete(store, &key),
        }
    }
}

/// Where the head of this key lies.
pub(crate) fn head_key(key: &str) -> Bytes {
    row_key(0, key, &())
}

/// Of a key, in bytes: rows have its length in two.
pub(crate) const LONGEST_KEY: usize = u16::MAX as usize;

/// Table, key (with its length, so that no key is another's prefix) and row.
pub(crate) fn row_key(table: u8, key: &str, row: &impl RowKey) -> Bytes {
    row_key_raw(table, key, &row.bytes())
}

pub(crate) fn row_key_raw(table: u8, key: &str, row: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(3 + key.len() + row.len());
    bytes.push(table);
    bytes.extend_from_slice(&(key.len() as u16).to_be_bytes());
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(row);
    bytes.into()
}
