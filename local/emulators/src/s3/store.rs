//! Objects on disk.
//!
//! One file per object, named after the SHA-256 of its key, so that `d` and `d/e` and keys of any length can live side
//! by side. The file carries the metadata in front of the bytes: one rename commits both, and whoever has opened the
//! file reads a matching pair, whatever is renamed over it meanwhile. The index of keys is kept in memory and read
//! from the files at start; the directory therefore belongs to one process at a time.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use s3s::crypto::{Checksum as _, Md5, Sha256};
use s3s::dto::Timestamp;
use serde::{Deserialize, Serialize};

use super::created::{By, Created};
use crate::clock;
use crate::outbox::Outbox;

/// Of objects that are older nothing is told at a start: Lambda itself gives an event up after 6 hours.
const TOLD_AGAIN: Duration = Duration::from_secs(6 * 3600);
/// But for those below this prefix. Whoever is told of them takes them away, so nobody has looked at one that is there yet;
/// and a laptop may have been closed overnight.
const TOLD_AGAIN_ALWAYS: &str = "incoming/";

/// What is stored beside an object's bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) key: String,
    /// MD5 of the bytes in lower-case hexadecimal, without quotes.
    pub(crate) etag: String,
    pub(crate) size: u64,
    /// In whole seconds, as HTTP dates are.
    pub(crate) modified: Timestamp,
    pub(crate) headers: Headers,
    pub(crate) checksums: Checksums,
}

/// The headers that come back with the object as they were put.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) expires: Option<Timestamp>,
    /// `x-amz-meta-…`, without that prefix.
    pub(crate) user: BTreeMap<String, String>,
}

/// The checksums that the client sent, in base64.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksums {
    pub(crate) crc32: Option<String>,
    pub(crate) crc32c: Option<String>,
    pub(crate) crc64nvme: Option<String>,
    pub(crate) sha1: Option<String>,
    pub(crate) sha256: Option<String>,
}

/// An object about to be stored.
pub(crate) struct NewObject {
    pub(crate) key: String,
    pub(crate) bytes: Bytes,
    pub(crate) headers: Headers,
    pub(crate) checksums: Checksums,
    pub(crate) modified: Timestamp,
    /// By which request it comes, if by any: of others S3 does not tell.
    pub(crate) by: Option<By>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("no such bucket")]
    NoSuchBucket,
    #[error("no such key")]
    NoSuchKey,
    #[error("a precondition does not hold")]
    PreconditionFailed,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What must hold at the moment when a write is committed. It is given what is stored now.
pub(crate) type Precondition<'a> = dyn Fn(Option<&Metadata>) -> Result<(), StoreError> + 'a;

pub(crate) type Bucket = BTreeMap<String, Arc<Metadata>>;

pub(crate) struct Store {
    root: PathBuf,
    /// Whether a write must outlive a power cut, too.
    synced: bool,
    index: Mutex<BTreeMap<String, Bucket>>,
    next_temporary: AtomicU64,
    /// What was created, for whoever is to be told.
    pub(crate) outbox: Outbox<Created>,
    _removed_on_drop: Option<tempfile::TempDir>,
}

