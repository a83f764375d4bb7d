// The same types under names that an app's own types are not likely to have: the
// class `Plico` hides the module's name, so `Plico.Account` can't be written.

/// ``Access``, for modules that have a type of that name.
public typealias PlicoAccess = Access
/// ``AccessList``, for modules that have a type of that name.
public typealias PlicoAccessList = AccessList
/// ``Account``, for modules that have a type of that name.
public typealias PlicoAccount = Account
/// ``BackupStatus``, for modules that have a type of that name.
public typealias PlicoBackupStatus = BackupStatus
/// ``Context``, for modules that have a type of that name.
public typealias PlicoContext = Context
/// ``DeviceInfo``, for modules that have a type of that name.
public typealias PlicoDeviceInfo = DeviceInfo
/// ``Expiry``, for modules that have a type of that name.
public typealias PlicoExpiry = Expiry
/// ``FileKey``, for modules that have a type of that name.
public typealias PlicoFileKey = FileKey
/// ``Fingerprint``, for modules that have a type of that name.
public typealias PlicoFingerprint = Fingerprint
/// ``Group``, for modules that have a type of that name, as those with SwiftUI do.
public typealias PlicoGroup = Group
/// ``GroupRole``, for modules that have a type of that name.
public typealias PlicoGroupRole = GroupRole
/// ``Page``, for modules that have a type of that name.
public typealias PlicoPage = Page
/// ``Recipient``, for modules that have a type of that name.
public typealias PlicoRecipient = Recipient
/// ``RecoveryKey``, for modules that have a type of that name.
public typealias PlicoRecoveryKey = RecoveryKey
/// ``Rights``, for modules that have a type of that name.
public typealias PlicoRights = Rights
/// ``Service``, for modules that have a type of that name.
public typealias PlicoService = Service
/// ``SessionOptions``, for modules that have a type of that name.
public typealias PlicoSessionOptions = SessionOptions
/// ``Store``, for modules that have a type of that name.
public typealias PlicoStore = Store
/// ``Transport``, for modules that have a type of that name.
public typealias PlicoTransport = Transport
/// ``Writer``, for modules that have a type of that name.
public typealias PlicoWriter = Writer
