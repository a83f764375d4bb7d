//! Streams: the package pushes what it reads, and takes what is ready. Nothing
//! runs between two calls, so a stream that nobody reads on keeps nothing alive.

use crate::account::AccountHandle;
use crate::bytes::Bytes;
use crate::failure::thrown;
use crate::files::file_options;
use crate::runtime::{Cancel, promise, promise_sized};
use crate::session::SessionHandle;
use crate::values::ContextInput;
use napi::Env;
use napi::bindgen_prelude::{Buffer, PromiseRaw, Uint8Array};
use napi_derive::napi;
use plico::{
    Account, DecryptWriter, EncryptWriter, EncryptionSession, Error, ErrorCode, FileOptions, Result,
};
use std::io::Write;
use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

/// What [`Account::decrypt_writer`] must be given first.
const HEADER_LEN: usize = 26;

/// How a stream is encrypted or decrypted.
#[napi(object, object_to_js = false)]
pub struct StreamInput {
    /// The place that it belongs to.
    pub context: Option<ContextInput>,
    /// How many threads may work on it.
    pub threads: Option<u32>,
}

impl StreamInput {
    pub(crate) fn into_core(self, cancel: Option<&Cancel>) -> Result<FileOptions> {
        file_options(self.context, self.threads, cancel)
    }
}

/// A stream: before its first bytes, and from then on.
enum Pump {
    ToEncrypt(EncryptionSession, FileOptions),
    /// With what has come so far.
    ToDecrypt(Account, FileOptions, Vec<u8>),
    Encrypt(Box<EncryptWriter<Vec<u8>>>),
    Decrypt(Box<DecryptWriter<Vec<u8>>>),
}

impl Pump {
    /// Has a writer, if that can be had yet; at the `end` it must.
    async fn begun(self, end: bool) -> Result<Self> {
        Ok(match self {
            Self::ToEncrypt(session, options) => {
                let writer = session.encrypt_writer(Vec::new(), options).await?;
                Self::Encrypt(Box::new(writer))
            }
            Self::ToDecrypt(account, options, start) if end || start.len() >= HEADER_LEN => {
                let mut writer = account.decrypt_writer(&start, Vec::new(), options).await?;
                write(&mut writer, &start)?;
                Self::Decrypt(Box::new(writer))
            }
            other => other,
        })
    }

    /// Takes bytes, and gives what is ready.
    async fn push(mut self, bytes: &[u8]) -> Result<(Self, Vec<u8>)> {
        let early = match &mut self {
            Self::ToDecrypt(_, _, start) => {
                start.extend_from_slice(bytes);
                true
            }
            _ => false,
        };
        let mut pump = self.begun(false).await?;
        let ready = match &mut pump {
            Self::Encrypt(writer) => {
                write(writer, bytes)?;
                take(writer.get_mut())
            }
            Self::Decrypt(writer) => {
                if !early {
                    write(writer, bytes)?;
                }
                take(writer.get_mut())
            }
            Self::ToEncrypt(..) | Self::ToDecrypt(..) => Vec::new(),
        };
        Ok((pump, ready))
    }

    /// There is nothing more; gives what was left.
    async fn finish(self) -> Result<Vec<u8>> {
        match self.begun(true).await? {
            Self::Encrypt(writer) => writer.finish(),
            Self::Decrypt(writer) => writer.finish(),
            Self::ToEncrypt(..) | Self::ToDecrypt(..) => Err(ErrorCode::Internal.into()),
        }
    }
}

fn write(writer: &mut impl Write, bytes: &[u8]) -> Result<()> {
    let written = writer.write_all(bytes);
    written.map_err(|error| Error::from_io(&error))
}

/// Where a stream is between two calls.
enum Place {
    Here(Pump),
    /// A call has it.
    Away,
    /// It was finished or abandoned, or has failed.
    Gone,
}

/// A stream that is encrypted or decrypted.
#[napi]
pub struct StreamHandle {
    place: Arc<Mutex<Place>>,
}

impl StreamHandle {
    fn new(pump: Pump) -> Self {
        Self {
            place: Arc::new(Mutex::new(Place::Here(pump))),
        }
    }

    fn replace(place: &Mutex<Place>, by: Place) -> Place {
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        // Who is gone stays so.
        match *place {
            Place::Gone => Place::Gone,
            _ => std::mem::replace(&mut *place, by),
        }
    }

    fn taken(&self, leave: Place) -> Result<Pump> {
        match Self::replace(&self.place, leave) {
            Place::Here(pump) => Ok(pump),
            Place::Away | Place::Gone => Err(ErrorCode::Closed.into()),
        }
    }
}

#[napi]
impl StreamHandle {
    /// Takes bytes, and gives what is ready: of plaintext, what is authentic.
    #[napi]
    pub fn write<'env>(
        &self,
        env: &'env Env,
        data: Uint8Array,
    ) -> napi::Result<PromiseRaw<'env, Buffer>> {
        let (pump, place) = (self.taken(Place::Away), self.place.clone());
        let data = Bytes::from(data);
        promise_sized(env, None, data.len(), async move {
            let (pump, ready) = pump?.push(data.as_ref()).await?;
            Self::replace(&place, Place::Here(pump));
            Ok(ready.into())
        })
    }

    /// There is nothing more; gives what was left, if all was right.
    #[napi]
    pub fn finish<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Buffer>> {
        let pump = self.taken(Place::Gone);
        promise(env, None, async move { Ok(pump?.finish().await?.into()) })
    }

    /// Forgets it.
    #[napi]
    pub fn abandon(&self) {
        Self::replace(&self.place, Place::Gone);
    }
}

#[napi]
impl SessionHandle {
    /// A stream to encrypt.
    #[napi]
    pub fn encrypt_stream(
        &self,
        env: &Env,
        input: StreamInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<StreamHandle> {
        let options = input.into_core(cancel);
        let options = options.map_err(|error| thrown(env, &error))?;
        let session = self.session.clone();
        Ok(StreamHandle::new(Pump::ToEncrypt(session, options)))
    }
}

#[napi]
impl AccountHandle {
    /// A stream to decrypt, of any session.
    #[napi]
    pub fn decrypt_stream(
        &self,
        env: &Env,
        input: StreamInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<StreamHandle> {
        let options = input.into_core(cancel);
        let options = options.map_err(|error| thrown(env, &error))?;
        let account = self.account.clone();
        let pump = Pump::ToDecrypt(account, options, Vec::new());
        Ok(StreamHandle::new(pump))
    }
}