impl Store {
    /// Opens the objects under `root`, making the directory where there is none.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        Self::load(root.to_owned(), true, None)
    }

    /// A store that goes away with its handle.
    pub(crate) fn temporary() -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        Self::load(directory.path().to_owned(), false, Some(directory))
    }

    fn load(root: PathBuf, synced: bool, removed_on_drop: Option<tempfile::TempDir>) -> io::Result<Self> {
        let store = Self {
            root,
            synced,
            index: Mutex::default(),
            next_temporary: AtomicU64::new(0),
            outbox: Outbox::default(),
            _removed_on_drop: removed_on_drop,
        };
        fs::create_dir_all(store.buckets())?;
        store.clear_interrupted_writes()?;
        *store.index() = read_index(&store.buckets())?;
        store.tell_again();
        Ok(store)
    }

    /// Nothing remembers what was delivered before the process ended. Events come at least once, so they may come again.
    fn tell_again(&self) {
        let recent = Timestamp::from(clock::now().checked_sub(TOLD_AGAIN).unwrap_or(SystemTime::UNIX_EPOCH));
        for (bucket, objects) in &*self.index() {
            let is_told = |object: &Metadata| object.modified >= recent || object.key.starts_with(TOLD_AGAIN_ALWAYS);
            for object in objects.values().filter(|object| is_told(object)) {
                self.outbox.put(Created::new(bucket, object, By::Put));
            }
        }
    }

    fn clear_interrupted_writes(&self) -> io::Result<()> {
        fs::create_dir_all(self.temporaries())?;
        fs::remove_dir_all(self.temporaries())?;
        fs::create_dir(self.temporaries())
    }

    /// Makes a bucket; one that is there stays as it is.
    pub(crate) fn create_bucket(&self, name: &str) -> io::Result<()> {
        let mut index = self.index();
        fs::create_dir_all(self.buckets().join(name))?;
        self.sync_directory(&self.buckets())?;
        index.entry(name.to_owned()).or_default();
        Ok(())
    }

    /// Looks at one bucket while nothing changes in it.
    pub(crate) fn read_bucket<T>(&self, bucket: &str, look: impl FnOnce(&Bucket) -> T) -> Result<T, StoreError> {
        self.index().get(bucket).map(look).ok_or(StoreError::NoSuchBucket)
    }

    pub(crate) fn find(&self, bucket: &str, key: &str) -> Result<Arc<Metadata>, StoreError> {
        self.read_bucket(bucket, |objects| objects.get(key).cloned())?.ok_or(StoreError::NoSuchKey)
    }

    /// Stores an object if `holds` agrees; when this returns, the object outlives the process.
    pub(crate) fn put(
        &self,
        bucket: &str,
        object: NewObject,
        holds: &Precondition<'_>,
    ) -> Result<Arc<Metadata>, StoreError> {
        self.read_bucket(bucket, |_| ())?;
        let metadata = Arc::new(Metadata {
            etag: hex(&Md5::checksum(&object.bytes)),
            size: object.bytes.len() as u64,
            key: object.key,
            modified: object.modified,
            headers: object.headers,
            checksums: object.checksums,
        });
        let temporary = self.write_temporary(&metadata, &object.bytes)?;
        let committed = self.commit(bucket, &metadata, &temporary, holds);
        if committed.is_err() {
            // Left behind at worst, and cleared at the next start.
            let _ = fs::remove_file(&temporary);
        }
        committed?;
        self.sync_directory(&self.buckets().join(bucket))?;
        if let Some(by) = object.by {
            self.outbox.put(Created::new(bucket, &metadata, by));
        }
        Ok(metadata)
    }

    /// The condition is judged and the rename done under one lock: of racing writers exactly one wins.
    fn commit(
        &self,
        bucket: &str,
        metadata: &Arc<Metadata>,
        temporary: &Path,
        holds: &Precondition<'_>,
    ) -> Result<(), StoreError> {
        let mut index = self.index();
        let objects = index.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?;
        holds(objects.get(&metadata.key).map(Arc::as_ref))?;
        fs::rename(temporary, self.path(bucket, &metadata.key))?;
        objects.insert(metadata.key.clone(), Arc::clone(metadata));
        Ok(())
    }

    pub(crate) fn open_object(&self, bucket: &str, key: &str) -> Result<OpenObject, StoreError> {
        self.find(bucket, key)?;
        match OpenObject::open(&self.path(bucket, key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::NoSuchKey),
            opened => Ok(opened?),
        }
    }

    /// Removes an object if `holds` agrees; one that is not there is no error.
    pub(crate) fn delete(&self, bucket: &str, key: &str, holds: &Precondition<'_>) -> Result<(), StoreError> {
        let mut index = self.index();
        let objects = index.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?;
        holds(objects.get(key).map(Arc::as_ref))?;
        if objects.contains_key(key) {
            fs::remove_file(self.path(bucket, key))?;
            objects.remove(key);
            self.sync_directory(&self.buckets().join(bucket))?;
        }
        Ok(())
    }

    fn write_temporary(&self, metadata: &Metadata, bytes: &[u8]) -> io::Result<PathBuf> {
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let path = self.temporaries().join(number.to_string());
        let mut file = File::create_new(&path)?;
        let header = serde_json::to_vec(metadata)?;
        file.write_all(&(header.len() as u64).to_be_bytes())?;
        file.write_all(&header)?;
        file.write_all(bytes)?;
        if self.synced {
            file.sync_all()?;
        }
        Ok(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        if self.synced { File::open(directory)?.sync_all() } else { Ok(()) }
    }

    fn buckets(&self) -> PathBuf {
        self.root.join("buckets")
    }

    fn temporaries(&self) -> PathBuf {
        self.root.join("temporary")
    }

    fn path(&self, bucket: &str, key: &str) -> PathBuf {
        self.buckets().join(bucket).join(hex(&Sha256::checksum(key.as_bytes())))
    }

    fn index(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        // Every change of the index is one insertion or removal, so a panic elsewhere leaves it whole.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An object's metadata and a way to its bytes, from one file.
pub(crate) struct OpenObject {
    pub(crate) metadata: Metadata,
    file: File,
    body_starts: u64,
}

impl OpenObject {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_be_bytes(length);
        let mut header = Vec::new();
        (&file).take(length).read_to_end(&mut header)?;
        Ok(Self { metadata: serde_json::from_slice(&header)?, file, body_starts: 8 + length })
    }

    pub(crate) fn read_all(&self) -> io::Result<Vec<u8>> {
        self.read(0..self.metadata.size)
    }

    /// Reads these bytes; the range must lie within the object.
    pub(crate) fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        (&self.file).seek(SeekFrom::Start(self.body_starts + range.start))?;
        let mut bytes = Vec::new();
        let wanted = range.end - range.start;
        let read = (&self.file).take(wanted).read_to_end(&mut bytes)?;
        if (read as u64) < wanted { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
    }
}

fn read_index(buckets: &Path) -> io::Result<BTreeMap<String, Bucket>> {
    let mut index = BTreeMap::new();
    for entry in fs::read_dir(buckets)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            index.insert(name, read_bucket(&entry.path())?);
        }
    }
    Ok(index)
}

fn read_bucket(directory: &Path) -> io::Result<Bucket> {
    fs::read_dir(directory)?
        .map(|entry| {
            let metadata = OpenObject::open(&entry?.path())?.metadata;
            Ok((metadata.key.clone(), Arc::new(metadata)))
        })
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
