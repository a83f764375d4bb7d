/**
 * What went wrong: the same strings in every language that Plico has. A code
 * never changes its meaning; new ones may come with new versions.
 *
 * | code | meaning |
 * | --- | --- |
 * | `BAD_REQUEST` | The request is not well-formed; see `detail`. |
 * | `NEEDS_NEWER_CLIENT` | Something was written by a newer version of Plico; update this one. |
 * | `ENTRY_INVALID` | An entry breaks a rule of the protocol and was not accepted. |
 * | `SIGNATURE_MISSING` | The request is not signed. |
 * | `DEVICE_REVOKED` | This device was revoked by its owner: it signs and opens nothing any more. |
 * | `SIGNATURE_INVALID` | The request's signature does not verify; check the key and the public URL. |
 * | `CLOCK_SKEWED` | The request's time is too far from the directory's; check the clock. |
 * | `REQUEST_REPLAYED` | This signed request was already carried out once. |
 * | `ENROLMENT_INVALID` | The enrolment token is not valid for this tenant, user id and identity. |
 * | `ENROLMENT_EXPIRED` | The enrolment token is not valid now; ask the app's backend for a fresh one. |
 * | `USER_ID_TAKEN` | The user id is bound to another identity; the backend must raise the binding's number to move it. |
 * | `RECOVERY_KEY_UNKNOWN` | No identity has this recovery key: it was never set, was replaced, or one of the words is wrong. |
 * | `IDENTITY_DISABLED` | The app's backend has disabled this identity: it can do nothing until it is active again. |
 * | `IDENTITY_DELETED` | This identity was deleted by its owner. |
 * | `PAIRING_NOT_FOUND` | Nobody has read this device's code yet, or its ten minutes are over. |
 * | `BACKUP_REFUSED` | There is no backup under this user id, or its passphrase or secret is another one. |
 * | `TOO_MANY_TRIES` | Too many wrong tries at this backup; wait half an hour and try again. |
 * | `TENANT_NOT_FOUND` | The directory does not know this tenant. |
 * | `IDENTITY_NOT_FOUND` | The directory does not know this identity. |
 * | `GROUP_NOT_FOUND` | The directory does not know this group. |
 * | `SESSION_NOT_FOUND` | There is no such encryption session, or this identity was never a recipient of it. |
 * | `ACCESS_REVOKED` | This identity's access to the encryption session was revoked. |
 * | `ACCESS_EXPIRED` | This identity's access to the encryption session has expired. |
 * | `ACCESS_WITHDRAWN` | The tenant's operator has withdrawn this identity's access to the encryption session; it can be given back. |
 * | `SESSION_ENDED` | The encryption session was ended by its owner or the tenant's operator, or its time was over. |
 * | `NOT_ALLOWED` | This identity does not have the right to do that. |
 * | `CONFLICT` | Somebody else wrote first; refresh and try again. |
 * | `AUTHOR_BEHIND` | The entry names an old position of an identity's chain; refresh and try again. |
 * | `TOO_LARGE` | The request is larger than the directory accepts. |
 * | `UNSUPPORTED_MEDIA_TYPE` | Send `content-type: application/json`. |
 * | `NOT_FOUND` | There is nothing at this address. |
 * | `METHOD_NOT_ALLOWED` | This address does not take that method. |
 * | `UNAVAILABLE` | The directory can't answer now; try again later. |
 * | `INTERNAL` | Something failed that should not: a bug, in the directory (its log holds the request id) or in this library. |
 * | `IDENTITY_CHANGED` | Another identity stands behind a known user id; the app must accept the change explicitly. |
 * | `ATTESTATION_INVALID` | The directory gave an identity for a user id without a valid word of the app's backend. |
 * | `HISTORY_SHORTENED` | The directory shows less of a history than this client has already seen. If it was restored from a backup, wait until those who have the rest have handed it back. |
 * | `HISTORY_FORKED` | The directory shows another history than the one this client has already seen. |
 * | `HISTORY_INVALID` | The directory shows a history that is not validly linked and signed. |
 * | `HEAD_INVALID` | The directory's signed head is missing, not signed by its key, or not that of the history shown. |
 * | `ANSWER_MISMATCH` | The directory answered with something other than what was asked for. |
 * | `ANSWER_REPLAYED` | The answer is an old one, or the clocks differ by more than the freshness bound. |
 * | `WRONG_TENANT` | The data belong to another tenant. |
 * | `RIGHTS_VIOLATION` | The session's history holds an entry whose author had no right to write it. |
 * | `GRANT_EXCEEDS_GRANTOR` | The session's history holds a grant that is wider than its grantor's rights. |
 * | `WRAP_INVALID` | A wrapped secret is not the one that the session's history commits to for this recipient. |
 * | `WRAP_FALSE` | A member of the session has published a wrapped secret that does not open, or is not the epoch's. |
 * | `BACK_LINK_INVALID` | A back-link is not the one that the session's history commits to. |
 * | `BACK_LINK_FALSE` | A member of the session has published a back-link that does not open the earlier epoch. |
 * | `EPOCH_UNAVAILABLE` | This identity was not given the epoch that the envelope is encrypted under. |
 * | `SESSION_BEHIND_ENVELOPE` | The envelope is of a later epoch than the directory shows: history is being withheld. |
 * | `NOT_AN_ENVELOPE` | These bytes are not a Plico envelope. |
 * | `WRONG_SESSION` | The envelope belongs to another encryption session or names another suite. |
 * | `CONTEXT_REQUIRED` | The envelope was sealed with an app context; give the same one to open it. |
 * | `CONTEXT_UNEXPECTED` | The envelope was sealed without an app context, but one was given. |
 * | `CONTEXT_MISMATCH` | The envelope does not belong to this place: the app context, the key or the header differs from what was sealed. |
 * | `ENVELOPE_DAMAGED` | The envelope was altered or damaged; nothing of the damaged part was released. |
 * | `ENVELOPE_SIGNATURE_INVALID` | The signature is not one over this envelope in this place, by somebody who could read it. |
 * | `ENVELOPE_TRUNCATED` | The envelope ends too early. |
 * | `ARCHIVE_INVALID` | What is in the envelope is no archive that may be unpacked; nothing of it was kept. |
 * | `INVALID_ARGUMENT` | An argument is not one that this call takes; see the message. |
 * | `RECIPIENTS_NOT_FOUND` | Some recipients have no account; see the list. |
 * | `NOT_REGISTERED` | Register this account first. |
 * | `ALREADY_REGISTERED` | This account is registered under another user id. |
 * | `WRONG_PASSPHRASE` | The passphrase, or the host's secret, is not the one that protects this identity file. |
 * | `IDENTITY_FILE_INVALID` | These bytes are not an identity file, or were altered. |
 * | `RECOVERY_WORDS_INVALID` | These are not the 24 words of a recovery key; look for a word that was misread or left out. |
 * | `RECOVERY_KEY_SET` | A recovery key is set already; another one needs its consent: give its words, too. |
 * | `BACKUP_INVALID` | What the directory gave is not the backup that this passphrase or secret protects. |
 * | `FINGERPRINT_MISMATCH` | The two people do not see the same identities: one of them is shown somebody else. |
 * | `PAIRING_CODE_INVALID` | This is not a pairing code; read it again. |
 * | `PAIRING_INVALID` | Somebody between the two devices has changed what they say; pair them again with a new code. |
 * | `PAIRING_EXPIRED` | The other device has not answered within ten minutes; try again. |
 * | `OFFLINE_FILE_INVALID` | These bytes are not an offline file, or it was not made for this identity. |
 * | `ENROLMENT_FAILED` | The app's own enrolment call failed; see its error. |
 * | `NETWORK` | The directory could not be reached, or its answer was cut off. |
 * | `OFFLINE` | This needs the directory, and the call was to do without; go online, or prefetch what is to be opened offline. |
 * | `UNSETTLED` | An earlier change of this session has no known outcome; go online first. |
 * | `EPOCH_DUE` | It is known that a new epoch must begin before anything is written; go online first. |
 * | `PROTOCOL_ERROR` | What answered is not a Plico directory, or speaks another version. |
 * | `CANCELLED` | The operation was cancelled. |
 * | `IO` | A file could not be read or written. |
 * | `STORE` | The local store could not be read or written. |
 * | `STORE_DAMAGED` | The local store holds something that Plico did not write. |
 * | `STORE_WRONG_KEY` | The key does not open the local store; give the one that it was made with. |
 * | `STORE_FULL` | The disk is full: nothing was changed; make room and try again. |
 * | `STORE_READ_ONLY` | The local store can be read but not written; check the disk and the file's permissions. |
 * | `STORE_BUSY` | Another process has held the local store for too long; try again. |
 * | `STORE_COPIED` | The local store is a copy, or was moved to another machine; accept it only if that was meant, and never use both. |
 * | `CLOSED` | The object was closed. |
 */
export type PlicoErrorCode =
  | "BAD_REQUEST"
  | "NEEDS_NEWER_CLIENT"
  | "ENTRY_INVALID"
  | "SIGNATURE_MISSING"
  | "DEVICE_REVOKED"
  | "SIGNATURE_INVALID"
  | "CLOCK_SKEWED"
  | "REQUEST_REPLAYED"
  | "ENROLMENT_INVALID"
  | "ENROLMENT_EXPIRED"
  | "USER_ID_TAKEN"
  | "RECOVERY_KEY_UNKNOWN"
  | "IDENTITY_DISABLED"
  | "IDENTITY_DELETED"
  | "PAIRING_NOT_FOUND"
  | "BACKUP_REFUSED"
  | "TOO_MANY_TRIES"
  | "TENANT_NOT_FOUND"
  | "IDENTITY_NOT_FOUND"
  | "GROUP_NOT_FOUND"
  | "SESSION_NOT_FOUND"
  | "ACCESS_REVOKED"
  | "ACCESS_EXPIRED"
  | "ACCESS_WITHDRAWN"
  | "SESSION_ENDED"
  | "NOT_ALLOWED"
  | "CONFLICT"
  | "AUTHOR_BEHIND"
  | "TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "UNAVAILABLE"
  | "INTERNAL"
  | "IDENTITY_CHANGED"
  | "ATTESTATION_INVALID"
  | "HISTORY_SHORTENED"
  | "HISTORY_FORKED"
  | "HISTORY_INVALID"
  | "HEAD_INVALID"
  | "ANSWER_MISMATCH"
  | "ANSWER_REPLAYED"
  | "WRONG_TENANT"
  | "RIGHTS_VIOLATION"
  | "GRANT_EXCEEDS_GRANTOR"
  | "WRAP_INVALID"
  | "WRAP_FALSE"
  | "BACK_LINK_INVALID"
  | "BACK_LINK_FALSE"
  | "EPOCH_UNAVAILABLE"
  | "SESSION_BEHIND_ENVELOPE"
  | "NOT_AN_ENVELOPE"
  | "WRONG_SESSION"
  | "CONTEXT_REQUIRED"
  | "CONTEXT_UNEXPECTED"
  | "CONTEXT_MISMATCH"
  | "ENVELOPE_DAMAGED"
  | "ENVELOPE_SIGNATURE_INVALID"
  | "ENVELOPE_TRUNCATED"
  | "ARCHIVE_INVALID"
  | "INVALID_ARGUMENT"
  | "RECIPIENTS_NOT_FOUND"
  | "NOT_REGISTERED"
  | "ALREADY_REGISTERED"
  | "WRONG_PASSPHRASE"
  | "IDENTITY_FILE_INVALID"
  | "RECOVERY_WORDS_INVALID"
  | "RECOVERY_KEY_SET"
  | "BACKUP_INVALID"
  | "FINGERPRINT_MISMATCH"
  | "PAIRING_CODE_INVALID"
  | "PAIRING_INVALID"
  | "PAIRING_EXPIRED"
  | "OFFLINE_FILE_INVALID"
  | "ENROLMENT_FAILED"
  | "NETWORK"
  | "OFFLINE"
  | "UNSETTLED"
  | "EPOCH_DUE"
  | "PROTOCOL_ERROR"
  | "CANCELLED"
  | "IO"
  | "STORE"
  | "STORE_DAMAGED"
  | "STORE_WRONG_KEY"
  | "STORE_FULL"
  | "STORE_READ_ONLY"
  | "STORE_BUSY"
  | "STORE_COPIED"
  | "CLOSED";
